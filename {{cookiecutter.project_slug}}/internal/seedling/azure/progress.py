"""The time that Azure takes for something, and its state meanwhile, in one line."""

import sys
import time
from datetime import timedelta

import click

EVERY = 30.0  # seconds between two lines where no line can be written over


class Progress:
    """One line that is written over, at a terminal and in a notebook; elsewhere a line at times."""

    def __init__(self, what: str) -> None:
        """Begin.

        Args:
            what: the action, such as "Creating blue of income".
        """
        self.what, self._began = what, time.monotonic()
        self._moves = sys.stderr.isatty() or "ipykernel" in sys.modules
        self._state, self._shown, self._width = "", 0.0, 0
        self._write(f"{what} ...")

    def show(self, state: str = "") -> None:
        """Show the state, where it is another or enough time has passed.

        Args:
            state: such as Transitioning; empty where there is none to show.
        """
        passed = time.monotonic() - self._began
        if not self._moves and state == self._state and passed - self._shown < EVERY:
            return
        self._state, self._shown = state, passed
        self._write(f"{self.what}: {state or 'at work'} for {timedelta(seconds=int(passed))}")

    def end(self, state: str = "") -> None:
        """Leave the last line with the final state."""
        if state:
            passed = timedelta(seconds=int(time.monotonic() - self._began))
            self._write(f"{self.what}: {state} after {passed}")
        if self._moves:
            click.echo(err=True)

    def _write(self, line: str) -> None:
        start = "\r" if self._moves else ""
        click.echo(f"{start}{line:<{self._width}}", err=True, nl=not self._moves)
        self._width = len(line)
