"""Processes of a test, found again by a mark in their environment however they are left."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil

from seedling.processes import marked

MARK = "SEEDLING_TEST_MARK"
PATIENCE = 60  # seconds; on a machine with other work


class Started:
    """A command, its process, and all that has come of it."""

    def __init__(self, words: Sequence[str | Path], folder: Path, **variables: str) -> None:
        self._mark = uuid4().hex
        inherited = {name: text for name, text in os.environ.items() if "MAKE" not in name}
        self.process = subprocess.Popen(
            words,
            cwd=folder,
            env={**inherited, **variables, MARK: self._mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )

    def left(self) -> list[psutil.Process]:
        return marked.find(MARK, self._mark)

    def send_all(self, number: int) -> None:
        """Send a signal to the job, as a terminal does."""
        os.killpg(self.process.pid, number)

    def output(self) -> str:
        """What it has printed, once nothing of it is left."""
        try:
            return self.process.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.left()} hold its output") from error

    def is_gone(self) -> bool:
        return until(lambda: not self.left())


@contextmanager
def started(words: Sequence[str | Path], folder: Path, **variables: str) -> Iterator[Started]:
    """Start a command in a session of its own; what a failed test leaves of it is killed."""
    found = Started(words, folder, **variables)
    try:
        yield found
    finally:
        for each in found.left():
            with suppress(psutil.Error):
                each.send_signal(signal.SIGKILL)
        found.process.wait(timeout=PATIENCE)
        if found.process.stdout:
            found.process.stdout.close()


def until(happened: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether it happens within these seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.05)
    return bool(happened())
