"""Counts numbers between fixed edges.

The edges are values of the first rows: all of them where they are few, and else quantiles, so that
each count is about a thousandth of the rows. A distribution function is thus known exactly at each
edge, and between two edges up to the smaller of the two tables' shares there. Where all values of
the reference are edges, later numbers that are none are counted apart, with their distances to the
next edge: so they are not taken for it.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.monitoring.structs import ColumnProfile

BINS = 1024  # edges at most, beside those that set off frequent values
FIRST = 200_000  # rows from which edges are made

Floats = npt.NDArray[np.float64]


class Numbers:
    """Counts the numbers of a column; `like` has the edges."""

    def __init__(self, like: ColumnProfile | None = None) -> None:
        self.rows = self.missing = self.count = 0
        self.mean = self.squares = self.below = self.above = 0.0
        self.low, self.high = np.inf, -np.inf
        self.exact = like.exact if like else False
        self.edges = np.array(like.edges) if like and like.edges else None
        self.counts = np.zeros(0 if self.edges is None else len(self.edges) + 1, dtype="int64")
        self.inside = np.zeros(len(self.counts), dtype="int64")
        self.apart = np.zeros(len(self.counts))
        self._first: list[Floats] = []  # numbers before there are edges

    def add(self, cells: pd.Series, measures: Callable[[pd.Series], pd.Series]) -> None:
        """Count n cells, which `measures` turns into float64."""
        measured = measures(cells).to_numpy(dtype="float64", na_value=np.nan)
        numbers = measured[np.isfinite(measured)]
        self.rows += len(measured)
        self.missing += len(measured) - len(numbers)
        if len(numbers):
            self._add(numbers)

    def merge(self, other: "Numbers") -> None:
        """Add what another counter has counted.

        Raises:
            ValueError: it counts by other edges.
        """
        if other.edges is not None and self.edges is None and not self._first:
            self._count_by(other.edges, other.exact)
        if other.edges is not None:
            self._fix()
            if not np.array_equal(other.edges, self.edges):  # type: ignore[arg-type]
                raise ValueError("the two profiles are counted by other edges")
            self.counts = self.counts + other.counts
            self.inside = self.inside + other.inside
            self.apart = self.apart + other.apart
            self.below += other.below
            self.above += other.above
        for numbers in other._first:
            self._keep(numbers)
        self.rows += other.rows
        self.missing += other.missing
        if other.count:
            self._moments(other.count, other.mean, other.squares)
            self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def resume(self, known: ColumnProfile) -> None:
        """Go on from a profile, by whose edges this counter counts."""
        self.rows, self.missing = known.rows, known.missing
        self.below, self.above = known.below, known.above
        if known.edges:
            self.counts, self.count = np.array(known.counts), known.known
            if known.inside:
                self.inside, self.apart = np.array(known.inside), np.array(known.apart)
            self.mean, self.squares = known.mean or 0.0, (known.sd or 0.0) ** 2 * known.known
            self.low, self.high = known.low or 0.0, known.high or 0.0

    def profile(self, name: str) -> ColumnProfile:
        """Return the profile of all cells so far."""
        self._fix()
        found = ColumnProfile(name, "numbers", self.rows, self.missing, exact=self.exact)
        if self.edges is not None:
            found.edges, found.counts = self.edges.tolist(), self.counts.tolist()
            found.below, found.above = self.below, self.above
            if self.inside.any():
                found.inside, found.apart = self.inside.tolist(), self.apart.tolist()
        if self.count:
            found.low, found.high, found.mean = float(self.low), float(self.high), self.mean
            found.sd = float(np.sqrt(self.squares / self.count))
        return found

    def _add(self, numbers: Floats) -> None:
        mean = float(numbers.mean())
        self._moments(len(numbers), mean, float(np.square(numbers - mean).sum()))
        self.low = min(self.low, float(numbers.min()))
        self.high = max(self.high, float(numbers.max()))
        self._keep(numbers)

    def _keep(self, numbers: Floats) -> None:
        """Count numbers by the edges, or keep them until there are enough to make edges of."""
        if self.edges is not None:
            self._count(numbers, self.edges)
            return
        self._first.append(numbers)
        if sum(map(len, self._first)) >= FIRST:
            self._fix()

    def _fix(self) -> None:
        """Make edges of the numbers that were kept, and count them."""
        if self.edges is None and self._first:
            numbers = np.concatenate(self._first)
            self._first = []
            edges, exact = edges_of(numbers)
            self._count_by(edges, exact)
            self._count(numbers, edges)

    def _count_by(self, edges: Floats, exact: bool) -> None:
        """Begin to count by these edges."""
        self.edges, self.exact = edges, exact
        self.counts = np.zeros(len(edges) + 1, dtype="int64")
        self.inside, self.apart = self.counts * 0, self.counts * 0.0

    def _count(self, numbers: Floats, edges: Floats) -> None:
        places = np.searchsorted(edges, numbers)
        self.counts += np.bincount(places, minlength=len(edges) + 1)
        self.below += float((edges[0] - numbers[places == 0]).sum())
        beyond = numbers[places == len(edges)]
        self.above += float((beyond - edges[-1]).sum())
        if self.exact:
            less = places < len(edges)
            short = edges[places[less]] - numbers[less]
            is_none, count = short > 0, len(edges) + 1
            at = places[less][is_none]
            self.inside += np.bincount(at, minlength=count)
            self.apart += np.bincount(at, short[is_none], count)

    def _moments(self, count: int, mean: float, squares: float) -> None:
        """Take over count, mean and sum of squared deviations of other numbers."""
        total = self.count + count
        apart = mean - self.mean
        self.squares += squares + apart * apart * self.count * count / total
        self.mean += apart * count / total
        self.count = total


def edges_of(numbers: Floats) -> tuple[Floats, bool]:
    """Return ascending edges for n numbers, and whether each number is one of them.

    A number that is frequent has an edge just below it too, and so a count for itself. Both tails
    have finer edges, down to single numbers.
    """
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) <= BINS:
        return values, True
    below = np.cumsum(counts)
    tail = len(numbers) / BINS / 2.0 ** np.arange(1, 12)  # where a long one has its distances
    wanted = np.concatenate([np.linspace(0, len(numbers), BINS), tail, len(numbers) - tail])
    chosen = values[np.minimum(np.searchsorted(below, wanted), len(values) - 1)]
    frequent = values[counts > len(numbers) / BINS]
    before = np.nextafter(frequent[frequent > values[0]], -np.inf)
    return np.unique(np.concatenate([chosen, frequent, before])), False
