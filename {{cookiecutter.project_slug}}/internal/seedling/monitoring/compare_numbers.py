"""Compares a column of numbers in two profiles that are counted by the same edges."""

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from seedling.monitoring import noise
from seedling.monitoring.compared import Compared, Floats, divergence, stability_index
from seedling.monitoring.structs import ColumnProfile

COARSE = 10  # cells by which JS and PSI are measured
DRAWN = 64  # cells by which noise is drawn


def compare(old: ColumnProfile, new: ColumnProfile) -> Compared:
    """Compare the numbers of a window with the reference's; both have some.

    The effect is Wasserstein's distance after the reference was made a normal distribution, which
    a heavy tail does not blow up: for normal numbers it is their shift in standard deviations.
    """
    shares_then, shares_now = (np.array(each.counts) / each.known for each in (old, new))
    ranks = _middles(shares_then)
    fine = old.exact and bool(old.inside or new.inside)
    then, now = (_parted(each) if fine else np.array(each.counts, "float64") for each in (old, new))
    fine_then, fine_now = then / then.sum(), now / now.sum()
    apart = np.cumsum(fine_then - fine_now)[:-1]
    ks = float(np.abs(apart).max(initial=0.0))
    tests = {"ks": _ks_test(ks, old.known, new.known), "mann_whitney": mann_whitney(then, now)}
    size = float(_sizes(fine_then, old.known, fine_then, fine_now))
    few = _summed(shares_then, _grouped(ranks, DRAWN))
    null = noise.of_shares(few, old.known, new.known, _sizes)
    found = Compared(tests, size, null)
    found.ks, found.ks_bound = ks, _ks_bound(new, fine_then, fine_now, fine)
    found.wasserstein = _wasserstein(old, new, apart, fine)
    coarse = _grouped(ranks, COARSE)
    one, other = (_summed(shares, coarse) for shares in (shares_then, shares_now))
    found.js = float(np.sqrt(max(0.0, divergence(one, other) / np.log(2))))
    found.psi = stability_index(one, other)
    return found


def mann_whitney(then: Floats, now: Floats) -> float:
    """Return the p-value of Mann and Whitney's test, of counts of the same cells in order."""
    many, few, both = then.sum(), now.sum(), then + now
    total = many + few
    above = float((now * (np.cumsum(then) - then / 2)).sum())
    ties = float((both**3 - both).sum()) / (total * (total - 1))
    variance = many * few / 12 * (total + 1 - ties)
    if variance <= 0:
        return 1.0
    return float(2 * special.ndtr(-abs(above - many * few / 2) / np.sqrt(variance)))


def _ks_test(ks: float, many: int, few: int) -> float:
    """Return the p-value of the statistic, as scipy's `ks_2samp` does for large samples."""
    return float(stats.kstwo.sf(ks, max(1, round(many * few / (many + few)))))


def _parted(column: ColumnProfile) -> Floats:
    """Return the counts of exact edges with those of numbers before each edge as cells apart.

    The cells are: before the first edge, on it, between it and the second, ..., after the last.
    """
    counts = np.array(column.counts, dtype="float64")
    inside = np.array(column.inside or np.zeros(len(counts)), dtype="float64")
    parted = np.column_stack([inside, counts - inside]).ravel()
    return np.append(parted[:-2], counts[-1])


def _ks_bound(new: ColumnProfile, then: Floats, now: Floats, fine: bool) -> float:
    """Return how much the statistic may lack that is only known at the edges."""
    least = np.minimum(then, now)
    if new.exact:  # only what both have between two edges is unknown
        return float(least[::2].max()) if fine else float(least[-1])
    edges = np.array(new.edges)
    is_point = edges[1:] == np.nextafter(edges[:-1], np.inf)
    inside = least[1:-1][~is_point]
    return max(float(inside.max(initial=0.0)), float(least[0]), float(least[-1]))


def _wasserstein(old: ColumnProfile, new: ColumnProfile, apart: Floats, fine: bool) -> float | None:
    """Return the distance in standard deviations; None where the reference has but one value."""
    if not old.sd:
        return None
    gaps = np.diff(old.edges)
    if fine:
        areas = _areas(old, new, gaps, apart[1:-1:2], apart[2:-1:2])
    elif old.exact:
        areas = np.abs(apart[:-1]) * gaps
    else:
        areas = (np.abs(apart[:-1]) + np.abs(apart[1:])) / 2 * gaps
    outside = abs(old.below / old.known - new.below / new.known)
    outside += abs(old.above / old.known - new.above / new.known)
    return float((areas.sum() + outside) / old.sd)


def _areas(
    old: ColumnProfile, new: ColumnProfile, gaps: Floats, first: Floats, last: Floats
) -> Floats:
    """Return the areas between two distribution functions, from each edge to the next.

    Args:
        old, new: profiles with numbers between exact edges, whose distances say their area.
        gaps: from each edge to the next.
        first, last: the difference of the functions at either end. Where its sign changes, it is
            taken to do so at the mean of the numbers in between.
    """
    within = np.zeros(len(gaps))
    for column, sign in ((old, 1), (new, -1)):
        if column.apart:
            within += sign * np.array(column.apart)[1:-1] / column.known
    changes = first * last < 0
    rest = np.clip(within / np.where(changes, last - first, 1.0), 0, gaps)
    stepped = np.abs(first) * (gaps - rest) + np.abs(last) * rest
    return np.where(changes, stepped, np.abs(first * gaps + within))


def _middles(shares: Floats) -> Floats:
    """Return the middle rank of each cell, 0 to 1."""
    return np.asarray(np.cumsum(shares) - shares / 2)


def _sizes(shares: Floats, rows: int, then: Floats, now: Floats) -> Floats:
    """Return squared distances of samples, after the reference was made a normal distribution.

    Args:
        shares: of the reference, of c cells in order.
        rows: of the reference.
        then, now: ... x c shares.
    """
    edge = 0.5 / max(rows, 2)
    places = special.ndtri(np.clip(_middles(shares), edge, 1 - edge))
    apart = np.abs(np.cumsum(then - now, axis=-1)[..., :-1])
    return np.asarray((apart @ np.diff(places)) ** 2)


def _grouped(ranks: Floats, count: int) -> npt.NDArray[np.intp]:
    """Return the group of each cell, of at most `count` with about as many rows each."""
    places = np.minimum((ranks * count).astype("int64"), count - 1)
    return np.unique(places, return_inverse=True)[1]


def _summed(shares: Floats, groups: npt.NDArray[np.intp]) -> Floats:
    """Return the share of each group of cells."""
    return np.bincount(groups, shares).astype("float64")
