"""The versions that each process of a service answers with, noted for verbs that change them.

A verb has moved the champion once every process that serves it has taken that over, so that the
next request is answered by it.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from seedling.config import Project
from seedling.files import read_json, write_text
from seedling.serving import selection

if TYPE_CHECKING:
    from filelock import BaseFileLock

log = logging.getLogger(__name__)

FOLDER = "serving"  # in local_assets/
POLL_SECONDS = 0.02  # between two looks at the notes
PATIENCE_SECONDS = 20  # until a service must have loaded a version
LOCK, NOTE = ".lock", ".json"


class Note:
    """The note of this process: a file whose lock is held for as long as the process lives."""

    def __init__(self, project: Project) -> None:
        self._folder = project.assets / FOLDER
        self._path = self._folder / NOTE  # another one in each worker, after the fork
        self._held: BaseFileLock | None = None

    def write(self, seen: Sequence[int], champions: Mapping[str, str]) -> None:
        """Note the files that were seen, and what answers by them, where that can be written.

        Args:
            seen: when model.yaml and the registrations of this machine were modified.
            champions: the version of each model.
        """
        try:
            if self._held is None:
                self._path = self._folder / f"{uuid4().hex}{NOTE}"
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._held = _lock(self._path)
                self._held.acquire(blocking=False)
            write_text(self._path, json.dumps({"seen": [*seen], "champions": dict(champions)}))
        except OSError as error:
            log.debug("%s cannot be written: %s", self._path, error)

    def remove(self) -> None:
        """Remove the note at the end of the process."""
        if self._held is not None:
            with suppress(OSError):
                _forget(self._path, self._held)


def wait(
    project: Project, model: str, version: str, seconds: float = PATIENCE_SECONDS
) -> tuple[int, int]:
    """Wait until all processes of this machine that serve a model have a version as champion.

    Args:
        project: its services are asked for.
        model, version: the champion, as model.yaml or the registrations have it by now.
        seconds: how long, at most.

    Returns:
        The number of processes that answer by it, and of those that serve the model.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = _serving(project)
        modified = [*selection.modified(project)[:2]]
        late = [note for note in found if note["seen"][:2] != modified]
        if not late or time.monotonic() > deadline:
            # One that has looked and still has another version keeps that: its /ready says why.
            champions = [note["champions"][model] for note in found if model in note["champions"]]
            return champions.count(version), len(champions)
        time.sleep(POLL_SECONDS)


def _serving(project: Project) -> list[dict[str, Any]]:
    """Return the notes of the processes that live; those of dead ones are removed."""
    from filelock import Timeout

    found = list[dict[str, Any]]()
    for path in (project.assets / FOLDER).glob(f"[!.]*{NOTE}"):
        lock = _lock(path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            with suppress(OSError, ValueError):  # it ends just now
                found.append(read_json(path))
        else:
            with suppress(OSError):
                _forget(path, lock)
    return found


def _lock(path: Path) -> "BaseFileLock":
    from filelock import FileLock  # not needed for the start of the service

    return FileLock(path.with_suffix(LOCK), mode=0o600, thread_local=False)


def _forget(path: Path, lock: "BaseFileLock") -> None:
    path.unlink(missing_ok=True)
    lock.release()
    path.with_suffix(LOCK).unlink(missing_ok=True)
