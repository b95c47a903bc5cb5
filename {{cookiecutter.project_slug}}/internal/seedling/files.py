"""Files and folders that are complete or absent: written beside their place, then renamed."""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SIGNATURE = "model.sig"  # of a folder's files: it is not one of them
SIGNED_AS = "signed_as.json"  # the name and the version that they are signed as: signed, too

# The names that Windows keeps for its devices; superscript digits count as digits there.
_device = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(\..*)?", re.I
)


def is_device(name: str) -> bool:
    """Return True if Windows takes a file's name, without folders, for a device."""
    return _device.fullmatch(name.rstrip(" .")) is not None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write a file or a folder to, which then replaces `path`.

    If the block fails, `path` stays as it was, and what was written is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        yield aside
        if path.is_dir():
            shutil.rmtree(path)
        elif aside.is_dir():
            path.unlink(missing_ok=True)
        os.replace(aside, path)
    finally:
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink(missing_ok=True)


@contextmanager
def first(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write a file to, which then is `path`, unless there is one.

    Of several processes, the first to have written it wins; the others find its file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        yield aside
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            if not path.exists():
                os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def copy(source: Path, path: Path) -> None:
    """Copy a file, or a folder with all that is in it; a file or folder at `path` is replaced."""
    with replacing(path) as aside:
        if source.is_dir():
            shutil.copytree(source, aside)
        else:
            shutil.copy(source, aside)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, with LF as line ends.

    Raises:
        IsADirectoryError: `path` is a folder, which stays.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def write_private(path: Path, text: str) -> None:
    """Write a text file that only this user may read, from its first byte on."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")  # which git ignores beside .env
    try:
        with open(aside, "w", encoding="utf-8", newline="\n", opener=_for_this_user) as stream:
            stream.write(text)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _for_this_user(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, indented by two spaces."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: it is not valid JSON.
    """
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files of a folder.

    Python's `__pycache__` folders are left out, and the signature of the folder's files.
    """
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    beside = (path / SIGNATURE, path / SIGNED_AS)
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file not in beside
    )
    lines = (f"{file.relative_to(path).as_posix()} {sha256(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
