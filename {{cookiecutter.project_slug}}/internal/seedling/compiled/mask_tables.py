"""Tables of the leaves of many trees that the values of features rule out.

The leaves of a tree have a bit each, the leftmost the lowest. A split that does not hold rules out
the leaves to its left. What all splits on one feature rule out depends on the value's place among
their thresholds only: a table has a line of masks, one of each tree, for each place.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from seedling.compiled.tree_ensembles import LESS, Ensemble

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Masks = npt.NDArray[Any]  # of unsigned integers
Split = tuple[int, float, int, int]  # column, threshold, and the leaves that it rules out: from, to

MOST_LINES = 512  # of features whose places are counted together
# By letters of a mask: its type, and a number whose product with each bit begins with other digits
# (de Bruijn).
KINDS: dict[int, tuple[Any, int]] = {
    16: (np.uint16, 0x09AF),
    32: (np.uint32, 0x077CB531),
    64: (np.uint64, 0x03F79D71B4CB0A89),
}
MOST_LEAVES = max(KINDS)


class Feature(NamedTuple):
    """A number with its thresholds; or a group of columns of which one at most is 1, others 0."""

    number: int  # of the column, or of the group
    columns: Sequence[int]
    thresholds: Array | None  # None for a group
    comparison: int

    @property
    def lines(self) -> int:
        """Return the number of places: before, between and behind; or each column, and none."""
        return 1 + len(self.columns if self.thresholds is None else self.thresholds)

    def places(self, numbers: Mapping[int, Array], chosen: Sequence[Places]) -> Places:
        """Return the places of n values; see `LeafMasks.outputs`."""
        if self.thresholds is None:
            return chosen[self.number]
        side: Literal["left", "right"] = "right" if self.comparison == LESS else "left"
        return self.thresholds.searchsorted(numbers[self.number], side)

    def table(self, by_column: Mapping[int, Sequence[tuple[int, Split]]], whole: Masks) -> Masks:
        """Return lines x trees masks.

        Args:
            by_column: the splits on each column, with the trees' places.
            whole: a line in which nothing is ruled out.
        """
        found = np.repeat(whole[None], self.lines, axis=0)
        for place, column in enumerate(self.columns):
            for tree, (_, threshold, first, end) in by_column.get(column, ()):
                if self.thresholds is not None:
                    fails: Any = slice(int(np.searchsorted(self.thresholds, threshold)) + 1, None)
                else:
                    fails = np.full(self.lines, not self._holds(0.0, threshold))
                    fails[place] = not self._holds(1.0, threshold)
                kept = int(whole[tree]) & ~((1 << end) - (1 << first))
                found[fails, tree] &= whole.dtype.type(kept)
        return found

    def _holds(self, value: float, threshold: float) -> bool:
        return value < threshold if self.comparison == LESS else value <= threshold


def features(trees: Ensemble, groups: Sequence[Sequence[int]]) -> list[list[Feature]]:
    """Return the features of an ensemble; those of one list share a table, with a line a pair.

    Args:
        trees: the ensemble.
        groups: the columns of each feature of which one column at most is 1, the others 0.
    """
    by_column: dict[int, set[float]] = {}
    for column, threshold in zip(trees.features.tolist(), trees.thresholds.tolist(), strict=True):
        by_column.setdefault(column, set()).add(threshold)
    found = [
        Feature(number, columns, None, trees.comparison)
        for number, columns in enumerate(groups)
        if not by_column.keys().isdisjoint(columns)
    ]
    grouped = {column for columns in groups for column in columns}
    for column in sorted(by_column.keys() - grouped):
        thresholds = np.array(sorted(by_column[column]))
        found.append(Feature(column, [column], thresholds, trees.comparison))
    together: list[list[Feature]] = []
    for feature in sorted(found, key=lambda each: each.lines):
        if together and lines([*together[-1], feature]) <= MOST_LINES:
            together[-1].append(feature)
        else:
            together.append([feature])
    return together


def lines(together: Iterable[Feature]) -> int:
    """Return the number of lines of a table of some features."""
    return int(np.prod([each.lines for each in together]))


def places(
    together: Sequence[Feature], numbers: Mapping[int, Array], chosen: Sequence[Places]
) -> Places:
    """Return the lines of n rows in the table of some features."""

    def behind(before: Places, feature: Feature) -> Places:
        return before * feature.lines + feature.places(numbers, chosen)

    first, *others = together
    return reduce(behind, others, first.places(numbers, chosen))


class Level:
    """The tables of trees of up to 64 leaves.

    Args:
        splits: of each tree.
        leaves: the number of each tree's leaves.
        together: the features.
    """

    def __init__(
        self,
        splits: Sequence[Sequence[Split]],
        leaves: Sequence[int],
        together: Sequence[Sequence[Feature]],
    ) -> None:
        self.bits = next(bits for bits in KINDS if max(leaves) <= bits)
        self.kind, self._spread = KINDS[self.bits]
        self._shift = self.bits - self.bits.bit_length() + 1
        whole = np.full(len(leaves), (1 << self.bits) - 1, self.kind)
        by_column: dict[int, list[tuple[int, Split]]] = {}
        for tree, some in enumerate(splits):
            for split in some:
                by_column.setdefault(split[0], []).append((tree, split))
        self.tables = [
            reduce(_both, [feature.table(by_column, whole) for feature in some])
            for some in together
        ]

    def spread(self, values: Sequence[Sequence[Any]], kind: Any) -> npt.NDArray[Any]:
        """Return trees x bits: the value of each leaf, where `found` says that it is."""
        full = (1 << self.bits) - 1
        places = [(self._spread << at & full) >> self._shift for at in range(self.bits)]
        table = np.zeros((len(values), self.bits), kind)
        for tree, some in enumerate(values):
            table[tree, places[: len(some)]] = some
        return table

    def found(self, masks: Masks, other: Masks) -> None:
        """Put the place of the lowest bit of each mask in its place; `other` is overwritten."""
        np.negative(masks, out=other)
        masks &= other
        masks *= self.kind(self._spread)
        masks >>= self.kind(self._shift)


def _both(one: Masks, other: Masks) -> Masks:
    """Return the table of two features of the tables of each."""
    together = one[:, None] & other[None]
    return together.reshape(len(one) * len(other), -1)
