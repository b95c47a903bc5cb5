"""Each group by itself: least squares, or ridge, from the sums of all groups at once.

Slopes b solve (M + a I) b = c, where M and c are the sums of products of deviations from the
group's means; see Hastie, Tibshirani and Friedman: The Elements of Statistical Learning, 3.2 and
3.4.1. Where M has no inverse and a is 0, b is the solution of least length, as of numpy's lstsq
for centred rows.
"""

from typing import Self

import numpy as np

from seedling.training.grouped.moments import Moments
from seedling.training.grouped.products import Floats
from seedling.training.grouped.solved import Solved
from seedling.training.grouped.standard import DEPENDENT, Sums, Units, sums, total


class LeastSquares(Solved):
    """The groups' own coefficients; a new group answers with the line of all rows."""

    alpha: float
    units: Units

    @classmethod
    def fit(cls, moments: Moments, units: Units, alpha: float) -> Self:
        """
        Args:
            moments: of all groups.
            units: the standard units.
            alpha: the penalty on squared slopes, in the features' own units; 0 for none.
        """
        self = cls(len(moments), len(units.scale) + 1)
        self.alpha, self.units, self.noise = alpha, units, np.ones(len(moments))
        squares = np.empty(len(moments))
        used = np.empty(len(moments))
        for some in sums(moments, units):
            slopes, _, shrinkage = self._slopes(some)
            b = _with_level(some, slopes)
            self.coefficients[some.part] = b
            squares[some.part] = some.residuals(b)
            used[some.part] = some.ranks()
            self.shrinkage[some.part] = shrinkage
        self._set_noise(moments.count - used, squares)
        self._set_prior(total(moments, units))
        return self

    def covariances(self, some: Sums) -> Floats:
        _, (by_noise, besides), _ = self._slopes(some)
        V = self.noise[some.part, None, None] * by_noise + besides
        mean = some.mean[:, :-1]
        found = np.empty((len(V), V.shape[1] + 1, V.shape[1] + 1))
        across = np.einsum("gij,gj->gi", V, mean)
        level = self.noise[some.part] / some.rows
        found[:, 0, 0] = level + np.einsum("gi,gi->g", mean, across)
        found[:, 0, 1:] = found[:, 1:, 0] = -across
        found[:, 1:, 1:] = V
        return found

    def _set_noise(self, freedom: Floats, squares: Floats) -> None:
        """Take a group's own noise where it has rows for it, else that of all such groups."""
        own = freedom > 0
        pooled = squares[own].sum() / freedom[own].sum() if own.any() else np.inf
        self.freedom = np.where(own, freedom, max(freedom[own].sum(), 1))
        self.noise = np.where(own, squares / np.maximum(freedom, 1), pooled)

    def _set_prior(self, whole: Sums) -> None:
        """Take the line of all rows, whose residuals hold the differences of the groups too."""
        line = type(self)(1, self.coefficients.shape[1])
        line.alpha, line.units = self.alpha, self.units
        slopes, _, _ = line._slopes(whole)
        line.coefficients = _with_level(whole, slopes)
        freedom = np.maximum(whole.rows - whole.ranks(), 1)
        line.noise = whole.residuals(line.coefficients) / freedom
        self.prior_mean, self.prior_covariance = line.coefficients[0], line.covariances(whole)[0]
        self.prior_noise, self.prior_freedom = float(line.noise[0]), float(freedom[0])
        self.noise = np.where(np.isinf(self.noise), self.prior_noise, self.noise)

    def _slopes(self, some: Sums) -> tuple[Floats, tuple[Floats, Floats], Floats]:
        """Return slopes g x p; their covariance, g x p x p, by noise and besides; and shrinkage."""
        M, c = some.deviations[:, :-1, :-1], some.deviations[:, :-1, -1]
        scale = self.units.divisors[:-1]
        if self.alpha > 0:
            inverse = np.linalg.inv(M + np.diag(self.alpha / scale**2))
            slopes = np.einsum("gij,gj->gi", inverse, c)
            kept = np.einsum("gij,gji->g", inverse, M) + 1
            return slopes, (inverse, np.zeros_like(inverse)), 1 - kept / (M.shape[1] + 1)
        spread = np.sqrt(np.diagonal(M, axis1=1, axis2=2))
        flat = some.constant | (spread == 0)
        spread = np.where(flat, 1, spread)
        correlations = np.where(flat[:, :, None] | flat[:, None, :], 0, M)
        correlations = correlations / spread[:, :, None] / spread[:, None, :]
        values, vectors = np.linalg.eigh(correlations)
        there = values > DEPENDENT
        inverses = np.where(there, 1 / np.where(there, values, 1), 0)
        scaled = vectors / spread[:, :, None]
        inverse = (scaled * inverses[:, None, :]) @ scaled.transpose(0, 2, 1)
        slopes = np.einsum("gij,gj->gi", inverse, c)
        loose = np.zeros_like(inverse)
        lacking = np.flatnonzero(~there.all(axis=1))
        if len(lacking):
            null = scaled[lacking] * ~there[lacking, None, :]
            own = null / scale[:, None]
            part = slopes[lacking] / scale
            part -= np.einsum("gij,gj->gi", own @ np.linalg.pinv(own), part)
            slopes[lacking] = part * scale
            loose[lacking] = null @ np.linalg.pinv(null)
        return slopes, (inverse, loose), np.zeros(len(c))


def _with_level(some: Sums, slopes: Floats) -> Floats:
    """Return coefficients g x q: the intercept, and the slopes."""
    level = some.mean[:, -1] - np.einsum("gi,gi->g", some.mean[:, :-1], slopes)
    return np.concatenate([level[:, None], slopes], axis=1)
