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


def test_each_make_verb_is_one_python_command(bake: Callable[[dict], Path]):
    recipes = recipes_of(bake(HELLO) / "Makefile")
    for name, recipe in recipes.items():
        assert len(recipe) == 1, name
        if name not in ("help", "init"):
            assert recipe[0].startswith(f"@$(RUN) {name}")
    assert recipes["init"] == ["@$(INIT)"]


def test_make_help_and_the_command_line_list_the_same_verbs(installed: Callable[..., Path]):
    project = installed(HELLO)
    described = run(["make", "help"], project).splitlines()
    verbs = verbs_of(project) - {"model"}  # its verbs are those of a model's own Makefile
    assert {line.split()[0] for line in described} == verbs | {"help", "init"}
    assert recipes_of(project / "Makefile").keys() == verbs | {"help", "init"}


def test_make_in_a_models_folder_has_the_verbs_of_a_model(installed: Callable[..., Path]):
    project = installed(HELLO)
    verbs = verbs_of(project, "model", "linear_regression")
    recipes = recipes_of(project / "internal" / "make" / "model.mk")
    assert recipes.keys() == verbs | {"help"}
    assert {name: len(lines) for name, lines in recipes.items()} == dict.fromkeys(recipes, 1)
    described = run(["make", "--no-print-directory", "-C", "models/linear_regression"], project)
    assert {line.split()[0] for line in described.splitlines()} == recipes.keys()


def verbs_of(project: Path, *group: str) -> set[str]:
    """What the command line lists."""
    told = verb(project, *group, "--help").partition("Commands:")[2]
    return set(re.findall(r"(?m)^  ([a-z][a-z-]*)", told))


def recipes_of(makefile: Path) -> dict[str, list[str]]:
    """The lines that make runs for each verb."""
    text = makefile.read_text()
    blocks = re.findall(r"(?m)^([a-z][a-z-]*):.*## .*\n((?:\t.*\n?)+)", text)
    return {name: [line.strip() for line in recipe.splitlines()] for name, recipe in blocks}


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
    return os.environ | {"PATH": path}


def interpreter(version: str) -> str:
    """Python of that version, where it is on PATH and starts."""
    python = shutil.which(f"python{version}")
    if python is None or call([python, "-c", ""], Path.cwd()).returncode:
        pytest.skip(f"there is no Python {version} here")
    found = "import sys; print(sys._base_executable)"
    return run([python, "-c", found], Path.cwd()).strip()
