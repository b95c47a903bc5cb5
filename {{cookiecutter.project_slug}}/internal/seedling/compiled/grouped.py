"""A line for each group of rows: coefficients in arrays that are read from the disk as needed.

A row's group is found by a number that its columns lead to one after the other: the place of the
first column's value, and then of the pair (place so far, next column's value) among all pairs.
What is not among them is a new group, which has the last line of its parent, or of all.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import msgspec

from seedling.compiled.encoder import Encoder
from seedling.errors import ProjectError

FOLDER = "groups"
LINES, SPREADS, RESTS, PAIRS = "lines.npy", "spreads.npy", "rests.npy", "pairs_{}.npy"
FEW = 8  # rows; as few are answered sooner one by one
NOWHERE = -1  # the place of a value that no group has

Value = bool | int | float | str


class Groups(msgspec.Struct, forbid_unknown_fields=True):
    """The numbers that all lines share. A line has q coefficients, the first of 1.

    The arrays have a row for each of G groups, and for each parent and for all what a new group is
    answered by: `lines`, q; `spreads`, the covariance of the coefficients in units of the noise's,
    q (q + 1) / 2 by rows of its lower triangle, those beside the diagonal doubled; `rests`, of the
    variance of a row, of the quantile of the interval, and of the number of the group's flag.
    """

    places: list[int]  # of the columns that make a group, among a row's parts
    values: list[list[Value]]  # of each of these columns, in the order of their numbers
    missing: list[Value | None]  # the value that a gap of the column stands for
    groups: int
    parents: bool  # whether a new group has the line of its first column's value
    centres: list[float]  # of each regressor but the first: (x - centre) / scale
    scales: list[float]  # 0 for one that is left out
    target_centre: float
    target_scale: float


class Grouped:
    """Computes prediction, low, high and the flag's number of rows; a row alone as among others.

    What is computed by columns is computed in the order in which one row is: sums of doubles are
    the same to the last digit.
    """

    def __init__(self, groups: Groups, home: Path, encoder: Encoder) -> None:
        """
        Args:
            groups: of the form.
            home: the folder of the form, with the arrays.
            encoder: of the parts that make no group.

        Raises:
            ProjectError: numpy is not installed.
        """
        try:
            import numpy as np
        except ImportError:
            raise ProjectError("its groups need numpy, which is not installed") from None
        self.np: Any = np
        self.groups, self._encoder = groups, encoder

        def read(name: str) -> Any:
            return np.load(home / FOLDER / name, mmap_mode="r")

        self._lines, self._spreads, self._rests = read(LINES), read(SPREADS), read(RESTS)
        self._places: list[dict[Value | None, int]] = [
            {value: at for at, value in enumerate(values)} for values in groups.values
        ]
        for places, missing in zip(self._places, groups.missing, strict=True):
            if missing in places:
                places[None] = places[missing]
        self._pairs = [read(PAIRS.format(at)) for at in range(len(groups.places))]
        self._views = [memoryview(pairs) for pairs in self._pairs]

    def outputs(self, rows: Sequence[Sequence[Any]]) -> list[list[float]]:
        """Return n x 4 numbers for n rows of parts."""
        if len(rows) <= FEW:
            return [self._one(row) for row in rows]
        found: list[list[float]] = self.of_columns([*zip(*rows, strict=True)]).tolist()
        return found

    def of_columns(self, columns: Sequence[Sequence[Any]]) -> Any:
        """Return the same as an array of n x 4, for each part's n values."""
        np, common = self.np, self.groups
        groups = self._groups_of(columns)
        lines, spreads, rests = (
            each[groups].T for each in (self._lines, self._spreads, self._rests)
        )
        encoded = self._encoder.columns(columns)
        regressors = [
            (values - centre) / scale if scale else 0.0 * values
            for values, centre, scale in zip(encoded, common.centres, common.scales, strict=True)
        ]
        total, variance, at = lines[0], rests[0] + spreads[0], 1
        for number, x in enumerate(regressors, 1):
            total = total + x * lines[number]
            inner = spreads[at]
            for place, other in enumerate(regressors[:number], at + 1):
                inner = inner + spreads[place] * other
            at += number + 1
            variance = variance + inner * x
        prediction = common.target_centre + common.target_scale * total
        half = common.target_scale * rests[1] * np.sqrt(np.maximum(variance, 0.0))
        return np.stack([prediction, prediction - half, prediction + half, rests[2]], axis=1)

    def _one(self, row: Sequence[Any]) -> list[float]:
        common, group = self.groups, self._group_of(row)
        line, spread = self._lines[group].tolist(), self._spreads[group].tolist()
        noise, quantile, flag = self._rests[group].tolist()
        regressors = [
            (value - centre) / scale if scale else 0.0
            for value, centre, scale in zip(
                self._encoder.row(row), common.centres, common.scales, strict=True
            )
        ]
        total, variance, at = line[0], noise + spread[0], 1
        for number, x in enumerate(regressors, 1):
            total += x * line[number]
            inner = spread[at]
            for place, other in enumerate(regressors[:number], at + 1):
                inner += spread[place] * other
            at += number + 1
            variance += inner * x
        prediction = common.target_centre + common.target_scale * total
        half = common.target_scale * quantile * sqrt(max(variance, 0.0))
        return [prediction, prediction - half, prediction + half, flag]

    def _group_of(self, row: Sequence[Any]) -> int:
        """Return the place of a row's line."""
        number, parent = 0, NOWHERE
        for at, place in enumerate(self.groups.places):
            value = self._places[at].get(row[place], NOWHERE)
            if at == 0:
                parent = value
            pairs = self._views[at]
            pair = number * len(self.groups.values[at]) + value
            number = bisect_left(pairs, pair)
            if value == NOWHERE or number == len(pairs) or pairs[number] != pair:
                return self._new_line(parent)
        return number

    def _new_line(self, parent: int) -> int:
        """Return the place of the line of a new group; it is the last where it has no parent."""
        is_child = self.groups.parents and parent != NOWHERE
        return self.groups.groups + parent if is_child else len(self._lines) - 1

    def _groups_of(self, columns: Sequence[Sequence[Any]]) -> Any:
        """Return the places of n rows' lines."""
        np, groups = self.np, self.groups
        numbers: Any = 0
        is_known: Any = True
        parents: Any = NOWHERE
        for at, place in enumerate(groups.places):
            places = self._places[at]
            values = np.array([places.get(value, NOWHERE) for value in columns[place]], "int64")
            if at == 0:
                parents = values
            pairs = self._pairs[at]
            wanted = numbers * len(groups.values[at]) + values
            numbers = np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)
            is_known = is_known & (values != NOWHERE) & (pairs[numbers] == wanted)
        last = len(self._lines) - 1
        is_child = groups.parents & (parents != NOWHERE)
        return np.where(is_known, numbers, np.where(is_child, groups.groups + parents, last))
