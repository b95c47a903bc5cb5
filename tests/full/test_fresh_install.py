"""A project on a machine that has Python and little else."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from baking import generate, run, verb
from pythons import find_python, path_without_uv

pytestmark = pytest.mark.full

HELLO = {"vertical": "hello_world"}


def test_venv_and_pip_of_another_python_are_enough(tmp_path: Path):
    """pip asks its index: for little here, and test_offline.py has it fetch all there is.

    What a person does then is there too, by the same Python.
    """
    python = interpreter("3.13")
    project = generate(tmp_path / "projects", HELLO)
    here = os.environ | {"PATH": path_without_uv(), "PIP_NO_COMPILE": "1"}
    words = ["make", "init", f"PYTHON={python}", "GROUPS=build"]
    done = subprocess.run(words, cwd=project, env=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = (project / ".venv" / "pyvenv.cfg").read_text()
    assert "uv = " not in found
    assert "version = 3.13." in found
    assert "train" in verb(project, "--help")


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


def interpreter(version: str) -> str:
    """Python of that version, where it is on PATH and starts."""
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    return python
