"""The columns that a fitted preprocessing makes of a row's parts, one row or many at a time."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from seedling.compiled.by_target import Means, Words


class Number(msgspec.Struct, tag=True, forbid_unknown_fields=True, rename={"column": "at"}):
    """A numeric feature: `(value or fill - mean) / scale`, as the fitted preprocessing has it."""

    column: int  # after the preprocessing
    fill: float
    mean: float = 0.0
    scale: float = 1.0


class Category(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """A category with the column that is 1 for each of its values; None where no column is."""

    columns: dict[str, int]  # by value
    missing: int | None  # of a row without a value
    unknown: int | None  # of a value that is not in `columns`
    means: Means | None = None  # where it is encoded by the target as well

    def places(self) -> list[int]:
        """Return the columns of which one is 1, without those of `means`."""
        found = {*self.columns.values(), self.missing, self.unknown}
        return sorted(column for column in found if column is not None)


class Key(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """A part of the group's key, which has no column."""


Feature = Number | Category | Words | Key


class Encoder:
    """Makes the columns; a row alone gets the numbers that it gets among others."""

    def __init__(self, features: Sequence[Feature], width: int) -> None:
        self._width = width
        self._numbers = [
            (place, each.column, each.fill, each.mean, each.scale)
            for place, each in enumerate(features)
            if isinstance(each, Number)
        ]
        self._categories = [
            (place, {**each.columns, None: each.missing}, each.unknown)
            for place, each in enumerate(features)
            if isinstance(each, Category)
        ]
        self._by_target: list[tuple[int, int, Callable[[Any], list[float]]]] = []
        for place, each in enumerate(features):
            if isinstance(each, Words):
                self._by_target.append((place, each.column, each.reader()))
            elif isinstance(each, Category) and each.means:
                self._by_target.append((place, each.means.column, each.means.of))

    def row(self, row: Sequence[Any]) -> list[float]:
        """Return the columns of one row of parts."""
        found = [0.0] * self._width
        for place, column, fill, mean, scale in self._numbers:
            value = row[place]
            found[column] = ((fill if value is None else value) - mean) / scale
        for place, known, unknown in self._categories:
            one = known.get(row[place], unknown)
            if one is not None:
                found[one] = 1.0
        for place, column, numbers_of in self._by_target:
            numbers = numbers_of(row[place])
            found[column : column + len(numbers)] = numbers
        return found

    def columns(self, parts: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the columns of n rows as arrays, from n values of each part, None for a gap."""
        import numpy as np

        count = len(parts[0])
        found: list[Any] = [np.zeros(count) for _ in range(self._width)]
        for place, column, fill, mean, scale in self._numbers:
            values = [fill if value is None else value for value in parts[place]]
            found[column] = (np.array(values, dtype="float64") - mean) / scale
        for place, known, unknown in self._categories:
            chosen = [known.get(value, unknown) for value in parts[place]]
            numbers = np.array([-1 if each is None else each for each in chosen], dtype="int64")
            for at in np.unique(numbers[numbers >= 0]).tolist():
                found[at] = (numbers == at).astype("float64")
        for place, column, numbers_of in self._by_target:
            rows = [numbers_of(value) for value in parts[place]]
            for at in range(len(rows[0]) if rows else 0):
                found[column + at] = np.array([*map(itemgetter(at), rows)], dtype="float64")
        return found
