"""Answers many rows by an ensemble of trees, without a walk through any of them.

Each feature of a row rules out some leaves of each tree, by tables of masks (`mask_tables`); the
leftmost leaf that is left is the row's (QuickScorer, Lucchese et al., 2015). Of a tree with more
than 64 leaves the top is such a tree, whose leaves are the trees below, and these are others. Trees
are taken a few at a time, so that their tables stay in the processor's cache.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from seedling.compiled import mask_tables
from seedling.compiled.mask_tables import MOST_LEAVES, Array, Feature, Level, Places, Split
from seedling.compiled.tree_ensembles import Ensemble

CELLS = 1 << 16  # rows x trees at a time: they stay in the processor's cache
GROVE = 50  # large trees that are taken together
MOST_BYTES = 16 << 20  # of the tables of small trees
MOST_LARGE_BYTES = 96 << 20  # of large ones, which the threads share


class _Tree(NamedTuple):
    """A tree of up to 64 leaves, from left to right: numbers of leaves, or trees below."""

    leaves: list[Any]
    splits: list[Split]


class LeafMasks:
    """The tables of an ensemble.

    Args:
        trees: the ensemble.
        tops: of each tree, see `_tops`.
        together: its features.
        outputs: the number of raw outputs.
    """

    def __init__(
        self,
        trees: Ensemble,
        tops: Sequence[_Tree],
        together: Sequence[Sequence[Feature]],
        outputs: int,
    ) -> None:
        targets = trees.targets[[_first_leaf(top) for top in tops]]
        order = np.argsort(targets, kind="stable")  # the trees of an output stand side by side
        size = GROVE if _are_large(tops) else len(order)
        self._together, self._outputs = together, outputs
        self._groves = []
        for start in range(0, len(order), size):
            some = order[start : start + size]
            ends = np.searchsorted(targets[some], range(outputs + 1)).tolist()
            chosen = [tops[at] for at in some.tolist()]
            self._groves.append(_Grove(chosen, trees.weights, [*pairwise(ends)], together))

    def outputs(self, numbers: Mapping[int, Array], chosen: Sequence[Places]) -> Array:
        """Return the n x outputs sums of the leaves, each added in the order of the trees.

        Args:
            numbers: n values by column.
            chosen: for each group and row the place of the column that is 1; one more for none.
        """
        places = [mask_tables.places(some, numbers, chosen) for some in self._together]
        found = np.zeros((self._outputs, len(places[0])))
        for grove in self._groves:
            grove.add(places, found)
        return found.T


class _Grove:
    """Some trees, their tables, and the places of those of each output among them."""

    def __init__(
        self,
        tops: Sequence[_Tree],
        weights: Array,
        parts: Sequence[tuple[int, int]],
        together: Sequence[Sequence[Feature]],
    ) -> None:
        self._parts, self._count = parts, len(tops)
        self._top = last = _level(tops, together)
        self._below: Level | None = None
        trees = tops
        if _are_large(tops):
            trees = [tree for top in tops for tree in top.leaves]
            ends = np.cumsum([0, *(len(top.leaves) for top in tops)]).tolist()
            exits = [range(first, end) for first, end in pairwise(ends)]
            self._exits = self._top.spread(exits, np.intp)
            self._below = last = _level(trees, together)
        self._values = last.spread([weights[tree.leaves].tolist() for tree in trees], np.float64)
        self._starts = np.arange(len(tops)) * self._top.bits

    def add(self, places: Sequence[Places], totals: Array) -> None:
        """Add the trees' leaves of n rows to outputs x n sums."""
        count, trees = totals.shape[1], self._count
        size = max(2, min(count, CELLS // trees))  # NumPy adds up one row in another order
        room = _Room(size, trees, self._top, self._below)
        values = np.zeros((trees + 1, size))
        for start in range(0, count, size):
            some = slice(start, min(start + size, count))
            rows = some.stop - start
            leaves = self._leaves([line[some] for line in places], room, rows)
            self._values.take(leaves.T, out=values[1:, :rows], mode="clip")
            for total, (first, end) in zip(totals, self._parts, strict=True):
                values[first, :rows] = total[some]  # in place of the tree before, added already
                total[some] = np.add.reduce(values[first : end + 1], axis=0, initial=0.0)[:rows]

    def _leaves(self, places: Sequence[Places], room: "_Room", rows: int) -> Places:
        """Return the place of the leaf of each row and tree among all values."""
        mask, spare = room.masks[0][:rows], room.masks[1][:rows]
        leaves = room.leaves[:rows]
        for number, (table, line) in enumerate(zip(self._top.tables, places, strict=True)):
            table.take(line, axis=0, out=spare if number else mask, mode="clip")
            if number:
                mask &= spare
        self._top.found(mask, spare)
        np.add(mask, self._starts, out=leaves, dtype=np.intp, casting="unsafe")
        if not self._below:
            return leaves
        tree, at = room.trees[:rows], leaves
        low, spare = room.below[0][:rows], room.below[1][:rows]
        self._exits.take(leaves, out=tree, mode="clip")
        for number, (table, line) in enumerate(zip(self._below.tables, places, strict=True)):
            np.add((line * table.shape[1])[:, None], tree, out=at)
            table.take(at, out=spare if number else low, mode="clip")
            if number:
                low &= spare
        self._below.found(low, spare)
        tree *= self._below.bits
        np.add(low, tree, out=leaves, dtype=np.intp, casting="unsafe")
        return leaves


class _Room:
    """Room for the masks and places of rows x trees, which is used again and again."""

    def __init__(self, size: int, trees: int, top: Level, below: Level | None) -> None:
        self.masks = np.empty((2, size, trees), top.kind)
        self.leaves = np.empty((size, trees), np.intp)
        if below:
            self.below = np.empty((2, size, trees), below.kind)
            self.trees = np.empty((size, trees), np.intp)


def made(trees: Ensemble, groups: Sequence[Sequence[int]], outputs: int) -> LeafMasks | None:
    """Return the tables of an ensemble; None where they, or the top of a tree, would be too large.

    Args:
        trees: the ensemble.
        groups: the columns of each feature of which one column at most is 1, the others 0.
        outputs: the number of raw outputs.
    """
    together = mask_tables.features(trees, groups)
    ends = np.append(trees.roots, len(trees.thresholds)).tolist()
    most = max(end - first for first, end in pairwise(ends)) + 1
    lines = sum(mask_tables.lines(some) for some in together)
    if most <= MOST_LEAVES:
        bits = next(bits for bits in mask_tables.KINDS if most <= bits)
        if lines * len(trees.roots) * bits // 8 > MOST_BYTES:
            return None
    tops = _tops(trees)
    if _are_large(tops):
        below = sum(len(top.leaves) for top in tops)
        is_wide = max(len(top.leaves) for top in tops) > MOST_LEAVES
        if is_wide or lines * (below + len(tops)) * MOST_LEAVES // 8 > MOST_LARGE_BYTES:
            return None
    return LeafMasks(trees, tops, together, outputs)


def _level(trees: Sequence[_Tree], together: Sequence[Sequence[Feature]]) -> Level:
    splits = [tree.splits for tree in trees]
    return Level(splits, [len(tree.leaves) for tree in trees], together)


def _are_large(tops: Sequence[_Tree]) -> bool:
    """Return whether trees have others below."""
    return isinstance(tops[0].leaves[0], _Tree)


def _first_leaf(tree: _Tree) -> int:
    first = tree.leaves[0]
    return _first_leaf(first) if isinstance(first, _Tree) else first


def _tops(trees: Ensemble) -> list[_Tree]:
    """Return each tree; if one has more than 64 leaves, all with the trees below as leaves."""
    features, thresholds = trees.features.tolist(), trees.thresholds.tolist()
    sides = [
        (trees.true.tolist(), trees.true_is_leaf.tolist()),
        (trees.false.tolist(), trees.false_is_leaf.tolist()),
    ]
    leaves = [0] * len(features)  # behind each node

    def count(node: int) -> int:
        leaves[node] = sum(1 if is_leaf[node] else count(to[node]) for to, is_leaf in sides)
        return leaves[node]

    def walk(tree: _Tree, node: int, is_leaf: int, is_top: bool) -> None:
        """Add a node, or leaf, with all behind it to a tree."""
        if is_top and (is_leaf or leaves[node] <= MOST_LEAVES):
            below = _Tree([], [])
            walk(below, node, is_leaf, False)
            tree.leaves.append(below)
        elif is_leaf:
            tree.leaves.append(node)
        else:
            first = len(tree.leaves)
            for at, (to, are_leaves) in enumerate(sides):
                walk(tree, to[node], are_leaves[node], is_top)
                if not at:
                    end = len(tree.leaves)
            tree.splits.append((features[node], thresholds[node], first, end))

    roots, found = trees.roots.tolist(), list[_Tree]()
    are_large = max(map(count, roots)) > MOST_LEAVES
    for root in roots:
        found.append(_Tree([], []))
        walk(found[-1], root, 0, are_large)
    return found
