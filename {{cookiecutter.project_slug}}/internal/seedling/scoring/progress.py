"""Progress of a run: a bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

STEPS = 1_000  # of the bar
QUIET_SECONDS = 10.0  # between two lines

Show = Callable[[float, int], None]


@contextmanager
def shown() -> Iterator[Show]:
    """Yield a function that is called with the share that is done, and the rows of this run.

    Both go to stderr.
    """
    began = said = time.monotonic()
    if not sys.stderr.isatty():
        click.echo("Scoring", err=True)

        def line(share: float, rows: int) -> None:
            nonlocal said
            now = time.monotonic()
            if rows and now - said >= QUIET_SECONDS:
                said = now
                rate = rows / (now - began)
                words = f"Scoring: {rows:,} rows, {share:.0%}, {rate:,.0f} rows/s"
                click.echo(f"{words}, {_left(share, now - began)} left", err=True)

        yield line
        return
    rate_words = ""
    made: Any = click.progressbar(
        length=STEPS, label="Scoring", file=sys.stderr, item_show_func=lambda _: rate_words
    )
    with made as bar:

        def draw(share: float, rows: int) -> None:
            nonlocal rate_words
            rate_words = f"{rows / max(time.monotonic() - began, 1e-3):,.0f} rows/s"
            bar.update(max(0, round(share * STEPS) - bar.pos), "")

        yield draw


def _left(share: float, seconds: float) -> str:
    rest = round(seconds * (1 - share) / share) if share else 0
    minutes, seconds = divmod(rest, 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
