"""The files that a job gets: the run folder, what `local` names, and the completed script.

They keep their places relative to each other, so that a path in the script means the same file here
and there. What may hold a secret stays here, and so does what a run has left.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from seedling.config import FILE_NAME, Project, read_text
from seedling.config.document import place
from seedling.config.env_files import may_hold_secrets
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.run_scripts import compute, experiment
from seedling.run_scripts.building import completed

BASE = "train.py"
# Names that say how to enter somewhere, beside those of `may_hold_secrets`.
SECRET = ("config.json", ".netrc", "_netrc", "id_rsa*", "id_ed25519*", ".azure", ".aws", ".ssh")
# What a run has left, what is made anew, and what no job runs.
LEFT_HERE = ("__pycache__", "outputs", "*.ipynb", "*.egg-info", ".*")


class Shipped(NamedTuple):
    """The copy of a run folder with what goes along.

    Attributes:
        code: the folder to send.
        folder: the run folder in it, relative to it.
        script: the name of the completed script in that.
    """

    code: Path
    folder: Path
    script: str


def copy(folder: Path, code: Path) -> Shipped:
    """Copy a run folder, and what its experiment's `local` names, into a new folder `code`.

    Raises:
        ProjectError: the script or the experiment's file is faulty, or an entry of `local` is
            missing or is outside of the project.
    """
    script, described = completed(folder / BASE), experiment.read(folder)
    folder = folder.resolve()
    root = _root(folder)
    for source in (folder, *local(folder, must_exist=True)):
        for file in _files(source, folder, root, described.exclude):
            target = code / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    place = folder.relative_to(root)
    name = f"{Path(BASE).stem}_completed.py"
    write_text(code / place / name, script.text)
    return Shipped(code, place, name)


def local(folder: Path, must_exist: bool) -> list[Path]:
    """Return what the experiment's `local` names in a run folder.

    Args:
        folder: the run folder, which has an experiment's file.
        must_exist: whether what verbs make must be there too, as a dataset not yet created.

    Raises:
        ProjectError: an entry is missing, may hold secrets or is outside of the project: with line.
    """
    folder = folder.resolve()
    file, root = experiment.file(folder), _root(folder)
    found = []
    for at, entry in enumerate(experiment.read(folder).local):
        path = Path(os.path.normpath(folder / entry))
        fault = ""
        if not path.is_relative_to(root):
            fault = f"is outside of {root.name}: copy it into it"
        elif _is_secret(path):
            fault = "may hold secrets, and never goes along: remove it"
        elif not path.exists() and (must_exist or not _is_made(path, root)):
            fault = f"is not there, seen from {folder.name}: correct or remove it"
        if file and fault:
            where = place(file, read_text(file), ("local", at))
            raise ProjectError(f"{where}: {entry} {fault}.")
        found.append(path)
    return found


def _is_made(path: Path, root: Path) -> bool:
    """Return True if verbs make a file or folder: one of datasets, or below local_assets.

    Where model.yaml is invalid, it may be one of datasets.
    """
    if not (root / FILE_NAME).is_file():
        return False
    project = Project(root)
    try:
        datasets = project.config.named_datasets
    except ProjectError:
        return True
    made = [project.assets, *(project.dataset_path(each).parent for each in datasets)]
    return any(path.is_relative_to(each) or each.is_relative_to(path) for each in made)


def _root(folder: Path) -> Path:
    """Return the project's folder, or the run folder itself where it is in no project."""
    found = (each for each in folder.parents if (each / FILE_NAME).is_file())
    return next(found, folder)


def _files(source: Path, folder: Path, root: Path, exclude: Sequence[str]) -> Iterator[Path]:
    """Yield the files of a file or folder that go along."""
    if source.is_file():
        if not _stays(source, source.parent, folder, exclude):
            yield source
        return
    for parent, folders, names in os.walk(source):
        here = Path(parent)
        folders[:] = [name for name in folders if not _stays(here / name, source, folder, exclude)]
        for name in names:
            path = here / name
            inside = path.is_file() and path.resolve().is_relative_to(root)
            if inside and not _stays(path, source, folder, exclude):
                yield path


def _stays(path: Path, source: Path, folder: Path, exclude: Sequence[str]) -> bool:
    """Return True for a file or folder that stays here.

    Args:
        path: it.
        source: the folder that it goes along with.
        folder: the run folder, which patterns with a / begin at.
        exclude: patterns of the experiment.
    """
    if path.name == compute.FILE:
        return False
    if _is_secret(path) or _is_any(path, LEFT_HERE):
        return True
    relative = Path(os.path.relpath(path, folder)).as_posix()
    within = path.relative_to(source).as_posix()
    return any(
        fnmatch(name, pattern.rstrip("/"))
        for pattern in exclude
        for name in (path.name, relative, within)
    )


def _is_secret(path: Path) -> bool:
    return may_hold_secrets(path.name) or _is_any(path, SECRET)


def _is_any(path: Path, patterns: Sequence[str]) -> bool:
    """Return True if the name of a file is one of these patterns, in letters of any case."""
    return any(fnmatch(path.name.casefold(), pattern) for pattern in patterns)
