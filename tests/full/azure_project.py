"""Projects that use Azure ML in tests: their verbs, and the environment of their steps."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import warm
from baking import environment, python_of, run, share_compiled

# A person of finance's dataset.
ROW = {
    "age": 40,
    "workclass": "Private",
    "education": "Masters",
    "education_num": 14,
    "marital_status": "Married-civ-spouse",
    "occupation": None,
    "relationship": "Husband",
    "capital_gain": 0,
    "capital_loss": 0,
    "hours_per_week": 45,
}
CONTEXT = """
import sys
from pathlib import Path
from seedling.azure import online_code
from seedling.config import Project

online_code.write_context(Project.find(), Path(sys.argv[1]))
"""
REQUIREMENTS = """
import sys
from seedling.azure.environment import requirements
from seedling.config import Project

print("\\n".join(requirements(Project.find(), sys.argv[1:])))
"""


def ask(
    project: Path, settings: dict[str, str], *words: str, timeout: float = 600
) -> "subprocess.CompletedProcess[str]":
    """A verb of the project, told of no Azure but this."""
    return said_by(project, settings, "-m", "seedling", *words, timeout=timeout)


def said_by(
    project: Path,
    settings: dict[str, str],
    *words: str,
    timeout: float = 600,
    given: str | None = None,
) -> "subprocess.CompletedProcess[str]":
    """The project's Python with these arguments and input, told of no Azure but this.

    Its libraries are loaded already: `call` and `run` of baking.py begin as a person does.
    """
    return warm.call(python_of(project), words, project, told(settings), given, timeout)


def told(settings: dict[str, str]) -> dict[str, str]:
    """The environment of a process that is to know of no Azure but this."""
    own = {name: value for name, value in environment().items() if not name.startswith("AZURE")}
    return own | settings


def say(project: Path, aml: Any) -> None:
    """Add settings of Azure to a project's model.yaml, which has none yet."""
    path = project / "model.yaml"
    path.write_text(f"{path.read_text()}\naml: {json.dumps(aml)}\n", encoding="utf-8")


def steps_python(project: Path, folder: Path, *groups: str, python: Path | None = None) -> Path:
    """The Python of an environment with what steps of the project require, and not the project.

    The project says that by its own Python, or by another one.
    """
    found = asked_for(project, python, REQUIREMENTS, *groups)
    (folder / "requirements.txt").write_text(found.stdout, encoding="utf-8")
    return installed_in(folder, project / "constraints.txt")


def asked_for(
    project: Path, python: Path | None, script: str, *words: str
) -> "subprocess.CompletedProcess[str]":
    """A script about the project, run by its Python or another one."""
    path = os.pathsep.join([str(project), str(project / "internal")])
    done = subprocess.run(
        [python or python_of(project), "-c", script, *words],
        cwd=project,
        env=told({"PYTHONPATH": path}),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def write_context(project: Path, folder: Path, python: Path | None = None) -> None:
    """Write what the image of an online deployment is made of."""
    asked_for(project, python, CONTEXT, str(folder))


def deployment_python(project: Path, folder: Path, python: Path | None = None) -> Path:
    """The Python of the environment that an online deployment's image has."""
    write_context(project, folder, python)
    return installed_in(folder)


def installed_in(folder: Path, constraints: Path | None = None) -> Path:
    """The Python of an environment with the requirements that a folder has.

    What begins there has its libraries loaded.
    """
    constraints = constraints or folder / "constraints.txt"
    run(["uv", "venv", "--quiet", "--python", "3.11", folder / "venv"], folder)
    python = folder / "venv" / "bin" / "python"
    command = ["uv", "pip", "install", "--quiet", "--python", python, "-r", "requirements.txt"]
    run([*command, "-c", constraints], folder)
    share_compiled(folder / "venv")
    warm.lend(python)
    return python
