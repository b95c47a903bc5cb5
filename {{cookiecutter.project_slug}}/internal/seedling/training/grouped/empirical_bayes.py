"""All groups' coefficients under a prior that is fitted to their sums; the model is in pooling."""

from typing import Any, Self

import numpy as np

from seedling.training.grouped import pooling
from seedling.training.grouped.moments import Moments
from seedling.training.grouped.pooling import Above, Evidence, Prior
from seedling.training.grouped.products import Floats
from seedling.training.grouped.solved import Solved
from seedling.training.grouped.standard import Sums, Units, sums

MOST_FITTED = 4_000  # groups that the prior is fitted to; more would not move it
ROUNDS = 3  # of coefficients and noise in turn, under the prior as fitted


class EmpiricalBayes(Solved):
    """
    Attributes:
        prior: as fitted.
        parents: the place of each group's parent, G, or None.
        above: what stands above the groups.
    """

    prior: Prior
    parents: Any
    above: Above

    @classmethod
    def fit(cls, moments: Moments, units: Units, parents: Any, most: int, tolerance: float) -> Self:
        """Fit the prior to the groups, or 4,000 drawn of them, then each group under it.

        Args:
            moments: of all groups.
            units: the standard units.
            parents: the place of each group's parent, or None.
            most: steps of EM.
            tolerance: of the relative change that ends it.
        """
        self = cls(len(moments), len(units.scale) + 1)
        self.parents = parents
        chosen = np.arange(len(moments))
        if len(chosen) > MOST_FITTED:
            drawn = np.random.default_rng(0).choice(len(chosen), MOST_FITTED, replace=False)
            chosen = np.sort(drawn)
        theirs = None if parents is None else np.unique(parents[chosen], return_inverse=True)[1]
        (some,) = sums(moments, units, chosen)
        self.prior, self.steps = pooling.fit_prior(some, theirs, most, tolerance)
        self.noise = np.full(len(moments), self.prior.noise)
        self._set_above(*self._parent_sums(moments, units))
        for _ in range(ROUNDS):
            self._set_above(*self._round(moments, units))
        self.freedom = self.prior.freedom + moments.count
        self.prior_noise, self.prior_freedom = self.prior.noise, self.prior.freedom
        return self

    def covariances(self, some: Sums) -> Floats:
        evidence, _ = self._evidence(some)
        return pooling.symmetric(evidence.V + evidence.of_mean(self._above(some).covariance))

    def new_means(self) -> Floats:
        if self.parents is None:
            return self.prior_mean[None]
        return np.vstack([self.above.mean, self.prior_mean])

    def new_covariances(self) -> Floats:
        if self.parents is None:
            return self.prior_covariance[None]
        theirs = self.prior.covariance + self.above.covariance
        return np.concatenate([theirs, self.prior_covariance[None]])

    def _parent_sums(self, moments: Moments, units: Units) -> tuple[Floats, Floats]:
        """Return W and w, summed over the groups of each parent."""
        W, w = self._nothing()
        for some in sums(moments, units):
            self._add(W, w, some, self._evidence(some)[0])
        return W, w

    def _round(self, moments: Moments, units: Units) -> tuple[Floats, Floats]:
        """Set the groups' coefficients, then their noise; return W and w as of before."""
        W, w = self._nothing()
        noise = np.empty_like(self.noise)
        for some in sums(moments, units):
            evidence, r = self._evidence(some)
            self._add(W, w, some, evidence)
            above = self._above(some)
            b = evidence.coefficients(above.mean, r)
            V = evidence.V + evidence.of_mean(above.covariance)
            squares = pooling.expected_squares(some, b, V)
            noise[some.part] = 1 / pooling.precision(self.prior, some.rows, squares)
            self.coefficients[some.part] = b
            active = np.count_nonzero(np.diagonal(self.prior_covariance) > 0)
            kept = np.trace(evidence.A, axis1=1, axis2=2) - (evidence.A.shape[1] - active)
            self.shrinkage[some.part] = (kept / max(active, 1)).clip(0, 1)
        self.noise = noise
        return W, w

    def _nothing(self) -> tuple[Floats, Floats]:
        count = 1 if self.parents is None else int(self.parents.max()) + 1
        width = self.coefficients.shape[1]
        return np.zeros((count, width, width)), np.zeros((count, width))

    def _add(self, W: Floats, w: Floats, some: Sums, evidence: Evidence) -> None:
        if self.parents is None:
            W[0] += evidence.W.sum(axis=0)
            w[0] += evidence.w.sum(axis=0)
        else:
            np.add.at(W, self.parents[some.part], evidence.W)
            np.add.at(w, self.parents[some.part], evidence.w)

    def _set_above(self, W: Floats, w: Floats) -> None:
        prior = self.prior
        if self.parents is None:
            self.above = pooling.mean_of(W[0], w[0])
            top = self.above
            self.prior_covariance = prior.covariance + top.covariance
        else:
            evidence = Evidence.of(W, w, prior.above)
            top = pooling.mean_of(evidence.W.sum(axis=0), evidence.w.sum(axis=0))
            means = evidence.coefficients(top.mean, w)
            self.above = Above(means, evidence.V + evidence.of_mean(top.covariance))
            self.prior_covariance = prior.covariance + prior.above + top.covariance
        self.prior_mean = top.mean

    def _evidence(self, some: Sums) -> tuple[Evidence, Floats]:
        tau = 1 / self.noise[some.part]
        r = some.cross * tau[:, None]
        return Evidence.of(some.gram * tau[:, None, None], r, self.prior.covariance), r

    def _above(self, some: Sums) -> Above:
        return self.above.of(None if self.parents is None else self.parents[some.part])
