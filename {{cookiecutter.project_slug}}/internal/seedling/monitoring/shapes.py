"""The distribution of a column in few bars, from two profiles that were counted alike."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from seedling.data.scalars import short
from seedling.monitoring.findings import Shape
from seedling.monitoring.structs import ColumnProfile, Profile

BARS = 20  # of numbers
MOST_VALUES = 12  # of texts; the others are one bar
OTHERS = "others"

Bars = tuple[list[str], list[float], list[float]]  # labels, and shares then and now


def of(reference: Profile, window: Profile) -> list[Shape]:
    """Return the shapes of all columns that both profiles have counted alike."""
    found = []
    for part, then, now in (
        ("feature", reference.features, window.features),
        ("output", reference.outputs, window.outputs),
    ):
        for name, before in then.items():
            after = now.get(name)
            if after and before.known and after.known and before.kind == after.kind:
                bars = _numbers if before.kind == "numbers" else _values
                found.append(Shape(name, part, *bars(before, after)))
    return found


def _numbers(then: ColumnProfile, now: ColumnProfile) -> Bars:
    """Return labels and shares of bars of equal width; the outermost have what lies beyond."""
    if len(then.counts) != len(now.counts) or not then.edges:
        return [], [], []
    edges = np.asarray(then.edges, dtype="float64")
    if then.exact and len(edges) <= BARS:
        labels = [short(edge) for edge in edges]
        places = np.arange(len(edges) + 1)
        labels.append("others")
    else:
        low, high = _span(then, edges)
        steps = np.linspace(low, high, BARS + 1)
        # A count belongs to the edge above it: the last one has what is above all edges.
        middles = np.append((edges + np.append(edges[:1], edges[:-1])) / 2, edges[-1])
        places = np.clip(np.searchsorted(steps, middles, side="right") - 1, 0, BARS - 1)
        places[-1] = BARS - 1
        labels = [f"{short(a)} to {short(b)}" for a, b in pairwise(steps)]
    shares = [
        np.bincount(places, np.asarray(each.counts, dtype="float64"), len(labels)) / each.known
        for each in (then, now)
    ]
    if labels[-1:] == ["others"] and not shares[0][-1] and not shares[1][-1]:
        return labels[:-1], _rounded(shares[0][:-1]), _rounded(shares[1][:-1])
    return labels, _rounded(shares[0]), _rounded(shares[1])


def _span(then: ColumnProfile, edges: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the range that is drawn: where 98 of 100 values of then are, and a little more."""
    below = np.cumsum(then.counts[:-1]) / max(1, then.known)
    low, high = (
        float(edges[min(int(np.searchsorted(below, share)), len(edges) - 1)])
        for share in (0.01, 0.99)
    )
    room = (high - low) * 0.15 or abs(high) * 0.1 or 1.0
    smallest = low if then.low is None else then.low
    largest = high if then.high is None else then.high
    return max(low - room, min(smallest, low)), min(high + room, max(largest, high)) + 1e-12 * room


def _values(then: ColumnProfile, now: ColumnProfile) -> Bars:
    """Return labels and shares of the most frequent texts, and of all others together."""
    share = {
        name: (then.values.get(name, 0) / then.known, now.values.get(name, 0) / now.known)
        for name in {**then.values, **now.values}
    }
    names = sorted(share, key=lambda name: (-max(share[name]), name))[:MOST_VALUES]
    shares = [[share[name][at] for name in names] for at in (0, 1)]
    rest = [max(0.0, 1 - sum(each)) for each in shares]
    if then.kind == "categories" and max(rest) > 1e-9:
        return (
            [*names, OTHERS],
            _rounded([*shares[0], rest[0]]),
            _rounded([*shares[1], rest[1]]),
        )
    return names, _rounded(shares[0]), _rounded(shares[1])


def _rounded(shares: Iterable[float]) -> list[float]:
    return [round(float(share), 5) for share in shares]
