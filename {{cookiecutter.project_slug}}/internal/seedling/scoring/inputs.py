"""The input of a run: a file, a folder, a blob, or the files of a pattern: `data/**/*.csv`."""

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from glob import glob, has_magic
from pathlib import Path, PurePath
from typing import NamedTuple

from seedling import implementations
from seedling.data import folder_names
from seedling.data.folder_names import DATA, TARGET
from seedling.data.reading import kind_of, stem_of
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.serving.whole_texts import ENDING


class Input(NamedTuple):
    """A file to score.

    Attributes:
        path: of the file.
        file: its name in the column `file`.
        before: the rows of the same name in files before it.
    """

    path: Path
    file: str
    before: int = 0


class State(NamedTuple):
    """The state of a file when it was listed: its bytes, the time of its last change, its hash."""

    size: int
    changed: int  # in nanoseconds
    sha256: str


def state(path: Path, known: State | None = None) -> State:
    """Return the state of a file; its hash is the known one where size and time are the same."""
    found = path.stat()
    same = known and (known.size, known.changed) == (found.st_size, found.st_mtime_ns)
    return State(found.st_size, found.st_mtime_ns, known.sha256 if same and known else sha256(path))


def is_pattern(source: str) -> bool:
    """Return whether a text is a pattern of files: `*`, `?` or `[` in it, and no such file."""
    return has_magic(source) and not os.path.lexists(source)


def find(source: str) -> list[Input]:
    """Return the files to score, sorted by their paths.

    They are called by their paths below the folder, or the one that a pattern begins with; in front
    stand the folders above that say a column, so that one part is never taken for another.

    Raises:
        ProjectError: there is none, or one is of a kind that is not read.
    """
    if is_pattern(source):
        base = base_of(source)
        files = sorted(Path(each) for each in glob(source, recursive=True))
        found = [Input(each, _named(each, base)) for each in files if each.is_file()]
        if not found:
            raise ProjectError(f"No file is called {source}.")
    else:
        base = Path(source) if Path(source).is_dir() else Path(source).parent
        found = [Input(each, _named(each, base)) for each in _of_path(Path(source))]
    for each in found:
        kind_of(each.path)
    return found


def download(url: str, folder: Path) -> tuple[list[Input], list[Path]]:
    """Return the files of a blob, or of a folder of them, after copying them, and what is left out.

    An interrupted run copies them again, and finds by their hashes that its parts are of the same.

    Args:
        url: of the blob; of a folder if it ends with a slash.
        folder: where the copies are written.

    Raises:
        ProjectError: it cannot be downloaded, or is of a kind that is not read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path: Path = implementations.find("blob storage")(url, folder)
    return find(str(path)), left_out(str(path))


def base_of(pattern: str) -> Path:
    """Return the folder with which a pattern begins."""
    parts = Path(pattern).parts
    plain = next(at for at, part in enumerate(parts) if has_magic(part))
    return Path(*parts[:plain])


def _of_path(source: Path) -> list[Path]:
    if not source.exists():
        raise ProjectError(f"There is no file or folder {source}.")
    if not source.is_dir():
        return [source]
    files = [path for path, is_scored in _in_folder(source) if is_scored]
    if not files:
        raise ProjectError(f"There is no file in {source}.")
    return files


def left_out(source: str) -> list[Path]:
    """Return what a folder to score has beside its texts: folders, and files that are not read."""
    folder = Path(source)
    found = _in_folder(folder) if folder.is_dir() else ()
    return [path for path, is_scored in found if not is_scored]


def _in_folder(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the files of a folder, and of those below it that say a column's value, each with
    whether it is scored.

    A target.csv beside a data.csv is no file of rows to score. What lies beside texts may be
    anything, and is left out; beside tables it may be rows that are missed later.

    Raises:
        ProjectError: a folder stands beside tables, and says no column's value.
    """
    found = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    has_data = any(stem_of(path) == DATA for path in found)
    has_texts = any(path.suffix.lower() == ENDING and path.is_file() for path in found)
    for path in found:
        if path.is_file():
            if not (has_data and stem_of(path) == TARGET):
                yield path, not has_texts or _is_read(path)
        elif folder_names.says(path.name):
            yield from _in_folder(path)
        elif has_texts:
            yield path, False
        else:
            raise ProjectError(f"{path} is a folder: nothing in it is scored.")


def _is_read(path: Path) -> bool:
    try:
        kind_of(path)
    except ProjectError:
        return False
    return True


def _named(path: Path, base: Path) -> str:
    return _shown(PurePath(*folder_names.saying(base), path.relative_to(base)))


def _shown(path: PurePath) -> str:
    """Return a path with `/`; bytes that are no UTF-8 in a name are shown as `\\xff`."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def refuse_target(source: str, target: Path, is_folder: bool = False) -> None:
    """Refuse an output that would replace an input, or become one of the next run.

    Args:
        source: the file, the folder or the pattern to score.
        target: the file to write, or the folder.
        is_folder: whether it is a folder of parts.

    Raises:
        ProjectError: the target is a folder and no such output, an input, or where inputs are.
    """
    if is_folder:
        _refuse_folder(source, target)
        return
    if target.is_dir():
        raise ProjectError(
            f"{target} is a folder: name the file to write, or say {target}{os.sep} for a folder "
            "of parts."
        )
    if is_pattern(source):
        _refuse_matching(source, target)
        return
    path = Path(source)
    if target.exists() and path.exists() and target.samefile(path):
        raise ProjectError(f"{target} is the file to score: name another file to write.")
    if not path.is_dir():
        return
    if target.resolve().is_relative_to(path.resolve()):
        raise ProjectError(f"{target} is in the folder to score: name a file outside of it.")
    if target.exists() and any(target.samefile(each.path) for each in find(source)):
        raise ProjectError(f"{target} is one of the files to score: name another file to write.")


def _refuse_matching(pattern: str, target: Path) -> None:
    """Refuse a target that a pattern finds, or will find once it is there."""
    base, place = base_of(pattern).resolve(), target.resolve()
    last = Path(pattern).name
    is_found = target.exists() and any(
        target.samefile(each) for each in glob(pattern, recursive=True)
    )
    names = (target.name, target.with_suffix(".rejects.csv").name)
    if is_found or (
        place.is_relative_to(base) and any(last == "**" or fnmatch(name, last) for name in names)
    ):
        raise ProjectError(f"{target} is a file that {pattern} finds: name another to write.")


def _refuse_folder(source: str, target: Path) -> None:
    place = target.resolve()
    start = base_of(source) if is_pattern(source) else Path(source)
    if (
        place == start.resolve()
        or start.resolve() in place.parents
        or place in start.resolve().parents
    ):
        raise ProjectError(f"{target} is where the files to score are: name another folder.")
    if target.exists() and not target.is_dir():
        raise ProjectError(f"{target} is a file: name a folder.")
    others = (
        [each.name for each in target.iterdir() if not each.match("part-*")]
        if target.is_dir()
        else []
    )
    if others:
        raise ProjectError(f"{target} has a file {others[0]} in it: name an empty folder.")
