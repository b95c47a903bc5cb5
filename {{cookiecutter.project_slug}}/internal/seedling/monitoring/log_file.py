"""A file of the prediction log, with the records of some time, where the log is out of reach.

It is a SQLite file like the log of this machine, so that it is read as that is; a copy of
`local_assets/predictions.db` is one too.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from seedling.config import Project, span
from seedling.errors import ProjectError
from seedling.monitoring import logged
from seedling.serving.sql_store import SqlStore
from seedling.serving.stores import Record
from seedling.settings import PREDICTION_LOG

NAME = "predictions.db"
SINCE = "84d"  # twelve windows of a week
BATCH = 1_000  # records that are written at a time


def write(project: Project, since: str, folder: Path) -> int:
    """Copy the records of the log to a new file in a folder; return how many.

    Args:
        project: of the log.
        since: how long ago the first of them was, such as 30d.
        folder: made if it is missing.

    Raises:
        ProjectError: the log is off, its store does not answer, or `since` is no length of time.
    """
    try:
        end = datetime.now(UTC)
        start = end - span(since)
    except ValueError as error:
        raise ProjectError(f"since: {error}.") from None
    found = logged.drained(project).read(start, end)
    folder.mkdir(parents=True, exist_ok=True)
    return _copy(found, folder)


@contextmanager
def as_the_log(folder: Path) -> Iterator[Path]:
    """Have the files of the log in a folder read as the prediction log in this block; yield a copy.

    Where there are several, as of a file a day, their records are read together.

    Raises:
        ProjectError: the folder has none.
    """
    files = sorted(folder.rglob("*.db"))
    if not files:
        raise ProjectError(f"{folder} has no file of the prediction log, such as {NAME}.")
    before = os.environ.get(PREDICTION_LOG.name)
    with TemporaryDirectory() as scratch:  # a mounted file cannot be locked
        copy = Path(scratch) / NAME
        shutil.copy(files[0], copy)
        for file in files[1:]:
            _add(file, Path(scratch))
        os.environ[PREDICTION_LOG.name] = f"sqlite:///{copy.as_posix()}"
        try:
            yield copy
        finally:
            os.environ.pop(PREDICTION_LOG.name)
            if before is not None:
                os.environ[PREDICTION_LOG.name] = before


def answered(file: Path) -> dict[str, str]:
    """Return the version of each model that has answered last, by the model.

    Raises:
        ProjectError: the file is no prediction log.
    """
    query = "SELECT model, version FROM predictions WHERE role = 'served' ORDER BY time"
    found: dict[str, str] = {}
    try:
        with closing(sqlite3.connect(file)) as log:
            for models, versions in log.execute(query):
                found |= zip(models.split(","), versions.split(","), strict=False)
    except sqlite3.DatabaseError as error:
        raise ProjectError(f"{file.name} is no file of the prediction log: {error}.") from None
    return found


def _add(file: Path, folder: Path) -> None:
    """Add the records of a file to the log in a folder; those that it has already stay."""
    other = folder / "other"
    other.mkdir(exist_ok=True)
    shutil.copy(file, other / NAME)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    with closing(SqlStore(f"sqlite:///{NAME}", other)) as source:
        _copy(source.read(first, last), folder)


def _copy(records: Iterator[Record], folder: Path) -> int:
    """Add records to the file in a folder, made if it is missing; return how many."""
    count = 0
    with closing(SqlStore(f"sqlite:///{NAME}", folder)) as copy:
        copy.create()  # a log without records is a file too
        while batch := list(islice(records, BATCH)):
            copy.add(batch)
            count += len(batch)
    return count
