"""A project on a machine that has Python and little else."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from baking import call, generate, run, verb

pytestmark = pytest.mark.full

HELLO = {"vertical": "hello_world"}


def test_venv_and_pip_of_another_python_are_enough(tmp_path: Path):
    python = interpreter("3.13")
    project = generate(tmp_path / "projects", HELLO)
    environment = without_uv()
    for target in ("demo", "test", "lint"):
        make(project, environment, target, f"PYTHON={python}")
    found = (project / ".venv" / "pyvenv.cfg").read_text()
    assert "uv = " not in found
    assert "version = 3.13." in found


def test_unsupported_python_is_one_line(bake: Callable[[dict], Path]):
    project = bake(HELLO)
    python = interpreter("3.10")
    done = subprocess.run(
        [python, "internal/seedling/init.py"],
        cwd=project,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == "Error: this project needs Python 3.11 to 3.13, and this is 3.10.\n"


def test_make_help_and_the_command_line_list_the_same_verbs(installed: Callable[..., Path]):
    project = installed(HELLO)
    described = re.findall(r"(?m)^  ([a-z][a-z-]*)", run(["make", "help"], project))
    told = verb(project, "--help").partition("Start:")[2]
    verbs = re.findall(r"(?m)^  ([a-z][a-z-]*)", told)
    verbs.remove("model")  # its verbs are those of a model's own Makefile
    assert described == verbs


def make(project: Path, environment: dict[str, str], *words: str) -> None:
    done = subprocess.run(
        ["make", *words], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def without_uv() -> dict[str, str]:
    """This environment with this Python, make and the system's tools, and no uv."""
    path = os.pathsep.join([str(Path(sys.base_prefix) / "bin"), "/usr/bin", "/bin"])
    assert shutil.which("uv", path=path) is None
    assert shutil.which("make", path=path)
    # What is imported is compiled then; pip would compile all that it installs.
    return os.environ | {"PATH": path, "PIP_NO_COMPILE": "1"}


def interpreter(version: str) -> str:
    """Python of that version, where it is on PATH and starts."""
    python = shutil.which(f"python{version}")
    if python is None or call([python, "-c", ""], Path.cwd()).returncode:
        pytest.skip(f"there is no Python {version} here")
    found = "import sys; print(sys._base_executable)"
    return run([python, "-c", found], Path.cwd()).strip()
