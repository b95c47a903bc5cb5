"""`GroupedLinear`: a linear regression for each group, which borrows strength from the others."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from seedling.training.grouped.empirical_bayes import EmpiricalBayes
from seedling.training.grouped.fitted import DESCRIBED, Fitted
from seedling.training.grouped.keys import NEW, GroupsError, Keys, Numbers
from seedling.training.grouped.least_squares import LeastSquares
from seedling.training.grouped.moments import Moments, check_finite
from seedling.training.grouped.products import Floats
from seedling.training.grouped.standard import Units, sums

POOLINGS = ("empirical_bayes", "levels", "ridge", "none")
AT_ONCE = 1 << 16  # rows whose intervals are computed at a time
IN_CACHE = 1 << 13  # rows whose residuals are


class Answers(NamedTuple):
    """Of n rows: the prediction, its interval, and the flag of the row's group."""

    predictions: Floats
    low: Floats
    high: Floats
    flags: npt.NDArray[np.object_]


class Rows(NamedTuple):
    """Of n rows: regressors in standard units, n x q, and the places of group and parent."""

    regressors: Floats
    groups: npt.NDArray[np.int64]
    parents: npt.NDArray[np.int64]

    def part(self, part: slice) -> "Rows":
        return Rows(self.regressors[part], self.groups[part], self.parents[part])


class GroupedLinear(Fitted, RegressorMixin, BaseEstimator):
    """Fit a line for each group of rows; a group with little to tell leans on all others.

    `fit` and `partial_fit` keep sums of products of each group and forget the rows. The groups are
    solved when something is asked of them.

    A missing key is an error in rows to learn from; in rows to predict it is a group never seen.
    A group never seen has the prior's answer, and an interval as wide as groups differ.

    Args:
        groups: the columns of X, a DataFrame, that make a group; without any, all rows are one
            group, and X may be an array.
        pooling: `empirical_bayes` draws the groups' coefficients to a common mean, as far as they
            are alike and as little is known of a group (see `grouped.pooling`); `levels` to those
            of their parent, the groups with the same first column, and these to the mean;
            `ridge` draws slopes to 0; `none` is least squares for each group by itself.
        preprocessing: an unfitted transformer of the other columns; None where they are numbers.
            `partial_fit` fits it to the first batch.
        alpha: the penalty of `ridge` on slopes in the features' own units, as of `Ridge`.
        level: the share of new rows that an interval is to hold.
        max_iter: steps of EM, at most.
        tol: the relative change of the prior at which EM ends.
    """

    def __init__(
        self,
        groups: Sequence[str] = (),
        pooling: str = "empirical_bayes",
        preprocessing: Any = None,
        alpha: float = 1.0,
        level: float = 0.95,
        max_iter: int = 100,
        tol: float = 1e-3,
    ) -> None:
        self.groups, self.pooling, self.preprocessing = groups, pooling, preprocessing
        self.alpha, self.level, self.max_iter, self.tol = alpha, level, max_iter, tol

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from n rows; what was learned before is forgotten.

        Raises:
            GroupsError: a key is missing, or a value is not finite.
        """
        self.__dict__.pop("moments_", None)
        groups, values, y = self._learn(X, y)
        self.finish()
        squares = np.zeros(len(self.moments_))
        for first in range(0, len(y), IN_CACHE):
            part = slice(first, first + IN_CACHE)
            residuals = y[part] - self._predictions(self._standard(values[part], groups[part]))
            squares += np.bincount(groups[part], residuals**2, len(squares))
        self.rmse_ = np.sqrt(squares / self.moments_.count)
        return self

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Add n rows to what was learned; see `fit`."""
        self._learn(X, y)
        return self

    def sums_of(self, X: Any, y: Any) -> Moments:
        """Return the sums of n rows more, in the units of what was learned; none is learned.

        They may be added to this model elsewhere: on another machine, or at another time.
        """
        check_is_fitted(self, "moments_")
        if self._takes_frames:
            validate_data(self, X, reset=False, skip_check_array=True)
        keys, others = self._parts(X)
        return Moments.of(keys, self._numbers(others), y, self._names)

    def add_sums(self, moments: Moments) -> Self:
        """Add the rows of which `sums_of` has returned the sums to what was learned.

        Raises:
            GroupsError: they are of other features or groups.
        """
        check_is_fitted(self, "moments_")
        return self._take(self.moments_.merged(moments))

    def _learn(self, X: Any, y: Any) -> tuple[Numbers, Floats, Floats]:
        """Add n rows to what was learned; return their places among their groups, numbers and y."""
        first = not hasattr(self, "moments_")
        self._check_parameters()
        if self._takes_frames:
            validate_data(self, X, reset=first, skip_check_array=True)
            y = np.asarray(y, dtype=np.float64)
            check_consistent_length(X, y)
        else:
            X, y = validate_data(self, X, y, reset=first, y_numeric=True, ensure_all_finite=False)
        keys, others = self._parts(X)
        if self.preprocessing is None:
            self.preprocessing_ = None
        elif first:
            self.preprocessing_ = clone(self.preprocessing).fit(others, y)
        values, y = self._numbers(others), np.asarray(y, dtype=np.float64)
        check_finite(y[:, None], ["the target"])
        theirs, groups = Keys.of(keys)
        moments = Moments.of_numbered(theirs, groups, values, y, self._names)
        self._take(moments if first else self.moments_.merged(moments))
        return groups, values, y

    def fit_moments(self, moments: Moments) -> Self:
        """Learn from the sums of rows of numbers, as of `Moments.of_parquet`; X is a DataFrame.

        Raises:
            GroupsError: they are the sums of other groups.
        """
        self._check_parameters()
        if moments.keys.names != list(self.groups):
            names = [", ".join(each) or "nothing" for each in (moments.keys.names, self.groups)]
            raise GroupsError(f"These are sums by {names[0]}, and groups are made by {names[1]}.")
        if self.preprocessing is not None:
            raise GroupsError("Sums are of numbers as they are: leave `preprocessing` out.")
        self.preprocessing_ = None
        names = [*moments.keys.names, *moments.features]
        self.feature_names_in_ = np.array(names, dtype=object)
        self.n_features_in_ = len(names)
        return self._take(moments).finish()

    def finish(self) -> Self:
        check_is_fitted(self, "moments_")
        if self._solved is None:
            moments = self.moments_
            if not np.isfinite(moments.products).all():
                raise GroupsError("Values are so large that their squares overflow: divide them.")
            units = Units.of(moments)
            self._units, self._parents, parents = units, None, None
            if self.pooling == "levels" and len(self.groups) > 1:
                self._parents, parents = Keys.of(moments.keys.frame()[[*self.groups][:1]])
            if self.pooling in ("none", "ridge") or not self.groups:
                alpha = self.alpha if self.pooling == "ridge" else 0.0
                self._solved = LeastSquares.fit(moments, units, alpha)
            else:
                self._solved = EmpiricalBayes.fit(moments, units, parents, self.max_iter, self.tol)
            self._describe(self._solved)
        return self

    def predict(self, X: Any) -> Floats:
        """Return the predictions of n rows."""
        return self._predictions(self._rows(X))

    def predict_interval(self, X: Any) -> Answers:
        """Return predictions of n rows, their intervals and flags."""
        rows = self._rows(X)
        predictions = self._predictions(rows)
        half = np.empty(len(predictions))
        for first in range(0, len(half), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            half[part] = self._half_widths(rows.part(part))
        flags = np.where(rows.groups == NEW, "new", self.flags_[rows.groups]).astype(object)
        return Answers(predictions, predictions - half, predictions + half, flags)

    def _rows(self, X: Any) -> Rows:
        check_is_fitted(self, "moments_")
        self.finish()
        X = validate_data(
            self, X, reset=False, skip_check_array=self._takes_frames, ensure_all_finite=False
        )
        keys, others = self._parts(X)
        values = self._numbers(others)
        groups = self.moments_.keys.find(keys)
        parents = None
        if self._parents is not None:
            parents = self._parents.find(keys[self._parents.names])
        return self._standard(values, groups, parents)

    def _standard(self, values: Floats, groups: Any, parents: Any = None) -> Rows:
        regressors = np.ones((len(groups), values.shape[1] + 1))
        regressors[:, 1:] = self._units.standard(values)
        return Rows(regressors, groups, np.zeros_like(groups) if parents is None else parents)

    def _predictions(self, rows: Rows) -> Floats:
        new = rows.groups == NEW
        coefficients = self._solved.coefficients[rows.groups]
        coefficients[new] = self._solved.new_means()[rows.parents[new]]
        found = np.einsum("ni,ni->n", rows.regressors, coefficients)
        return self._units.target_centre + self._units.target_scale * found

    def _half_widths(self, rows: Rows) -> Floats:
        solved, new = self._solved, rows.groups == NEW
        groups, places = np.unique(rows.groups[~new], return_inverse=True)
        covariances = np.empty((len(new), *solved.prior_covariance.shape))
        if len(groups):
            (some,) = sums(self.moments_, self._units, groups)
            covariances[~new] = solved.covariances(some)[places]
        covariances[new] = solved.new_covariances()[rows.parents[new]]
        x = rows.regressors
        variance = np.einsum("ni,nij,nj->n", x, covariances, x, optimize=True)
        variance += np.where(new, solved.prior_noise, solved.noise[rows.groups])
        quantiles = np.where(new, self.prior_quantile_, self.quantiles_[rows.groups])
        return self._units.target_scale * quantiles * np.sqrt(variance.clip(min=0))

    def parents_(self) -> tuple[pd.DataFrame, Floats, Floats]:
        """Return what new groups answer with under `levels`, by parent, in the features' units.

        Returns:
            The keys of P parents, means P x q, and covariances P x q x q; no row without parents.
        """
        solved, J = self._finished(), self._jacobian()
        keys = pd.DataFrame() if self._parents is None else self._parents.frame()
        covariances = J @ solved.new_covariances()[: len(keys)] @ J.T
        return keys, self._in_own_units(solved.new_means()[: len(keys)]), covariances

    def _take(self, moments: Moments) -> Self:
        self.moments_, self._solved = moments, None
        for name in DESCRIBED:
            self.__dict__.pop(name, None)
        return self

    def _check_parameters(self) -> None:
        if self.pooling not in POOLINGS:
            raise GroupsError(f"pooling {self.pooling!r} is none of {', '.join(POOLINGS)}.")
        if isinstance(self.groups, str):
            raise GroupsError(f"groups is a list of columns: [{self.groups!r}].")
        if not 0 < self.level < 1:
            raise GroupsError(f"level {self.level} is not between 0 and 1.")
        if self.alpha < 0:
            raise GroupsError(f"alpha {self.alpha} is below 0.")

    @property
    def _takes_frames(self) -> bool:
        return bool(self.groups) or self.preprocessing is not None

    def _parts(self, X: Any) -> tuple[pd.DataFrame, Any]:
        """Return the columns of X that make a group, and the others."""
        if not self.groups:
            return pd.DataFrame(index=range(len(X))), X
        names = list(self.groups)
        if not isinstance(X, pd.DataFrame):
            raise GroupsError(f"X must be a DataFrame with the columns {', '.join(names)}.")
        for name in names:
            if name not in X.columns:
                raise GroupsError(f"X has no column {name}, which makes groups.")
        return X[names], X.drop(columns=names)

    def _numbers(self, others: Any) -> Any:
        """Return the columns beside the keys as finite numbers, n x p."""
        names = [str(name) for name in getattr(others, "columns", [])]
        if self.preprocessing_ is not None:
            others = self.preprocessing_.transform(others)
            others = others.toarray() if hasattr(others, "toarray") else others
            names = _names(self.preprocessing_)
        for name, kind in getattr(others, "dtypes", pd.Series()).items():
            if isinstance(kind, pd.CategoricalDtype) or pd.api.types.is_string_dtype(kind):
                raise GroupsError(f"{name} holds no numbers ({kind}): give `preprocessing`.")
        values = np.asarray(others, dtype=np.float64)
        self._names = names or [f"x{at}" for at in range(values.shape[1])]
        check_finite(values, self._names)
        return values


def _names(preprocessing: Any) -> list[str]:
    """Return the names of what a fitted transformer makes; none where it does not know them."""
    try:
        return [str(name) for name in preprocessing.get_feature_names_out()]
    except (AttributeError, ValueError):
        return []
