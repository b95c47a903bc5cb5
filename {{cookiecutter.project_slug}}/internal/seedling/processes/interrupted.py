"""Ctrl-C ends a verb with one line and the exit code that shells know, whatever it interrupts."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer, main_thread
from types import FrameType
from typing import Any, NoReturn

CODE = 130  # of a program that Ctrl-C has ended
_seen: list[int] = []  # a signal for each time
_quiet: list[bool] = []  # True where the parent says it


def is_seen() -> bool:
    """Return whether Ctrl-C was pressed: an error since then is its consequence."""
    return bool(_seen)


def note() -> None:
    """Remember Ctrl-C, of which another library has taken note."""
    _seen.append(signal.SIGINT)


def leave() -> NoReturn:
    """Say that the verb was stopped, and exit; Ctrl-C once more does not wait for threads."""
    if signal.getsignal(signal.SIGINT) in (_interrupt, signal.default_int_handler):
        signal.signal(signal.SIGINT, lambda *_: os._exit(CODE))
    if True not in _quiet:
        print("Stopped.", file=sys.stderr, flush=True)
    sys.exit(CODE)


@contextmanager
def one_line(quiet: bool) -> Iterator[None]:
    """Turn what Ctrl-C breaks in the block into one line: libraries make other errors of it.

    Args:
        quiet: leave the line to the parent, which was interrupted too.
    """
    _quiet.append(quiet)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not after `&`
        signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _in_destructor
    try:
        yield
    except KeyboardInterrupt:
        leave()
    except Exception:
        if not is_seen():
            raise
        leave()


@contextmanager
def unheard() -> Iterator[None]:
    """Let processes that are started in the block take no notice of Ctrl-C; this one ends them.

    Windows has no signal masks: there they are interrupted as this process is.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    note()
    raise KeyboardInterrupt


def _in_destructor(unraisable: Any) -> None:
    """Interrupt again where Python has dropped the exception: in a destructor."""
    if unraisable.exc_type is KeyboardInterrupt:
        Timer(0.01, _again).start()  # raised here, it would be dropped too
    else:
        sys.__unraisablehook__(unraisable)


def _again() -> None:
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
