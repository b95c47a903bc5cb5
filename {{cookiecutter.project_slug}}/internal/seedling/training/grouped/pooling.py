"""Pooling of groups, which borrow strength: a common normal, fitted to the groups' sums.

The model of g = 1 ... G groups, in standard units, with regressors Z_g and precision 1 / s_g of the
noise, is that of Laird and Ware (Random-effects models for longitudinal data, 1982):

    y_g = Z_g b_g + noise,  noise ~ N(0, s_g),  b_g ~ N(m, T)

With P_g = Z_g'Z_g / s_g and r_g = Z_g'y_g / s_g, all that a group tells of m is in

    A_g = (I + T P_g)^-1,  V_g = A_g T,  W_g = P_g A_g,  w_g = A_g' r_g:

V_g is the covariance of b_g where m is known, W_g the information on m. One inverse serves all,
and neither T nor P_g need have one. Then

    C = (sum of W_g)^-1,  m = C (sum of w_g)                    mean and its covariance
    b_g = A_g m + V_g r_g,  with covariance V_g + A_g C A_g'    the group's coefficients
    T = mean of V_g + (b_g - m)(b_g - m)' + B_g C B_g',  B_g = I - A_g

is a step of EM for restricted maximum likelihood (Dempster, Rubin and Tsutakawa: Estimation in
covariance components models, 1981). A parent level, b_g ~ N(c_parent, T), c_parent ~ N(m, U), is
the same again: parents take W and w, summed over their groups, for P and r.

Few groups tell little of T: it counts (q + 1, or G / 20 if that is less) groups more that do not
differ (without parents), as the mode under an inverse Wishart prior without scale does, and what
lies beside its diagonal is believed by G / (G + q).

The noise of a group is its own, drawn to a common one: 1 / s_g ~ Gamma(d/2, d s0 / 2), as of
variances in Smyth (Linear models and empirical Bayes methods, 2004); its expectation is
(d + n_g) / (d s0 + expected squared residuals of the group).
"""

from typing import Any, NamedTuple

import numpy as np

from seedling.training.grouped.products import Floats
from seedling.training.grouped.standard import Sums

LEAST_NOISE = 1e-10  # variance, in units of the target's; an exact line has none
MOST_ALIKE = 1e6  # degrees of freedom of the common noise, at which a group's own has no say


class Prior(NamedTuple):
    """The prior: what is known of a group before its rows are.

    Attributes:
        mean: of coefficients, q; with parents that of the parents.
        covariance: of a group's coefficients around its parent's, or the mean, q x q: T.
        above: of parents around the mean, q x q: U; 0 without parents.
        noise: the common variance, s0.
        freedom: the weight of the common variance, in rows, d.
    """

    mean: Floats
    covariance: Floats
    above: Floats
    noise: float
    freedom: float


class Evidence(NamedTuple):
    """Evidence of g groups on the mean of their coefficients; see the module."""

    A: Floats
    V: Floats
    W: Floats
    w: Floats

    @classmethod
    def of(cls, P: Floats, r: Floats, T: Floats) -> "Evidence":
        A = np.linalg.inv(np.eye(len(T)) + T @ P)
        return cls(A, A @ T, P @ A, np.einsum("gji,gj->gi", A, r))

    def coefficients(self, mean: Floats, r: Floats) -> Floats:
        """Return those of each group, g x q, for a mean of q, or g x q."""
        return _times(self.A, np.broadcast_to(mean, r.shape)) + _times(self.V, r)

    def of_mean(self, C: Floats) -> Floats:
        """Return the covariance of coefficients that is due to the mean's, C, g x q x q."""
        return self.A @ C @ self.A.transpose(0, 2, 1)

    def spread(self, b: Floats, mean: Floats, C: Floats) -> Floats:
        """Return the expected products of the deviations from the mean, summed, q x q."""
        B = np.eye(C.shape[-1]) - self.A
        apart = b - mean
        return (self.V + B @ C @ B.transpose(0, 2, 1)).sum(axis=0) + apart.T @ apart


class Above(NamedTuple):
    """The level above the groups: the mean, or the coefficients of their parents.

    Attributes:
        mean: q, or parents x q.
        covariance: q x q, or parents x q x q: how well that mean is known.
    """

    mean: Floats
    covariance: Floats

    def of(self, parents: Any) -> "Above":
        """Return the mean and its covariance for each group; `parents` are their places."""
        if parents is None:
            return self
        return Above(self.mean[parents], self.covariance[parents])


def mean_of(W: Floats, w: Floats) -> Above:
    """Return the mean, and its covariance, of the evidence on it, summed over groups."""
    C = np.linalg.pinv(symmetric(W), rcond=1e-12, hermitian=True)
    return Above(C @ w, C)


def precision(prior: Prior, count: Floats, squares: Floats) -> Floats:
    """Return the expected 1 / s_g of groups, g."""
    return (prior.freedom + count) / (prior.freedom * prior.noise + squares)


def group_sums(values: Floats, parents: Any, count: int) -> Floats:
    """Return the sums over the groups of each parent."""
    found = np.zeros((count, *values.shape[1:]))
    np.add.at(found, parents, values)
    return found


def expected_squares(sums: Sums, b: Floats, covariance: Floats) -> Floats:
    """Return the expected squared residuals of groups, g."""
    return sums.residuals(b) + np.einsum("gij,gji->g", sums.gram, covariance)


def fit_prior(sums: Sums, parents: Any, most: int, tolerance: float) -> tuple[Prior, int]:
    """Fit the prior to groups by EM.

    Args:
        sums: of the groups.
        parents: the place of each group's parent, or None.
        most: steps.
        tolerance: of the change of the prior's covariance and noise, relative, that ends it.

    Returns:
        The prior, and the number of steps.
    """
    width = sums.gram.shape[1]
    start = np.eye(width) * (np.diagonal(sums.gram.sum(axis=0)) > 0)
    above = start * (0.0 if parents is None else 0.25)
    prior = Prior(np.zeros(width), 0.25 * start, above, 0.5, 4.0)
    squares = 0.5 * sums.rows
    for step in range(1, most + 1):
        earlier = prior
        prior, squares = _step(sums, parents, prior, squares)
        if _change(earlier, prior) < tolerance:
            return prior, step
    return prior, most


def _step(sums: Sums, parents: Any, prior: Prior, squares: Floats) -> tuple[Prior, Floats]:
    """Return the prior after a step of EM, and the expected squared residuals of the groups."""
    tau = precision(prior, sums.rows, squares)
    P, r = sums.gram * tau[:, None, None], sums.cross * tau[:, None]
    evidence = Evidence.of(P, r, prior.covariance)
    upper = prior.above
    if parents is None:
        top = mean_of(evidence.W.sum(axis=0), evidence.w.sum(axis=0))
        above = top
    else:
        count = int(parents.max()) + 1
        W, w = group_sums(evidence.W, parents, count), group_sums(evidence.w, parents, count)
        theirs = Evidence.of(W, w, prior.above)
        top = mean_of(theirs.W.sum(axis=0), theirs.w.sum(axis=0))
        means = theirs.coefficients(top.mean, w)
        above = Above(means, theirs.V + theirs.of_mean(top.covariance))
        upper = _believed(theirs.spread(means, top.mean, top.covariance), count, 0)
    its = above.of(parents)
    b = evidence.coefficients(its.mean, r)
    alike = min(len(prior.mean) + 1, len(b) // 20) if parents is None else 0
    covariance = _believed(evidence.spread(b, its.mean, its.covariance), len(b), alike)
    squares = expected_squares(sums, b, evidence.V + evidence.of_mean(its.covariance))
    noise, freedom = _noise(prior, sums.rows, squares)
    return Prior(top.mean, covariance, upper, noise, freedom), squares


def _believed(spread: Floats, groups: int, alike: int) -> Floats:
    """Return the covariance of so many groups; smaller, and more of a diagonal, if they are few."""
    width = len(spread)
    covariance = symmetric(spread) / (groups + alike)
    share = groups / (groups + width)
    return share * covariance + (1 - share) * np.diag(np.diagonal(covariance))


def _noise(prior: Prior, count: Floats, squares: Floats) -> tuple[float, float]:
    """Return the common noise and its weight that fit the groups' own best."""
    from scipy.special import digamma

    shape = (prior.freedom + count) / 2
    rate = (prior.freedom * prior.noise + squares) / 2
    mean = (shape / rate).mean()
    excess = np.log(mean) - (digamma(shape) - np.log(rate)).mean()
    noise = max(1 / mean, LEAST_NOISE)
    # log(k) - digamma(k) = excess has one solution; the start is Minka's, for gamma variables.
    k = (3 - excess + np.sqrt((excess - 3) ** 2 + 24 * excess)) / (12 * excess)
    return noise, float(np.clip(2 * k, 1e-3, MOST_ALIKE))


def _change(earlier: Prior, later: Prior) -> float:
    """Return the largest change, relative to the largest entry."""
    pairs = [(earlier.covariance, later.covariance), (earlier.above, later.above)]
    changes = [np.abs(a - b).max() / max(np.abs(b).max(), 1e-12) for a, b in pairs]
    return float(max([*changes, abs(earlier.noise / later.noise - 1)]))


def symmetric(values: Floats) -> Floats:
    return (values + values.swapaxes(-1, -2)) / 2


def _times(matrices: Floats, vectors: Floats) -> Floats:
    return np.einsum("gij,gj->gi", matrices, vectors)
