"""A project's verbs with Azure ML's real SDK, and the environments that they need."""

import subprocess
import tomllib
from pathlib import Path

from baking import environment, python_of, run

STEPS = ("train", "aml")  # the groups of pyproject.toml that the steps' environment has


def ask(project: Path, settings: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """A verb of the project, told of no Azure but this."""
    return subprocess.run(
        [python_of(project), "-m", project.name, *words],
        cwd=project,
        env=told(settings),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def told(settings: dict[str, str]) -> dict[str, str]:
    """The environment of a process that is to know of no Azure but this."""
    own = {name: value for name, value in environment().items() if not name.startswith("AZURE")}
    return own | settings


def steps_environment(project: Path, folder: Path) -> Path:
    """The Python of an environment made of what the steps' Dockerfile installs, and no more.

    The project itself is not installed in it: on Azure ML its code is in the working folder.
    """
    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    optional = declared["optional-dependencies"]
    lines = declared["dependencies"] + [line for name in STEPS for line in optional[name]]
    requirements = folder / "requirements.txt"
    requirements.write_text("\n".join(lines))
    run(["uv", "venv", "--quiet", folder / "steps"], folder)
    python = folder / "steps" / "bin" / "python"
    pinned = ["--requirement", requirements, "--constraint", project / "constraints.txt"]
    run(["uv", "pip", "install", "--quiet", "--python", python, *pinned], folder)
    return python
