"""Projects that use Azure ML in tests: their verbs, and the environment of their steps."""

import os
import subprocess
from pathlib import Path

from baking import environment, python_of, run

REQUIREMENTS = """
import sys
from mlops.aml.environment import requirements
from {package}.config import Project

print("\\n".join(requirements(Project.find(), sys.argv[1:])))
"""


def ask(
    project: Path, settings: dict[str, str], *words: str, timeout: float = 300
) -> "subprocess.CompletedProcess[str]":
    """A verb of the project, told of no Azure but this."""
    own = {name: value for name, value in environment().items() if not name.startswith("AZURE")}
    command = [python_of(project), "-m", project.name, *words]
    return subprocess.run(
        command, cwd=project, env=own | settings, capture_output=True, text=True, timeout=timeout
    )


def steps_python(project: Path, folder: Path, *groups: str) -> Path:
    """The Python of an environment with what steps of the project require, and not the project."""
    script = REQUIREMENTS.format(package=project.name)
    own = environment() | {"PYTHONPATH": os.pathsep.join([str(project), str(project / "src")])}
    found = subprocess.run(
        [python_of(project), "-c", script, *groups],
        cwd=project,
        env=own,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = folder / "requirements.txt"
    listed.write_text(found.stdout, encoding="utf-8")
    run(["uv", "venv", "--quiet", folder / "venv"], folder)
    python = folder / "venv" / "bin" / "python"
    command = ["uv", "pip", "install", "--quiet", "--python", python, "-r", listed]
    run([*command, "-c", project / "constraints.txt"], folder)
    return python
