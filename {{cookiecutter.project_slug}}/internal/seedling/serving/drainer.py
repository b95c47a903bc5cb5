"""A process beside gunicorn's workers that moves their log lines to the store.

A thread of a worker would compete with the requests for the interpreter. The workers keep one
drainer alive; it ends when they have ended and their lines are stored.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from seedling.config import Project
from seedling.processes import interrupted

if TYPE_CHECKING:
    from seedling.serving.drain import Drain

NICENESS = 10  # lower priority than the workers


class Drainer:
    """The drainer's process for one project, as a worker starts it."""

    def __init__(self, root: Path, spool: Path) -> None:
        self._root, self._spool = root, spool
        self._process: subprocess.Popen[bytes] | None = None

    def keep_alive(self) -> None:
        """Start the process, unless this worker or another one has it running."""
        if self._process is not None and self._process.poll() is None:
            return
        if _is_held(self._spool):
            return
        command = [sys.executable, "-m", __name__, str(self._root)]
        with interrupted.unheard():  # Ctrl-C ends the workers, and then it
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=self._root)


def main(root: Path) -> None:
    """Drain the spool of the project until its workers have ended."""
    from filelock import FileLock, Timeout

    from seedling.serving import logs
    from seedling.serving.drain import Drain
    from seedling.serving.shadows import Shadows
    from seedling.serving.stores import log_settings, open_store, spool_of
    from seedling.settings import LOG_LEVEL

    logs.configure(LOG_LEVEL.get())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    project = Project.find(root)
    settings, spool = log_settings(project.config), spool_of(project)
    if settings is None:
        return
    try:
        with FileLock(_lock(spool), blocking=False):
            _run(Drain(spool, lambda: open_store(root, settings), Shadows(project)), spool)
    except Timeout:
        pass  # another drainer holds the lock


def _run(drain: "Drain", spool: Path) -> None:
    from seedling.serving.drain import ADOPT_SECONDS, Pauses
    from seedling.serving.spool import is_used

    pauses, adopt_at = Pauses(spool), 0.0
    while True:
        alive = is_used(spool)
        try:
            drain.sealed()
            if not alive or time.monotonic() >= adopt_at:
                drain.adopt(None)
                adopt_at = time.monotonic() + ADOPT_SECONDS
            pause = pauses.after_success()
        except Exception as error:
            pause = pauses.after(error)
        if not alive:
            return  # lines that could not be stored wait for the next start
        time.sleep(pause)


def _lock(spool: Path) -> Path:
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    return spool / "drainer.locked"  # not .lock: those belong to sessions


def _is_held(spool: Path) -> bool:
    from filelock import FileLock, Timeout

    try:
        with FileLock(_lock(spool), blocking=False):
            return False
    except Timeout:
        return True


if __name__ == "__main__":
    main(Path(sys.argv[1]))
