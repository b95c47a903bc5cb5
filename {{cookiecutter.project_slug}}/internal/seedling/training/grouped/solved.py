"""Results of solving the groups, in standard units, whatever the way of pooling."""

import numpy as np

from seedling.training.grouped.products import Floats
from seedling.training.grouped.standard import Sums


class Solved:
    """Coefficients of G groups, and of a group that is not known; q regressors, the level first.

    The answer for a row with regressors x is x'b, and its interval that plus and minus the
    quantile of a t distribution, of `freedom`, times the root of x'Vx + `noise`.

    Attributes:
        coefficients: G x q.
        noise: variance of a row around its group's line, G.
        freedom: degrees of freedom of that variance, G.
        shrinkage: 0 where a group has its own coefficients, 1 where it has the prior's, G.
        prior_mean, prior_covariance, prior_noise, prior_freedom: of a group that is not known.
        steps: of EM.
    """

    coefficients: Floats
    shrinkage: Floats
    prior_mean: Floats
    prior_covariance: Floats
    prior_noise: float
    prior_freedom: float
    freedom: Floats
    noise: Floats
    steps = 1

    def __init__(self, groups: int, width: int) -> None:
        self.coefficients = np.zeros((groups, width))
        self.shrinkage = np.zeros(groups)

    def covariances(self, some: Sums) -> Floats:
        """Return V of some groups, g x q x q."""
        raise NotImplementedError

    def new_means(self) -> Floats:
        """Return the mean of a group that is not known, under each parent and under none."""
        return self.prior_mean[None]

    def new_covariances(self) -> Floats:
        """Return the covariance of its coefficients, in the order of `new_means`."""
        return self.prior_covariance[None]
