"""Processes that end with the one that started them, however that ends: SIGKILL too.

A child of this project reads its stdin, the end of a pipe: the operating system closes the other
end with the parent. For what others start, workers of a pool among it, one such child ends all.
Below make there is no pipe: make and the processes of its job are looked at again and again.

`python -m seedling.processes.attended COMMAND` gives a command of others such an end.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from uuid import uuid4

from seedling.processes import interrupted, marked

OPTION = "--attended"  # of `python -m seedling`: its stdin is the pipe of its parent
FAMILY = "SEEDLING_FAMILY"  # the variable that marks what belongs together
LOOK_SECONDS = 0.5  # between two looks at make
GRACE_SECONDS = 3.0  # from SIGTERM to SIGKILL
TRACKER = "multiprocessing.resource_tracker"  # ends by itself, and not by SIGTERM
WAIT_SECONDS = 40.0  # for a child whose pipe is closed; a service finishes its answers first


def start(
    words: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None, log: int = -1
) -> "subprocess.Popen[bytes]":
    """Start a verb, its words behind `python -m seedling`, that ends with this process.

    Args:
        words: the verb and its options.
        folder: the working folder.
        environ: the environment; this process's own unless given.
        log: the number of the open file for its output; this process's own if it is negative.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "seedling", OPTION, *words],
        cwd=folder,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=None if log < 0 else log,
        stderr=None if log < 0 else subprocess.STDOUT,
    )


def call(words: Sequence[str], folder: Path) -> int:
    """Run a verb as `start` does; return its exit code."""
    return wait(start(words, folder))


def start_command(words: Sequence[str], folder: Path, log: int = -1) -> "subprocess.Popen[bytes]":
    """Start a command that is no verb and ends with this process, as what it starts does.

    Args:
        words: the command.
        folder: the working folder.
        log: as `start` has it.
    """
    return subprocess.Popen(
        [sys.executable, "-m", __name__, *words],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=None if log < 0 else log,
        stderr=None if log < 0 else subprocess.STDOUT,
    )


def call_command(words: Sequence[str], folder: Path) -> int:
    """Run a command as `start_command` does; return its exit code."""
    return wait(start_command(words, folder))


def wait(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a process with such a pipe; return its exit code, or end it with an exception."""
    try:
        return process.wait()
    except BaseException:
        finish(process)
        raise


def finish(process: "subprocess.Popen[bytes]") -> None:
    """Close the pipe of a process, wait until it has ended, and kill it if it does not."""
    assert process.stdin
    process.stdin.close()
    try:
        process.wait(WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def by_pipe() -> None:
    """End this process when the other end of its stdin is closed."""

    def closed() -> None:
        with suppress(OSError):
            while os.read(0, 1):
                pass

    _end_after(closed)


@contextmanager
def family() -> Iterator[None]:
    """End what is started in the block if the block fails, or with this process, however that ends.

    Another process does it, since a worker is not to be relied on: it may be frozen, or busy in a
    library that lets no thread of it run.
    """
    mark = uuid4().hex
    os.environ[FAMILY] = mark
    words = [sys.executable, "-m", __name__, FAMILY, mark]
    with interrupted.unheard():
        reaper = subprocess.Popen(words, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        del os.environ[FAMILY]
        finish(reaper)


def by_make() -> None:
    """End this process with make, or with a process of its job above make.

    A job is a process group, as a shell makes one of each line that is typed; the shell itself
    is outside. Where Ctrl-C or the end of the terminal is ignored, as after `&` in a script or
    nohup, the job is meant to go on without what is above make.
    """
    above = os.getppid()

    def ended() -> None:
        alone = any(signal.getsignal(each) is signal.SIG_IGN for each in _OF_TERMINAL)
        try:
            job = _Job(alone)
        except ImportError:  # an environment without the group `train`
            job = None
        while os.getppid() == above and (job is None or job.lives()):
            time.sleep(LOOK_SECONDS)

    _end_after(ended)


_OF_TERMINAL = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]


class _Job:
    """The ancestors of this process that belong to its job."""

    def __init__(self, alone: bool) -> None:
        """
        Args:
            alone: look at the parent only.
        """
        import psutil

        self._error = psutil.Error
        here = psutil.Process()
        found = here.parents()[: 1 if alone else None]
        if sys.platform == "win32":
            found = found[:2]  # the launcher of .venv, and make: there are no process groups
        else:
            group = os.getpgrp()
            inside = [os.getpgid(each.pid) == group for each in found]
            found = found[: inside.index(False) if False in inside else None]
        # One that has ended is not the parent of the next any more, even while it is a zombie.
        self._pairs = [(child, parent.pid) for child, parent in zip([here, *found], found)]  # noqa: B905
        self._found = found

    def lives(self) -> bool:
        """Return whether all of them still run."""
        try:
            same = all(child.ppid() == parent for child, parent in self._pairs)
            return same and all(each.is_running() for each in self._found)
        except self._error:
            return False


_watches: list[Thread] = []


def is_attended() -> bool:
    """Return whether this process ends with another one."""
    return bool(_watches)


def _end_after(wait: Callable[[], object]) -> None:
    def watch() -> None:
        wait()
        end()

    _watches.append(Thread(target=watch, name="end with the parent", daemon=True))
    _watches[-1].start()


def end() -> None:
    """End this process and what it has started; a server that catches SIGTERM does so itself."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        end_started()
    os.kill(os.getpid(), signal.SIGTERM)


def end_started() -> None:
    """End the processes that this one has started, and those that they have started."""
    try:
        import psutil
    except ImportError:
        return
    started = []
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if TRACKER not in " ".join(each.cmdline()):
                each.terminate()
                started.append(each)
    for each in psutil.wait_procs(started, GRACE_SECONDS)[1]:
        with suppress(psutil.Error):
            each.kill()


def _reap(mark: str) -> None:
    """Wait until the pipe is closed; then kill what is left of a family."""
    for each in [*_OF_TERMINAL, signal.SIGTERM]:
        signal.signal(each, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    for each in marked.find(FAMILY, mark):
        each.kill()


if __name__ == "__main__":
    if sys.argv[1] == FAMILY:
        _reap(sys.argv[2])
        sys.exit()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent closes the pipe
    by_pipe()
    sys.exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL))
