"""The changes of later rows that a dataset lets one expect, and that are no verdict."""

from typing import NamedTuple

from seedling.config import Dataset


class Expected(NamedTuple):
    """The columns of a dataset that change by themselves.

    Attributes:
        later: columns that move with time: that of the split, and groups that are numbers.
        times: columns of moments, which may do so.
        groups: names of groups, to which new ones come.
        is_split_by_time: whether the held-out rows, of which the answers are known, are the last.
    """

    later: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    is_split_by_time: bool = False


NOTHING = Expected()


def of(dataset: Dataset) -> Expected:
    """Return what a dataset lets one expect of later rows."""
    by = {dataset.by_time} - {""}
    groups = {column.name for column in dataset.raw if column.name in dataset.groups}
    numbers = {column.name for column in dataset.raw if column.profiled == "numbers"}
    times = {column.name for column in dataset.raw if column.is_time}
    return Expected(
        frozenset(by | (groups & numbers)),
        frozenset(times),
        frozenset(groups - numbers),
        bool(dataset.by_time),
    )
