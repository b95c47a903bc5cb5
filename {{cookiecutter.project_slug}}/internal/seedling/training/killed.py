"""Remove what a killed training leaves: its folder, and a run that seems to go on in MLflow.

A run of a pipeline holds a lock in its folder for as long as its process lives; the operating
system lets go of it, whatever ends the process. One that has failed has removed the lock: its
folder stays, for its logs.
"""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.training import mlflow_runs

LOCK = "run.lock"
ASIDE = re.compile(r"\..+\.\d+(\.[^.]+)?")  # what files.replacing writes to
ASIDE_SECONDS = 3600  # without a write: whatever wrote it does not any more


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; remove the lock where the run came to its end or failed."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / LOCK
    try:
        with FileLock(lock):
            yield
    except ProjectError:
        lock.unlink(missing_ok=True)
        raise
    lock.unlink(missing_ok=True)


def found(project: Project) -> list[Path]:
    """Return the folders of killed runs, and files or folders half-written in local_assets/."""
    runs = [lock.parent for lock in (project.assets / "runs").glob(f"*/{LOCK}") if _is_free(lock)]
    long_ago = time.time() - ASIDE_SECONDS
    asides = [
        path
        for path in project.assets.rglob(".*")
        if ASIDE.fullmatch(path.name) and path.stat().st_mtime < long_ago
    ]
    return [*runs, *asides]


def remove(project: Project) -> None:
    """Remove what killed trainings have left, and end their runs in MLflow."""
    paths = found(project)
    mlflow_runs.end_killed(project, [path.name for path in paths if (path / LOCK).exists()])
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)


def _is_free(lock: Path) -> bool:
    try:
        with FileLock(lock, blocking=False):
            return True
    except Timeout:
        return False
