"""A project on a machine with Python, a folder of wheels, and no index within reach."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from baking import generate, run
from pythons import find_python, path_without_uv

from seedling.release.manifest import VERSION

pytestmark = pytest.mark.full

HELLO = {"vertical": "hello_world"}
PYTHON = getattr(sys, "_base_executable", sys.executable)
NEWEST = "3.13"  # that the project supports; where it is here, all is done by it
NOWHERE = "http://127.0.0.1:9/simple"
VERSION_OF = "import platform; print(platform.python_version())"
FIND = (
    "import seedling; from importlib.metadata import version;"
    "print(version('seedling'), seedling.__file__)"
)


@pytest.fixture(scope="module")
def python() -> str:
    """The Python of the machine."""
    return find_python(NEWEST) or PYTHON


@pytest.fixture(scope="module")
def wheelhouse(
    python: str, tmp_path_factory: pytest.TempPathFactory, bake: Callable[[dict], Path]
) -> Path:
    """What internal/README.md tells to gather; and somebody else's `seedling`, as on an index."""
    folder, project = tmp_path_factory.mktemp("wheels"), bake(HELLO)
    run([python, "-m", "venv", folder / "venv"], folder)
    groups = ["train", "serve", "dev", "build"]
    listed = run([python, "internal/seedling/requirements.py", *groups], project)
    (folder / "requirements.txt").write_text(listed)
    wheels = folder / "wheel house"
    pinned = ["--requirement", folder / "requirements.txt", "--constraint", "constraints.txt"]
    pip = [folder / "venv" / "bin" / "python", "-m", "pip"]
    run([*pip, "wheel", "--quiet", "--wheel-dir", wheels, *pinned], project)
    with zipfile.ZipFile(wheels / "seedling-99.0.0-py3-none-any.whl", "w") as wheel:
        about = "seedling-99.0.0.dist-info"
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: seedling\nVersion: 99.0.0\n"
        )
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
        wheel.writestr("seedling/__init__.py", "raise ImportError('this is not ours')\n")
    return wheels


def test_pip_fills_the_environment_from_a_folder(python: str, wheelhouse: Path, tmp_path: Path):
    """Where there is no uv; all that a person does first works there, by the newest Python too."""
    project, here = generate(tmp_path / "projects", HELLO), cut_off(tmp_path)
    here["PATH"] = path_without_uv()
    call(project, here, "make", "init", f"PYTHON={python}", f"WHEELHOUSE={wheelhouse}")
    found = (project / ".venv" / "pyvenv.cfg").read_text()
    assert "uv = " not in found
    assert f"version = {run([python, '-c', VERSION_OF], project).strip()}" in found
    assert_ours(project, here)
    for target in ("demo", "test", "lint"):
        call(project, here, "make", target, f"PYTHON={python}")


def test_uv_does_so_too_and_obeys_what_pip_is_told(python: str, wheelhouse: Path, tmp_path: Path):
    project, here = generate(tmp_path / "projects", HELLO), cut_off(tmp_path)
    here["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), here["PATH"]])
    here |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheelhouse.as_uri()}
    call(project, here, python, "internal/seedling/init.py", "--groups", "train,serve")
    assert "uv = " in (project / ".venv" / "pyvenv.cfg").read_text()
    assert_ours(project, here)
    by = str(project / ".venv" / "bin" / "python")
    call(project, here, by, "-m", "seedling", "create-local-datasets")
    assert "linear_regression" in call(project, here, by, "-m", "seedling", "train")


def test_without_the_folder_it_is_one_line(bake: Callable[[dict], Path], tmp_path: Path):
    project = bake(HELLO)
    done = subprocess.run(
        [PYTHON, "internal/seedling/init.py", "--wheelhouse", "gone"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        done.stderr
        == f"Error: there is no folder {project / 'gone'} with the packages to install.\n"
    )
    assert not (project / ".venv").exists()


def test_a_group_that_no_file_declares_is_one_line(bake: Callable[[dict], Path]):
    done = subprocess.run(
        [PYTHON, "internal/seedling/requirements.py", "train", "nope"],
        cwd=bake(HELLO),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: there is no group 'nope': name some of train, serve, ")


def cut_off(folder: Path) -> dict[str, str]:
    """This environment with every index nowhere, and no cache or setting of another project."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "MAKE"))
    }
    return ours | {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": NOWHERE,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_COMPILE": "1",  # what is imported is compiled then
        "UV_CACHE_DIR": str(folder / "uv"),
        "UV_DEFAULT_INDEX": NOWHERE,
        "UV_NO_CONFIG": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }


def assert_ours(project: Path, environment: dict[str, str]) -> None:
    """The project's Python finds our plumbing by its path."""
    python = str(project / ".venv" / "bin" / "python")
    version, place = call(project, environment, python, "-c", FIND).split(maxsplit=1)
    assert version in VERSION.findall((project / "internal" / "pyproject.toml").read_text())
    assert Path(place.strip()).is_relative_to(project / "internal")
    assert "train" in call(project, environment, python, "-m", "seedling", "--help")


def call(project: Path, environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout
