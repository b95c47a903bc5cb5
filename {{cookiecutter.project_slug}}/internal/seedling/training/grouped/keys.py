"""The groups of a table: each key once, in sorted order, and the group of each row."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.errors import ProjectError
from seedling.wording import counted

Numbers = npt.NDArray[np.int64]

NEW = -1  # the number of a group that is not known
MOST_IN_TABLE = 1 << 20  # pairs that are numbered by a table of all that there may be


class GroupsError(ProjectError, ValueError):
    """Say what is wrong with the rows of groups; a ValueError, as scikit-learn's callers expect."""


class Keys:
    """G distinct keys of `names`; a key is a value of each.

    A text, a category and an object are the value that they hold; 1 and 1.0 are one value, 1 and
    "1" are two.
    """

    def __init__(self, names: Sequence[str], values: list[pd.Index], stages: list[Numbers]) -> None:
        """
        Args:
            names: of the columns.
            values: of each column, its distinct values.
            stages: of each column, sorted: the pairs of a key of the columns before and a value,
                as `key * len(values) + value`. A key's number is its pair's place.
        """
        self.names, self.values, self.stages = list(names), values, stages

    def __len__(self) -> int:
        return len(self.stages[-1]) if self.names else 1

    @classmethod
    def of(cls, rows: pd.DataFrame, before: int = 0) -> tuple[Self, Numbers]:
        """Return the keys of n rows, and the number of each row's key.

        Args:
            rows: the columns that make a group; without columns, all rows are one group.
            before: the rows of the table before these, for the message of an error.

        Raises:
            GroupsError: a key is missing.
        """
        numbers = np.zeros(len(rows), dtype=np.int64)
        values: list[pd.Index] = []
        stages: list[Numbers] = []
        for name in rows:
            codes, found = _distinct(rows[name])
            absent = np.flatnonzero(codes < 0)
            if len(absent):
                many, first = counted(len(absent), "row"), before + absent[0] + 1
                raise GroupsError(
                    f"{name} is missing in {many}, first in row {first}: fill it, for example with "
                    "a name of its own, or drop them."
                )
            known = len(stages[-1]) if stages else 1
            stage, numbers = numbered(numbers * len(found) + codes, known * len(found))
            values.append(found)
            stages.append(stage)
        return cls(list(rows), values, stages), numbers

    def find(self, rows: pd.DataFrame) -> Numbers:
        """Return the number of each row's key, NEW where it is not among them or missing.

        Raises:
            GroupsError: a column holds texts, and held numbers before, or the other way round.
        """
        numbers, before = np.zeros(len(rows), dtype=np.int64), 1
        for name, known, stage in zip(self.names, self.values, self.stages, strict=True):
            codes, found = _distinct(rows[name], ordered=False)
            _same_kind(name, known, found)
            places = np.append(known.get_indexer(found), NEW)[codes]
            pairs = numbers * len(known) + places
            pairs[(numbers == NEW) | (places == NEW)] = NEW
            numbers, before = _places(stage, pairs, before * len(known)), len(stage)
        return numbers

    def frame(self) -> pd.DataFrame:
        """Return the keys, a row each."""
        numbers = np.arange(len(self))
        found: dict[str, Any] = {}
        for name, known, stage in [*zip(self.names, self.values, self.stages, strict=True)][::-1]:
            numbers, places = np.divmod(stage[numbers], len(known))
            found[name] = known[places]
        return pd.DataFrame({name: found[name] for name in self.names}, index=range(len(self)))

    def joined(self, other: "Keys") -> tuple["Keys", Numbers, Numbers]:
        """Return the keys of both, and the new numbers of these keys and of the other's."""
        for name, mine, theirs in zip(self.names, self.values, other.values, strict=True):
            _same_kind(name, mine, theirs)
        if not self.names:
            return self, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        theirs = self.find(other.frame())
        if (theirs != NEW).all():
            return self, np.arange(len(self)), theirs
        both, numbers = Keys.of(pd.concat([self.frame(), other.frame()], ignore_index=True))
        return both, numbers[: len(self)], numbers[len(self) :]


def numbered(pairs: Numbers, size: int) -> tuple[Numbers, Numbers]:
    """Return the distinct ones of numbers below `size`, sorted, and the place of each."""
    if size > MOST_IN_TABLE + len(pairs):
        stage, places = np.unique(pairs, return_inverse=True)
        return stage, places
    there = np.zeros(size, dtype=bool)
    there[pairs] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[pairs]


def _places(stage: Numbers, pairs: Numbers, size: int) -> Numbers:
    """Return the places of numbers below `size` in `stage`, NEW where they are not there."""
    if size > len(pairs):
        at = np.searchsorted(stage, pairs).clip(max=len(stage) - 1)
        return np.where(stage[at] == pairs, at, NEW)
    table = np.full(size + 1, NEW)  # the last for NEW itself
    table[stage] = np.arange(len(stage))
    return table[pairs]


def _distinct(column: pd.Series, ordered: bool = True) -> tuple[Numbers, pd.Index]:
    """Return the place of each row's value, -1 for a gap, and the column's distinct values.

    Args:
        column: n cells.
        ordered: whether to sort the values.
    """
    codes, uniques = pd.factorize(column)
    found = pd.Index(uniques)
    if isinstance(found, pd.CategoricalIndex):
        found = found.astype(found.categories.dtype)
    if not pd.api.types.is_numeric_dtype(found.dtype):
        found = found.astype(object).infer_objects()
    elif not pd.api.types.is_bool_dtype(found.dtype) and (found == found // 1).all():
        found = found.astype("int64")
    if not ordered:
        return codes, found
    try:
        order = found.argsort()
    except TypeError:  # texts and numbers in one column
        order = np.arange(len(found))
    places = np.empty(len(found) + 1, dtype=np.int64)
    places[order] = np.arange(len(found))
    places[-1] = -1
    return places[codes], found[order]


def _same_kind(name: str, known: pd.Index, found: pd.Index) -> None:
    kinds = [pd.api.types.is_numeric_dtype(each.dtype) for each in (known, found)]
    if len(found) and len(known) and kinds[0] != kinds[1] and "mixed" not in known.inferred_type:
        words = ["numbers" if kind else "texts" for kind in kinds]
        raise GroupsError(f"{name} held {words[0]} before, and holds {words[1]} now.")
