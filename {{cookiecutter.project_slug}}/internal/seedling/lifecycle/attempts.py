"""The trainings by rule: one at a time, and a line for each that has ended.

The operating system holds the lock for as long as the process lives, on Windows too, so that a kill
or a power failure leaves none behind. The note of the process does stay: the next that takes the
lock thus sees that the training before it was killed, and adds the line that is missing.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import read_json, write_json

KILLED = "it was killed before its end"
LOCK, RUNNING, ENDED = "retrain.lock", "retraining.json", "retrained.jsonl"


class Busy(ProjectError):
    """Refuse to train by rule while another process does."""


class Attempt(msgspec.Struct, omit_defaults=True):
    """A training by rule.

    Attributes:
        began, ended: UTC, as ISO 8601.
        process: its number, and the machine's name.
        where: `here` or `azure`.
        models: folders of models/.
        why: the words of the rules that fired, by model.
        registered: the version of each model that passed the gate.
        problem: why it failed; empty if it did not.
    """

    began: str
    process: str
    where: str
    models: list[str]
    why: dict[str, list[str]]
    ended: str = ""
    registered: dict[str, str] = {}
    problem: str = ""


@contextmanager
def one_at_a_time(project: Project) -> Iterator[None]:
    """Hold the lock within the block, which is free after any end of this process.

    Raises:
        Busy: another process holds it; with its number, and since when.
    """
    project.assets.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.assets / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        running = _running(project)
        who = f", process {running.process}, since {running.began}" if running else ""
        raise Busy(f"Another retrain runs{who}: nothing was started.") from None
    try:
        _bury(project)
        yield
    finally:
        lock.release()


def begin(project: Project, models: list[str], why: dict[str, list[str]], where: str) -> Attempt:
    """Note that a training begins in this process, which holds the lock."""
    process = f"{os.getpid()} of {platform.node() or 'this machine'}"
    attempt = Attempt(now(), process, where, models, why)
    write_json(project.assets / RUNNING, msgspec.to_builtins(attempt))
    return attempt


def end(project: Project, attempt: Attempt) -> None:
    """Add the line of a training that has ended, and remove the note that it runs."""
    attempt.ended = now()
    with (project.assets / ENDED).open("ab") as stream:
        stream.write(msgspec.json.encode(attempt) + b"\n")
    (project.assets / RUNNING).unlink(missing_ok=True)


def read(project: Project) -> list[Attempt]:
    """Return the trainings by rule that have ended, the oldest first."""
    path = project.assets / ENDED
    found = []
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        with suppress(ValueError):  # a line that was half-written
            found.append(msgspec.json.decode(line, type=Attempt))
    return found


def last_of(project: Project, model: str) -> Attempt | None:
    """Return the last training by rule of a model that was not killed; None without one."""
    own = [each for each in read(project) if model in each.models and each.problem != KILLED]
    return own[-1] if own else None


def now() -> str:
    """Return this moment as text, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _bury(project: Project) -> None:
    """Add the line of a training whose process was killed; the lock that it had is free."""
    running = _running(project)
    if running:
        running.problem = KILLED
        end(project, running)


def _running(project: Project) -> Attempt | None:
    path: Path = project.assets / RUNNING
    with suppress(OSError, ValueError):  # there is none, or it is being written
        noted: Any = read_json(path)
        return msgspec.convert(noted, Attempt)
    return None
