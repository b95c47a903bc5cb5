"""The spool: accepted lines on disk, in a folder for each process, until they are stored."""

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from filelock import BaseFileLock

SESSION = re.compile(r"[0-9a-f]{32}")
SEALED = re.compile(r"\d+-(\d+)\.jsonl")  # number in the session, number of lines
ACTIVE = ".open"
OPEN = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
STRAY_LOCK_SECONDS = 60  # age after which a lock without a folder is deleted


class Segment:
    """A file to append lines to, each with one write, so that a kill does not lose them."""

    def __init__(self, folder: Path, number: int) -> None:
        self.path = folder / f"{number:08}{ACTIVE}"
        self.size = self.lines = 0
        self._torn = False
        self._file = os.open(self.path, OPEN, 0o600)

    def write(self, line: bytes) -> None:
        """Append a line as a whole, or not at all.

        Raises:
            OSError: the disk is full, or cannot be written.
        """
        data = b"\n" + line if self._torn else line
        if os.write(self._file, data) < len(data):
            self._take_back()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False
        self.size += len(data)
        self.lines += 1

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._file, self.size)
        except OSError:
            self._torn = True  # the next write begins with a line break

    def close(self) -> None:
        """Close the file without renaming it."""
        os.close(self._file)

    def seal(self) -> None:
        """Close the file, and rename it to contain its number of lines."""
        self.close()
        self.path.rename(self.path.with_name(f"{self.path.stem}-{self.lines}.jsonl"))


class Session:
    """The folder of one process in the spool, locked for as long as the process lives.

    The lock is taken before the folder is made: a folder with a free lock is of a dead process.
    """

    def __init__(self, spool: Path) -> None:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = spool / uuid4().hex
        self._writing = Lock()
        self._held = _lock(self.folder)
        self._held.acquire(blocking=False)
        self.folder.mkdir(mode=0o700)
        self._number = 0
        self._closed = False
        self._segment: Segment | None = self._next()

    def append(self, line: bytes) -> bool:
        """Write the line; return False if this session has ended."""
        with self._writing:
            if self._closed:
                return False
            if self._segment is None:
                self._segment = self._next()
            self._segment.write(line)
        return True

    @property
    def size(self) -> int:
        """Return the bytes of the segment that is not sealed yet."""
        segment = self._segment
        return segment.size if segment else 0

    def closed(self) -> list[Path]:
        """Return the segments that are complete, oldest first."""
        found = segments(self.folder)
        active = self._segment.path if self._segment else None
        return [path for path in found if path != active]

    def rotate(self) -> None:
        """Seal the current segment. The next one is opened before the lock is taken."""
        if not self.size:
            return
        following = None
        with suppress(OSError):  # a full disk: `append` tries again
            following = self._next()
        with self._writing:
            segment, self._segment = self._segment, following
        if segment:
            segment.seal()

    def end(self) -> None:
        """Close without storing; another process will adopt the session."""
        with self._writing:
            self._closed = True
            segment, self._segment = self._segment, None
        if segment:
            with suppress(OSError):
                segment.seal() if segment.lines else _discard(segment)
        _remove(self.folder)
        self._held.release()
        _forget_lock(self.folder)

    def forsake(self) -> None:
        """Close the file in a forked child: the session is the parent's, and filelock frees it."""
        if self._segment:
            self._segment.close()

    def _next(self) -> Segment:
        self._number += 1
        return Segment(self.folder, self._number)


def segments(folder: Path) -> list[Path]:
    """Return the segments of a session, oldest first."""
    return sorted(path for path in folder.iterdir() if path.suffix in (ACTIVE, ".jsonl"))


def sessions(spool: Path) -> list[Path]:
    """Return the folders of all processes, dead or alive."""
    if not spool.is_dir():
        return []
    return sorted(path for path in spool.iterdir() if SESSION.fullmatch(path.name))


@contextmanager
def adopted(folder: Path) -> Iterator[bool]:
    """Lock the session of another process. Yields False if that process lives.

    The folder is deleted at the end if it is empty.
    """
    from filelock import Timeout

    lock = _lock(folder)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield False
        return
    try:
        yield True
        if folder.is_dir():
            _remove(folder)
    finally:
        lock.release()
        _forget_lock(folder)


def is_used(spool: Path) -> bool:
    """Return whether a process holds a session."""
    for folder in sessions(spool):
        with adopted(folder) as dead:
            if not dead:
                return True
    return False


def remove_stray_locks(spool: Path) -> None:
    """Delete old locks without a folder."""
    for path in spool.glob("*.lock"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - STRAY_LOCK_SECONDS:
                folder = path.with_suffix("")
                if not folder.exists():
                    with adopted(folder):
                        pass


class Counter:
    """Counts the lines of a spool; of the open segments, reads only the new bytes."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._seen: dict[Path, tuple[int, int]] = {}  # bytes read, lines among them

    def lines(self) -> int:
        """Return the number of lines."""
        total, seen = 0, {}
        for folder in sessions(self._spool):
            with suppress(OSError):  # deleted meanwhile
                for path in segments(folder):
                    found = SEALED.fullmatch(path.name)
                    if not found:
                        with suppress(OSError):
                            seen[path] = self._count(path)
                    total += int(found[1]) if found else seen.get(path, (0, 0))[1]
        self._seen = seen
        return total

    def _count(self, path: Path) -> tuple[int, int]:
        size, lines = self._seen.get(path, (0, 0))
        with path.open("rb") as file:
            file.seek(size)
            new = file.read()
        return size + len(new), lines + new.count(b"\n")


def _lock(folder: Path) -> "BaseFileLock":
    from filelock import FileLock  # not needed for the start of the service

    return FileLock(folder.with_suffix(".lock"), mode=0o600, thread_local=False)


def _forget_lock(folder: Path) -> None:
    if not folder.exists():
        with suppress(OSError):
            folder.with_suffix(".lock").unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    with suppress(OSError):  # something is left in it
        folder.rmdir()


def _discard(segment: Segment) -> None:
    segment.close()
    segment.path.unlink()
