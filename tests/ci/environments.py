"""Environments that borrow the packages of one that is installed already.

Installing takes seconds and a network; each job, each step on Azure ML and each container gets an
environment of its own in milliseconds instead, with a path to the packages of the first.
"""

import importlib.util
import shutil
from pathlib import Path

import warm

PINS = ("pyproject.toml", "internal/pyproject.toml", "constraints.txt")


def borrow(prepared: Path, folder: Path, project: Path | None = None) -> Path:
    """Make an environment with the packages of another one; return its Python.

    Args:
        prepared: the `.venv` of an initialised project.
        folder: of the new environment.
        project: the checkout that it imports, instead of the prepared project; none if not given.
    """
    packages = next(prepared.glob("lib/python3*/site-packages"))
    own = folder / packages.relative_to(prepared)
    own.mkdir(parents=True)
    (folder / "bin").mkdir()
    shutil.copy(prepared / "pyvenv.cfg", folder)
    python = (prepared / "bin" / "python").resolve()
    for script in (prepared / "bin").iterdir():
        is_python = script.name.startswith("python")
        (folder / "bin" / script.name).symlink_to(python if is_python else script)
    lines = [str(packages)]
    if project:
        lines = [str(project / "internal"), str(project), *lines]
    (own / "borrowed.pth").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    borrowed = folder / "bin" / "python"
    warm.lenders[borrowed] = prepared / "bin" / "python"
    return borrowed


def hand_out(prepared: Path, checkout: Path) -> None:
    """Give a checkout its `.venv`, which init finds current if it pins what the prepared one has.

    Otherwise it gets none: init would install, which fails here for want of a network.
    """
    original = prepared.parent
    if (checkout / ".venv").exists() or any(_text(original, p) != _text(checkout, p) for p in PINS):
        return
    warm.lend(borrow(prepared, checkout / ".venv", checkout))
    groups = (prepared / ".installed").read_text(encoding="utf-8").split()[1:]
    stamp = " ".join([_fingerprint(checkout), *groups])
    (checkout / ".venv" / ".installed").write_text(stamp, encoding="utf-8")


def _text(root: Path, name: str) -> str:
    path = root / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _fingerprint(checkout: Path) -> str:
    """Ask the checkout's own init, which writes it into the stamp."""
    path = checkout / "internal" / "seedling" / "init.py"
    spec = importlib.util.spec_from_file_location("init_of_a_checkout", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.fingerprint(checkout))
