"""Files that are complete or absent, also after the power has failed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

ASIDE = ".aside-"  # begins the name of a file that is being written


@contextmanager
def aside(
    path: Path, folder: Path | None = None, is_flushed: bool = True, is_last: bool = True
) -> Iterator[Path]:
    """Yield a path to write a file or a folder to; it is flushed to the disk, and then is `path`.

    Several processes may write the same file at once: each writes beside it, and the last to end
    replaces it. If the block fails, `path` stays as it was, and what was written is removed.

    Args:
        path: where it is in the end.
        folder: where it is written, on the same disk; beside `path` unless given.
        is_flushed: whether its content must be on the disk before it is `path`.
        is_last: whether its name is to be on the disk at the end; another file's follows if not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = (folder or path.parent) / f"{ASIDE}{uuid4().hex[:8]}{path.suffix}"
    old = beside.with_name(f"{beside.name}-old")
    try:
        yield beside
        if beside.is_dir():
            for each in beside.rglob("*"):
                flush_folder(each) if each.is_dir() else _flush_file(each)
            flush_folder(beside)
        elif is_flushed:
            _flush_file(beside)
        if path.is_dir():
            os.replace(path, old)
        try:
            os.replace(beside, path)
        except PermissionError:  # Windows, while another process reads or writes the same file
            if not path.exists():
                raise
        if is_last:
            flush_folder(path.parent)
    finally:
        for each in (beside, old):
            _remove(each)


def write(path: Path, content: bytes | memoryview, folder: Path | None = None) -> None:
    """Write a file as `aside` does."""
    with aside(path, folder) as beside:
        beside.write_bytes(content)


def write_noted(path: Path, content: bytes | memoryview, note: Path, words: bytes) -> None:
    """Write a file, and then a note about it beside it, both as `aside` does.

    The names of both are flushed once, and the note's words are not: after the power has failed, a
    note may be empty, or be there without its file. A reader must take that for no note.
    """
    with aside(path, is_last=False) as beside:
        beside.write_bytes(content)
    with aside(note, is_flushed=False) as beside:
        beside.write_bytes(words)


def _flush_file(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Flush the names of a folder's files to the disk; Windows does so by itself."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def remove_asides(folder: Path) -> None:
    """Remove what killed processes were writing in a folder."""
    for path in folder.glob(f"{ASIDE}*"):
        _remove(path)
