"""Processes that are recognised by a variable of their environment, which their children inherit.

A process number may be of another process by now, and a service that is frozen does not answer.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

POLL_SECONDS = 0.1


def find(name: str, value: str) -> "list[psutil.Process]":
    """Return this user's processes whose variable has a value; none that has ended."""
    import psutil

    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # another user's, or it has ended meanwhile
            if each.environ().get(name) == value and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return [each for each in found if each.pid != os.getpid()]


def frozen(processes: "list[psutil.Process]") -> bool:
    """Return whether one of them was stopped by a signal, as SIGSTOP."""
    import psutil

    for each in processes:
        with suppress(psutil.Error):
            if each.status() == psutil.STATUS_STOPPED:
                return True
    return False


def end(look: "Callable[[], list[psutil.Process]]", seconds: float) -> "list[psutil.Process]":
    """End processes: ask, wake what is frozen, wait, and kill what is left after these seconds.

    Args:
        look: finds them, each time anew.
        seconds: for what they have begun.

    Returns:
        Those that are there still.
    """
    import psutil

    found = look()
    numbers = {each.pid for each in found}
    for each in found:
        with suppress(psutil.Error):
            if each.ppid() not in numbers:  # it ends the others
                each.terminate()
    deadline = time.monotonic() + seconds
    while found and time.monotonic() < deadline:
        for each in found:
            with suppress(psutil.Error):
                if each.status() == psutil.STATUS_STOPPED:
                    each.resume()
        time.sleep(POLL_SECONDS)
        found = look()
    for each in found:
        with suppress(psutil.Error):
            each.kill()
    psutil.wait_procs(found, 5.0)
    return look()
