"""The verb `update-internal`: another version of the plumbing, from a zip, without a network."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.init import fingerprint
from seedling.release import manifest, swap
from seedling.release.archive import CONSTRAINTS, Release, read
from seedling.requirements import groups, required

KEPT = "local_assets"  # beside everything else that git ignores


@dataclass(frozen=True)
class Update:
    """An update that may begin: from which version to which, and which edits it would undo."""

    root: Path
    release: Release
    version: str
    edits: list[str]  # sentences


def plan(root: Path, file: Path, force: bool = False) -> Update:
    """Check a released zip against the project; nothing is changed.

    Args:
        root: the project's folder.
        file: the zip.
        force: allow the version that is there already, and older ones.

    Raises:
        ProjectError: the zip is no release, or a version that is not newer.
    """
    internal = root / "internal"
    if not internal.is_dir():
        raise ProjectError(f"There is no {internal}: a wheel is updated by pip.")
    release = read(file)
    version = manifest.version_of(internal)
    if not force and _number(release.version) <= _number(version):
        older = "the version that is here" if release.version == version else "older"
        raise ProjectError(
            f"{file} is Seedling {release.version}, {older}"
            f"{'' if release.version == version else f' than {version}, which is here'}: "
            "give --force to take it all the same."
        )
    try:
        edits = manifest.differences(internal)
    except ProjectError as error:
        edits = [str(error)]
    return Update(root, release, version, edits)


def carry_out(update: Update, say: Callable[[str], None]) -> None:
    """Replace internal/ and an unedited constraints.txt; print the verbs to run next.

    A process that is killed meanwhile leaves a zip from which the next verb goes on.

    Raises:
        ProjectError: a file could not be replaced; everything is as it was.
    """
    root, release = update.root, update.release
    installed, needed = fingerprint(root), _dependencies(root)
    files = dict(release.files)
    own_pins = CONSTRAINTS in files and not _follows_constraints(root)
    if own_pins:
        aside = root / KEPT / f"constraints-{release.version}.txt"
        aside.parent.mkdir(exist_ok=True)
        aside.write_bytes(files.pop(CONSTRAINTS))
    kept = _new_folder(root / KEPT / f"internal-{update.version}-edited")
    if update.edits:
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(root / "internal", kept, ignore=ignored)
    _swap(root, files)
    say(f"internal/ is Seedling {release.version}; it was {update.version}.")
    if update.edits:
        say(f"The folder with your edits is kept in {_relative(root, kept)}.")
    if own_pins:
        say(
            f"constraints.txt is not that of Seedling {update.version}, so it is kept. What "
            f"{release.version} pins is in {_relative(root, aside)}: take it over, or run lock."
        )
    elif CONSTRAINTS in files:
        say("constraints.txt is that of the release too.")
    if _dependencies(root) != needed:
        say("Next: init, since the dependencies changed; then test. Restart what is being served.")
    elif fingerprint(root) != installed:
        say("Next: init, since it installs the new version; the dependencies are the same.")
        say("Then test. Restart what is being served.")
    else:
        say("Next: test. The dependencies are the same. Restart what is being served.")


def _new_folder(path: Path) -> Path:
    """Return the path, or with the first number behind it that makes it a new one."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


def _dependencies(root: Path) -> tuple[object, ...]:
    """Return what the project declares and pins, without the version of internal/."""
    pins = (root / CONSTRAINTS).read_text(encoding="utf-8")
    return required(root), groups(root), pins


def _swap(root: Path, files: dict[str, bytes]) -> None:
    """Have these files stand ready in a zip, then replace internal/ by them."""
    replaced = [path for path in (root / "internal").rglob("*") if path.is_file()]
    before = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in [*replaced, root / CONSTRAINTS]
        if path.is_file()
    }
    try:
        with replacing(root / swap.READY) as aside, aside.open("wb") as stream:
            with ZipFile(stream, "w") as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
            stream.flush()
            os.fsync(stream.fileno())
        swap.finish(root)
    except OSError as error:
        (root / swap.READY).unlink(missing_ok=True)
        swap.put(root, before)
        raise ProjectError(
            f"{error.filename}: {error.strerror}. internal/ is as it was; close what has the file "
            "open, or allow writing there, and run it again."
        ) from None


def _follows_constraints(root: Path) -> bool:
    """Return True if constraints.txt is the one of the present version."""
    path = root / CONSTRAINTS
    if not path.is_file():
        return True
    try:
        released = manifest.read(root / "internal").hashes
    except ProjectError:
        return False
    return released.get(manifest.CONSTRAINTS) == manifest.digest(path.read_bytes())


def _number(version: str) -> tuple[int, ...]:
    """Return a version as numbers to compare: 0.10.0 is newer than 0.9.1.

    Raises:
        ProjectError: it is not numbers with dots between.
    """
    if not re.fullmatch(r"\d+(\.\d+)*", version):
        raise ProjectError(f"{version} is no version: numbers with dots between, as in 0.2.0.")
    return tuple(int(part) for part in version.split("."))


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
