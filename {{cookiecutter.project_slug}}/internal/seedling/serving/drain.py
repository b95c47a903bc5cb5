"""Move records from the spool's segments into the store, each once."""

import logging
import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from seedling.errors import ProjectError
from seedling.serving import spool
from seedling.serving.records import records_of
from seedling.serving.stores import Record, RecordRefused, Store

log = logging.getLogger(__name__)

BATCH_RECORDS = 500  # of a transaction; more if one line has more
REJECTED = "rejected.jsonl"
ROUND_SECONDS = 1.0  # between two rounds
ADOPT_SECONDS = 10.0  # between two looks for sessions of dead processes
MAX_PAUSE_SECONDS = 30.0  # between two tries while the store does not answer


class Shadows(Protocol):
    """Versions that answer to the prediction log only."""

    def refresh(self) -> bool:
        """Load the versions that model.yaml names now; return whether there are any."""

    def records(self, line: Mapping[str, Any]) -> Iterable[Record]:
        """Yield the records of what they answer to the rows of a line."""


class OutOfTime(Exception):
    """The process is stopping; the rest stays on disk."""


class Drain:
    """Adds the records of segments to the store. Used by one thread.

    After a crash, a record may be given to the store again; the store knows it by its id.
    """

    def __init__(
        self, folder: Path, open_store: Callable[[], Store], shadows: Shadows | None
    ) -> None:
        self.until = float("inf")  # the deadline, on the monotonic clock
        self._folder = folder
        self._open_store = open_store
        self._shadows = shadows
        self._store: Store | None = None
        self._failed: set[object] = set()  # models whose shadow has failed, and it was logged
        self._done: dict[Path, int] = {}  # bytes of each segment that are stored

    def segment(self, path: Path) -> None:
        """Add the records of a segment to the store, then delete the segment.

        Raises:
            ProjectError: the store does not answer, or cannot be opened.
            OutOfTime: the deadline is over.
        """
        shadows = self._shadows if self._shadows and self._shadows.refresh() else None
        batch = Batch()
        offset = self._done.get(path, 0)
        try:
            file = path.open("rb")
        except FileNotFoundError:  # another process was faster
            return
        with file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    log.warning("Dropped a line of %s that was cut off: never accepted.", path)
                    break
                offset += len(line)
                self._read(line, batch, shadows)
                if len(batch.records) >= BATCH_RECORDS:
                    self._commit(batch)
                    batch, self._done[path] = Batch(), offset
        self._commit(batch)
        self._done.pop(path, None)
        path.unlink(missing_ok=True)

    def adopt(self, own: Path | None) -> None:
        """Add the segments of dead processes.

        Args:
            own: the folder of this process's session, which is skipped.
        """
        for folder in spool.sessions(self._folder):
            if folder == own:
                continue
            with spool.adopted(folder) as dead:
                if dead and folder.is_dir():
                    for path in spool.segments(folder):
                        self.segment(path)
        spool.remove_stray_locks(self._folder)

    def sealed(self) -> None:
        """Add the sealed segments of all processes; see segment."""
        for folder in spool.sessions(self._folder):
            with suppress(FileNotFoundError):  # deleted meanwhile
                for path in spool.segments(folder):
                    if path.suffix == ".jsonl":
                        self.segment(path)

    def _read(self, line: bytes, batch: "Batch", shadows: Shadows | None) -> None:
        """Add the records of a line to the batch, and those of its shadows."""
        try:
            records = records_of(line)
        except ValueError:
            text = line.rstrip(b"\n").decode(errors="replace")
            batch.rejected.append({"reason": "not a line of this service", "line": text})
            return
        batch.records += records
        if shadows:
            batch.records += self._shadowed(shadows, line)

    def _shadowed(self, shadows: Shadows, line: bytes) -> list[Record]:
        read = msgspec.json.decode(line)
        try:
            return list(shadows.records(read))
        except Exception as error:
            if read["model"] not in self._failed:
                self._failed.add(read["model"])
                log.warning("The shadow of %s failed: %s.", read["model"], kind_and_place(error))
            return []

    def _commit(self, batch: "Batch") -> None:
        if time.monotonic() > self.until:
            raise OutOfTime
        if self._store is None and batch.records:
            self._store = self._open_store()
        self._add(batch.records, batch.rejected)
        if batch.rejected:
            self._set_aside(batch.rejected)

    def _add(self, records: list[Record], rejected: list[dict[str, Any]]) -> None:
        """Add all records but those that the store refuses, which are found by halving."""
        if not records or self._store is None:
            return
        try:
            self._store.add(records)
        except RecordRefused as error:
            if len(records) == 1:
                rejected.append({"reason": str(error), "record": records[0]._asdict()})
                return
            half = len(records) // 2
            self._add(records[:half], rejected)
            self._add(records[half:], rejected)

    def _set_aside(self, rejected: list[dict[str, Any]]) -> None:
        path = self._folder / REJECTED
        lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in rejected)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(lines)
        log.warning("Set %d entries of the prediction log aside in %s.", len(rejected), path)


class Batch:
    """Records to add, and the entries to set aside once these are stored."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.rejected: list[dict[str, Any]] = []


class Pauses:
    """Chooses the pause after each round of draining: longer and longer while the store is down.

    Logs when the store stops answering, and when it answers again.
    """

    def __init__(self, folder: Path) -> None:
        self.failures = 0
        self._folder = folder

    def after_success(self) -> float:
        """Return the seconds to the next round."""
        if self.failures:
            log.warning("The prediction log's store is back.")
        self.failures = 0
        return ROUND_SECONDS

    def after(self, error: Exception) -> float:
        """Return the seconds to the next round, after an error in the last one."""
        if isinstance(error, OutOfTime):
            return 0.0
        if isinstance(error, ProjectError):
            reason = str(error)
        elif isinstance(error, OSError):
            reason = f"{error.filename}: {error.strerror}"
        else:
            reason = kind_and_place(error)
        if not self.failures:
            log.warning(
                "Predictions stay in %s until their store is back. %s", self._folder, reason
            )
        self.failures += 1
        return min(MAX_PAUSE_SECONDS, ROUND_SECONDS * 2.0 ** min(self.failures, 10))


def kind_and_place(error: Exception) -> str:
    """Return the class and the line of an error; its message might contain personal data."""
    place = ""
    with suppress(IndexError):
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f" in {Path(frame.filename).name}, line {frame.lineno}"
    return f"{type(error).__name__}{place}"
