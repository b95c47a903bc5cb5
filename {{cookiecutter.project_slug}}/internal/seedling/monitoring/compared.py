"""The comparison of one column's values in two profiles, whatever its kind."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Floats = npt.NDArray[np.float64]

FEWEST = 5  # rows that are to be expected in a cell of a table, for chi-squared to hold


@dataclass
class Compared:
    """The comparison of two columns' values; a statistic that a kind lacks is None.

    Attributes:
        ks: the Kolmogorov-Smirnov statistic at the edges; `ks_bound` is how much it may lack.
        wasserstein: in the reference's standard deviations.
        chi2: the statistic of homogeneity, cells with few rows being one.
        js: the Jensen-Shannon distance, of base 2: 0 to 1.
        psi: the population stability index.
        tests: p-values by name, each valid for itself.
        size: the squared size of the difference, in standard deviations, noise included.
        noise: the mean and the quantile of `size` for two samples of the reference.
        new_share: of the window's cells, those with texts that the reference has not.
        new_values: the most frequent of those texts.
    """

    tests: dict[str, float]
    size: float
    noise: tuple[float, float]
    ks: float | None = None
    ks_bound: float | None = None
    wasserstein: float | None = None
    chi2: float | None = None
    js: float | None = None
    psi: float | None = None
    new_share: float = 0.0
    new_values: list[str] = field(default_factory=list)

    @property
    def p(self) -> float:
        """Return the p-value of all tests together (Bonferroni's)."""
        return min(1.0, len(self.tests) * min(self.tests.values()))

    @property
    def effect(self) -> float:
        """Return the size without what noise alone makes of it."""
        return float(np.sqrt(max(0.0, self.size - self.noise[0])))

    @property
    def floor(self) -> float:
        """Return the effect that noise alone stays below, mostly."""
        return float(np.sqrt(max(0.0, self.noise[1] - self.noise[0])))


def divergence(old: Floats, new: Floats) -> Floats:
    """Return the Jensen-Shannon divergence of shares in nats, over the last axis."""
    middle = (old + new) / 2
    terms = special.rel_entr(old, middle) + special.rel_entr(new, middle)
    return np.asarray(terms.sum(axis=-1) / 2)


def squared_size(old: Floats, new: Floats) -> Floats:
    """Return the squared shift, in standard deviations, of a normal distribution whose divergence
    is as large.

    For close shares it is Cohen's w, squared.
    """
    return np.asarray(8 * divergence(old, new))


def sizes_of_cells(shares: Floats, rows: int, then: Floats, now: Floats) -> Floats:
    """Return `squared_size` of samples in the form that `noise` takes."""
    return squared_size(then, now)


def stability_index(old: Floats, new: Floats) -> float:
    """Return the population stability index of shares; an empty cell counts as 0.0001."""
    one, other = np.maximum(old, 1e-4), np.maximum(new, 1e-4)
    return float(((other - one) * np.log(other / one)).sum())


def homogeneity(old: Floats, new: Floats) -> tuple[float, float]:
    """Test whether two rows of counts are of the same shares.

    The p-value is the larger one of Pearson's statistic, which is wrong about a rare text that
    becomes frequent, and of the likelihood ratio, which is about one that vanishes.

    Returns:
        Pearson's statistic, and the p-value.
    """
    table = np.stack([old, new])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    pearson = float(((table - expected) ** 2 / expected).sum())
    ratio = float(2 * special.rel_entr(table, expected).sum())
    freedom = table.shape[1] - 1
    return pearson, float(special.chdtrc(freedom, min(pearson, ratio))) if freedom else 1.0


def two_shares(old: int, of_old: int, new: int, of_new: int) -> float:
    """Return the p-value of two shares being the same: exact where few rows are expected."""
    marked, total = old + new, of_old + of_new
    if min(marked, total - marked) * min(of_old, of_new) >= FEWEST * total:
        counts = np.array([[old, of_old - old], [new, of_new - new]], dtype="float64")
        return homogeneity(counts[0], counts[1])[1]
    if total - marked < marked:
        marked, new = total - marked, of_new - new
    drawn = stats.hypergeom(total, of_new, marked)
    return min(1.0, 2 * min(float(drawn.cdf(new)), float(drawn.sf(new - 1))))
