"""Attributes of a fitted `GroupedLinear`, in the units of the preprocessed columns."""

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.utils.validation import check_is_fitted

from seedling.training.grouped.moments import Moments
from seedling.training.grouped.products import Floats
from seedling.training.grouped.solved import Solved
from seedling.training.grouped.standard import Units, sums, total

DESCRIBED = ("rank_", "rmse_", "flags_", "quantiles_", "prior_quantile_", "n_iter_")


class Fitted:
    """The attributes of G groups with p features, q = p + 1 coefficients, the intercept first.

    The interval for a new row with regressors x = (1, features) of group g is x'b plus and minus
    `quantiles_[g] * sqrt(x' covariances_[g] x + sigma2_[g])`, and that of a new group the same
    with `prior_mean_`, `prior_covariance_`, `prior_sigma2_` and `prior_quantile_`.

    Attributes:
        rank_: of each group's regressors, G.
        rmse_: of each group on the rows that it has learned from, G.
        flags_: of each group, G: `few rows` (no more than coefficients), `constant` (a feature
            that varies elsewhere), `collinear` (features that are not elsewhere), or nothing.
        quantiles_: of t, G; and prior_quantile_.
        n_iter_: steps of EM.
    """

    moments_: Moments
    level: float
    _solved: Any
    _units: Units

    def finish(self) -> Self:
        """Solve the groups, unless that is done; return the estimator."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        """Solve the groups when one of these is asked for before."""
        if name in DESCRIBED and "moments_" in self.__dict__:
            self.finish()
            return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__} has no {name}; is it fitted?")

    @property
    def keys_(self) -> pd.DataFrame:
        """Return the keys of the groups, sorted, a row each."""
        check_is_fitted(self, "moments_")
        return self.moments_.keys.frame()

    @property
    def coef_(self) -> Floats:
        """Return the groups' coefficients of the features, G x p."""
        return self._in_own_units(self._finished().coefficients)[:, 1:]

    @property
    def intercept_(self) -> Floats:
        """Return the groups' intercepts, G."""
        return self._in_own_units(self._finished().coefficients)[:, 0]

    @property
    def covariances_(self) -> Floats:
        """Return the covariances of the groups' coefficients, G x q x q, computed each time."""
        solved, J = self._finished(), self._jacobian()
        found = np.empty((len(self.moments_), len(J), len(J)))
        for some in sums(self.moments_, self._units):
            found[some.part] = J @ solved.covariances(some) @ J.T
        return found

    @property
    def sigma2_(self) -> Floats:
        """Return the variance of a row around its group's line, G."""
        return self._finished().noise * self._units.target_scale**2

    @property
    def shrinkage_(self) -> Floats:
        """Return 0 for a group with coefficients of its own, 1 for one with the prior's, G."""
        return self._finished().shrinkage

    @property
    def prior_mean_(self) -> Floats:
        """Return the coefficients of a group that is not known, q."""
        return self._in_own_units(self._finished().prior_mean[None])[0]

    @property
    def prior_covariance_(self) -> Floats:
        """Return the covariance of the coefficients of groups around that mean, q x q."""
        J = self._jacobian()
        return J @ self._finished().prior_covariance @ J.T

    @property
    def prior_sigma2_(self) -> float:
        """Return the variance of a row around the line of a group that is not known."""
        return self._finished().prior_noise * self._units.target_scale**2

    def table_(self) -> pd.DataFrame:
        """Return a row for each group: key, rows, quality, coefficients and standard errors."""
        solved = self._finished()
        names = ["intercept", *self.moments_.features]
        variances = np.diagonal(self.covariances_, axis1=1, axis2=2)
        found = self.keys_.assign(
            rows=self.moments_.count.astype(np.int64),
            rank=self.rank_,
            shrinkage=solved.shrinkage,
            rmse=self.rmse_,
            flag=self.flags_,
        )
        coefficients = pd.DataFrame(self._in_own_units(solved.coefficients), columns=names)
        errors = pd.DataFrame(
            np.sqrt(variances.clip(min=0)), columns=[f"se_{name}" for name in names]
        )
        return pd.concat([found, coefficients, errors], axis=1)

    def _describe(self, solved: Solved) -> None:
        """Set rank, error, flag and quantile of each group."""
        groups = len(self.moments_)
        full = total(self.moments_, self._units).ranks()[0]
        self.rank_, self.rmse_ = np.empty(groups, dtype=np.int64), np.empty(groups)
        constant = np.empty(groups, dtype=bool)
        for some in sums(self.moments_, self._units):
            self.rank_[some.part] = some.ranks()
            constant[some.part] = some.constant.any(axis=1)
            squares = some.residuals(solved.coefficients[some.part])
            self.rmse_[some.part] = np.sqrt(squares / some.rows) * self._units.target_scale
        kinds = [self.moments_.count <= full, self.rank_ == full, constant]
        self.flags_ = np.select(kinds, ["few rows", "", "constant"], "collinear").astype(object)
        tail = (1 + self.level) / 2
        self.quantiles_ = stats.t.ppf(tail, solved.freedom)
        self.prior_quantile_ = float(stats.t.ppf(tail, solved.prior_freedom))
        self.n_iter_ = solved.steps

    def _finished(self) -> Any:
        return self.finish()._solved

    def _in_own_units(self, coefficients: Floats) -> Floats:
        found = coefficients @ self._jacobian().T
        found[:, 0] += self._units.target_centre
        return found

    def _jacobian(self) -> Floats:
        """Return the matrix from coefficients in standard units to those in own units, q x q."""
        units = self._units
        slopes = units.active / units.divisors[:-1]
        found = np.diag(np.append(1.0, slopes))
        found[0, 1:] = -units.centre * slopes
        return units.target_scale * found
