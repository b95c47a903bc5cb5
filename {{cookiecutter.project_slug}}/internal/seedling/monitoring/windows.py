"""Cut a time, or a number of rows, into windows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import pandas as pd

from seedling.config import span
from seedling.wording import counted

DAY = timedelta(days=1)
MOST_BACK = 12  # windows that are looked at unless the first moment is given
FEW = 250  # rows of a window that is cut by count because all is of one day
MOST_ROWS = 2**62  # that pandas can divide by
MOST_DIGITS = 4_000  # that Python makes a number of
PARTS = 4  # of such a day, where there are rows enough

F = TypeVar("F", bound=tuple[pd.DataFrame, ...])


class Cut(NamedTuple):
    """The rule by which rows become windows.

    Attributes:
        length: of a window by time; None where they are cut by count.
        rows: of a window by count; 0 where they are cut by time.
        end: the moment after the last window by time.
        words: how the windows were cut, for people.
    """

    length: timedelta | None
    rows: int
    end: datetime
    words: str


def by_time(length: timedelta, end: datetime, words: str) -> Cut:
    """Return windows of one length, of which the last ends at `end`."""
    return Cut(length, 0, end, words)


def by_count(rows: int, end: datetime, why: str = "") -> Cut:
    """Return windows of a number of rows, in the order of their time."""
    return Cut(None, min(rows, MOST_ROWS), end, f"Windows of {counted(rows, 'row')}{why}.")


def of_text(text: str) -> int | timedelta:
    """Return the number of rows, or the length of time, that a text names.

    Raises:
        ValueError: it names neither.
    """
    if text.isdecimal() and len(text) <= MOST_DIGITS and int(text) > 0:
        return int(text)
    return span(text)


def parts(cut: Cut, page: F, before: int) -> Iterator[tuple[int, F]]:
    """Yield the rows of a page window by window, each with the window's number.

    Args:
        cut: the rule.
        page: tables of one index, the first of which has `time`.
        before: the rows of earlier pages.
    """
    times = page[0]["time"]
    if cut.length is None:
        numbers = pd.Series(range(before, before + len(times))) // cut.rows
    else:  # counted back from the end: -1 is the last
        numbers = -((pd.Timestamp(cut.end) - times) // cut.length) - 1
    for number, places in numbers.groupby(numbers, sort=True).groups.items():
        chosen = (table.loc[places].reset_index(drop=True) for table in page)
        yield int(str(number)), type(page)(*chosen)
