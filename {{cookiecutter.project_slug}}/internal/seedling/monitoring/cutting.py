"""Cut the pages of a log into windows, and read them once.

Where nothing says how long a window is, that depends on whether all rows are of one day. The pages
of the first day are then held until this is known.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from seedling.monitoring import windows
from seedling.monitoring.logged import Page
from seedling.monitoring.windows import Cut

LONGEST_BACK = timedelta(days=84)  # that is looked at unless the first moment is given
MOST_HELD = 50_000  # rows of one day; a day with more is a window by time

Reads = Callable[[datetime], Iterator[Page]]


class Reading(NamedTuple):
    """The part of a log that is looked at.

    Attributes:
        cut: the rule by which rows become windows.
        start: the first moment.
        pages: of the rows since then, the oldest first, to be read once.
    """

    cut: Cut
    start: datetime
    pages: Iterator[Page]


def reading(
    given: str | int, is_chosen: bool, start: datetime | None, end: datetime, read: Reads
) -> Reading:
    """Return how the log is cut into windows, and its pages.

    Args:
        given: the length of a window, as a time or a number of rows.
        is_chosen: whether a person has said so; else answers of one day are cut by count.
        start, end: the first moment, if given, and the one after the last.
        read: returns the pages from a moment on.
    """
    length = given if isinstance(given, int) else windows.of_text(given)
    if isinstance(length, int):
        start = start or end - LONGEST_BACK
        return Reading(windows.by_count(length, end), start, read(start))
    words = f"Windows of {given}, the last up to {end.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    by_time = windows.by_time(length, end, words)
    start = start or end - windows.MOST_BACK * length
    pages = read(start)
    if is_chosen:
        return Reading(by_time, start, pages)
    held: list[Page] = []
    rows = 0
    for page in pages:
        held.append(page)
        rows += len(page.records)
        took = page.records["time"].iloc[-1] - held[0].records["time"].iloc[0]
        if took > windows.DAY or rows > MOST_HELD:
            return Reading(by_time, start, chain(held, pages))
    each = -(-rows // max(1, min(windows.PARTS, rows // windows.FEW)))
    by_count = windows.by_count(max(1, each), end, ", since all were answered within a day")
    return Reading(by_count, start, iter(held))
