"""The progress of a search in the terminal, and the table of what it found."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from seedling.data.scalars import short
from seedling.training.study import Tried
from seedling.training.tuning import Found, Limits
from seedling.wording import counted

MOST_SHOWN = 5


EVERY = 15.0  # seconds between two lines where the output is no terminal


class Bar:
    """A line that shows trial, fold, the best so far and the time left; a line for each new best.

    It is a context; the line is there within it, and only in a terminal. Elsewhere, such as in the
    log of a CI run, what it shows is printed at the beginning and every few seconds.
    """

    def __init__(self, metric: str, limits: Limits, done: int, best: Tried | None) -> None:
        """
        Args:
            metric: its name.
            limits: the end of the search.
            done: the number of trials of before.
            best: the best of them.
        """
        self._metric, self._limits, self._done = metric, limits, done
        self._begin, self._what = time.monotonic(), ""
        self._best = f"{metric} {short(best.mean)}" if best else ""
        words = TextColumn("{task.description}")
        bar = (SpinnerColumn(), words, BarColumn(20), TextColumn("{task.fields[left]}"))
        self._progress = Progress(*bar, TimeElapsedColumn(), console=Console(), transient=True)
        self._task = self._progress.add_task("preparing", total=limits.trials, left="")
        self._folds: tuple[int, int] = 0, 0
        self._measured, self._owed = 0, 0  # values that were tried here, and that are to be
        self._state = "preparing"
        self._ended = threading.Event()

    def __enter__(self) -> "Bar":
        self._progress.start()
        if not self._progress.console.is_terminal:
            threading.Thread(target=self._print, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._progress.stop()

    def _print(self) -> None:
        while not self._ended.is_set():
            passed = duration(time.monotonic() - self._begin)
            left = self._left()
            self._say(f"{self._state}; {passed} so far{left and f', {left}'}")
            self._ended.wait(EVERY)

    def begin(self, present: bool, number: int, folds: int) -> None:
        """Show that values are tried."""
        self._what = "as model.yaml has it" if present else f"trial {number}"
        self._folds = 0, folds
        self._owed = (self._limits.trials or 0) - self._done + present
        self._show()

    def fold(self, values: list[float]) -> None:
        """Show that another fold was measured."""
        self._folds = len(values), self._folds[1]
        self._show()

    def end(self, tried: Tried, is_best: bool) -> None:
        """Print what the values of model.yaml led to, a new best, and a failure."""
        self._done += self._what.startswith("trial")
        self._measured, self._owed = self._measured + 1, self._owed - 1
        self._folds = 0, self._folds[1]
        if tried.fault:
            self._say(f"{self._what} failed with {words(tried.values)}: {tried.fault}")
        elif is_best or not self._what.startswith("trial"):
            self._best = f"{self._metric} {short(tried.mean)}"
            self._say(f"{self._what}: {self._best} ({words(tried.values)})")
        self._show()

    def _say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _show(self) -> None:
        best = f", best {self._best}" if self._best else ""
        self._state = f"{self._what}, {self._folds[0]} of {self._folds[1]} folds{best}"
        self._progress.update(
            self._task, description=self._state, completed=self._done, left=self._left()
        )

    def _left(self) -> str:
        """Return the time left: by the minutes, or by the mean time of a trial's folds so far."""
        passed = time.monotonic() - self._begin
        left = [60 * self._limits.minutes - passed] if self._limits.minutes else []
        begun = self._folds[0] / max(1, self._folds[1])
        if self._limits.trials and self._measured + begun:
            left.append(passed / (self._measured + begun) * (self._owed - begun))
        return f"{duration(max(0.0, min(left)))} left" if left else ""


def show(found: Found, metric: str) -> None:
    """Print the best trials beside the values of model.yaml, and the number of the others."""
    if found.present is None or not found.ranking:
        return
    table = Table(title="Search")
    for heading in ("", metric, *found.present.values):
        table.add_column(heading)
    rows = [("model.yaml", found.present)]
    rows += [(str(place), each) for place, each in enumerate(found.ranking[:MOST_SHOWN], 1)]
    for name, tried in rows:
        table.add_row(name, f"{tried.mean:.4f}", *map(str, tried.values.values()))
    Console().print(table)


def sentence(found: Found, metric: str, lower: bool) -> str:
    """Say how many trials there were, and how much the best of them is better."""
    pruned = sum(each.pruned for each in found.tried)
    failed = sum(bool(each.fault) for each in found.tried)
    ended = [f"{pruned} given up early"] * bool(pruned) + [f"{failed} failed"] * bool(failed)
    count = counted(len(found.tried), "trial") + (f" ({', '.join(ended)})" if ended else "")
    if found.present is None:
        return f"{count}; model.yaml's own values were not measured yet."
    if found.better is None:
        return f"{count}: none is better than model.yaml, {metric} {found.present.mean:.4f}."
    pairs = list(zip(found.better.folds, found.present.folds, strict=True))
    wins = sum(new < old if lower else new > old for new, old in pairs)
    doubt = "" if 2 * wins > len(pairs) else ": that may be chance"
    return (
        f"{count}: {metric} {found.better.mean:.6g} instead of {found.present.mean:.6g}, better on "
        f"{wins} of {counted(len(pairs), 'fold')}{doubt}."
    )


def words(values: Mapping[str, Any]) -> str:
    """Return values by name: `max_depth 4, learning_rate 0.1`."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def duration(seconds: float) -> str:
    """Return a time as minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
