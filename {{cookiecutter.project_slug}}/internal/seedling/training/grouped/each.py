"""`GroupedEach`: any estimator for each group of rows, fitted in processes side by side."""

from collections.abc import Sequence
from itertools import chain
from math import ceil
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from seedling.training.grouped.keys import NEW, GroupsError, Keys
from seedling.training.grouped.linear import Answers

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class GroupedEach(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Fit a clone of `estimator` to the rows of each group, and one to all rows.

    That of all rows answers for groups that are new or have few rows. Groups are fitted by joblib:
    `with joblib.parallel_backend("dask"):` or `"ray"`, once their packages are there, fits them on
    a cluster instead of this machine's processes.

    An interval reaches as far to either side as the errors on rows that a fit did not see: those of
    the group's own rows, in folds drawn at random, and for the estimator of all rows those of whole
    groups that it did not see. Where tomorrow differs from the rows, it is wider than that.

    Args:
        estimator: an unfitted regressor, or a pipeline that ends with one.
        groups: the columns of X, a DataFrame, that make a group; the estimator does not see them.
        fallback: an unfitted regressor for all rows; `estimator` unless given.
        fewest: rows from which on a group has an estimator of its own.
        n_jobs: processes, as joblib counts them; -1 for one for each processor.
        folds: fits more that intervals take; 0 for no intervals.
        level: the share of new rows that an interval is to hold.
    """

    def __init__(
        self,
        estimator: Any,
        groups: Sequence[str],
        fallback: Any = None,
        fewest: int = 20,
        n_jobs: int | None = None,
        folds: int = 5,
        level: float = 0.95,
    ) -> None:
        self.estimator, self.groups, self.fallback = estimator, groups, fallback
        self.fewest, self.n_jobs, self.folds, self.level = fewest, n_jobs, folds, level

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from n rows.

        Raises:
            GroupsError: a key is missing, or the estimator cannot learn from a group.
        """
        keys, others = self._parts(X)
        y = np.asarray(y)
        check_consistent_length(X, y)
        if self.folds and (len(y) < 2 or self.folds < 2):
            raise GroupsError("Intervals need two rows and two folds at least; folds=0 is without.")
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = len(X.columns)
        self._keys, numbers = Keys.of(keys)
        shown = self._keys.frame()
        self.rows_ = np.bincount(numbers, minlength=len(self._keys))
        chosen = np.flatnonzero(self.rows_ >= self.fewest)
        order = np.argsort(numbers, kind="stable")
        ends = np.cumsum(self.rows_)
        self.fallback_ = clone(self.fallback or self.estimator).fit(others, y)
        jobs = []
        for some in np.array_split(chosen, min(len(chosen), 4 * effective_n_jobs(self.n_jobs))):
            rows = np.concatenate([order[ends[at] - self.rows_[at] : ends[at]] for at in some])
            its = others.iloc[rows]
            names = [_name(key) for _, key in shown.iloc[some].iterrows()]
            counts = self.rows_[some]
            jobs.append(delayed(_fitted)(self.estimator, its, y[rows], counts, names, self.folds))
        found = [*chain(*(Parallel(n_jobs=self.n_jobs)(jobs) if jobs else []))]
        self.estimators_ = {
            at: model for at, (model, _) in zip(chosen.tolist(), found, strict=True)
        }
        if self.folds:
            besides = _errors(self.fallback_, others, y, self.folds, numbers)
            self._set_halves(chosen, [each for _, each in found], besides)
        return self

    def _set_halves(self, chosen: Places, errors: list[Floats], besides: Floats) -> None:
        """Set how far intervals reach.

        Args:
            chosen: the places of the groups with an estimator of their own.
            errors: of each of these, on rows that its fit did not see.
            besides: of the estimator of all rows, on groups that its fit did not see.
        """
        self.prior_half_ = _half(besides, self.level, float(besides.max()))
        self.halves_ = np.full(len(self._keys), self.prior_half_)
        if errors:
            of_all = _half(np.concatenate(errors), self.level, self.prior_half_)
            self.halves_[chosen] = [_half(own, self.level, of_all) for own in errors]

    @property
    def keys_(self) -> pd.DataFrame:
        """Return the keys of the groups, sorted, a row each."""
        check_is_fitted(self, "estimators_")
        return self._keys.frame()

    def predict(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the predictions of n rows."""
        check_is_fitted(self, "estimators_")
        keys, others = self._parts(X)
        others = others[[name for name in self.feature_names_in_ if name not in self.groups]]
        numbers = self._keys.find(keys)
        answering = np.where(np.isin(numbers, list(self.estimators_)), numbers, NEW)
        found = np.empty(len(X))
        for number, rows in pd.Series(answering).groupby(answering).indices.items():
            model = self.estimators_.get(int(number), self.fallback_)
            found[rows] = model.predict(others.iloc[rows])
        return found

    def predict_interval(self, X: pd.DataFrame) -> Answers:
        """Return predictions of n rows, their intervals and flags.

        Raises:
            GroupsError: it was fitted without folds.
        """
        if not self.folds:
            raise GroupsError("Intervals need folds, which are 0: fit it with folds=5.")
        predictions = self.predict(X)
        numbers = self._keys.find(self._parts(X)[0])
        half = np.where(numbers == NEW, self.prior_half_, self.halves_[numbers])
        return Answers(predictions, predictions - half, predictions + half, self.flags(X))

    def flags(self, X: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return for each row `new`, `few rows`, or nothing where the group's own model answers."""
        check_is_fitted(self, "estimators_")
        numbers = self._keys.find(self._parts(X)[0])
        few = np.where(self.rows_[numbers] < self.fewest, "few rows", "")
        return np.where(numbers == NEW, "new", few).astype(object)

    def _parts(self, X: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the columns of X that make a group, and the others."""
        names = list(self.groups)
        if isinstance(self.groups, str) or not names:
            raise GroupsError("groups is a list of at least one column.")
        if not isinstance(X, pd.DataFrame) or not {*names} <= {*X.columns}:
            raise GroupsError(f"X must be a DataFrame with the columns {', '.join(names)}.")
        return X[names], X.drop(columns=names)


def _fitted(
    estimator: Any, X: pd.DataFrame, y: Any, counts: Places, names: list[str], folds: int
) -> list[tuple[Any, Floats]]:
    """Return an estimator for each of the stretches of rows, and its errors on rows left out.

    Args:
        estimator: unfitted.
        X: the rows of the groups, one group after the other.
        y: their target.
        counts: the rows of each.
        names: of the groups, for a message.
        folds: for the errors; 0 for none.
    """
    found, first = [], 0
    for count, name in zip(counts, names, strict=True):
        part = slice(first, first + count)
        try:
            model = clone(estimator).fit(X.iloc[part], y[part])
            found.append((model, _errors(model, X.iloc[part], y[part], folds)))
        except ValueError as error:
            reason = str(error).strip().splitlines()[0]
            raise GroupsError(f"{name}: {type(estimator).__name__} says: {reason}") from None
        first += count
    return found


def _errors(
    model: Any, X: pd.DataFrame, y: Any, folds: int, groups: Places | None = None
) -> Floats:
    """Return the absolute errors on rows that clones of a model did not see; none for one row.

    With more than one of `groups`, the number of each row's, whole groups are left out.
    """
    if not folds or len(y) < 2:
        return np.empty(0)
    units = len(y) if groups is None else len(np.unique(groups))
    by_group = groups is not None and units > 1
    count = min(folds, units if by_group else len(y))
    cut = GroupKFold(count) if by_group else KFold(count, shuffle=True, random_state=0)
    left_out = cross_val_predict(clone(model), X, y, groups=groups if by_group else None, cv=cut)
    found: Floats = np.abs(y - left_out)
    return found


def _half(errors: Floats, level: float, otherwise: float) -> float:
    """Return what a share `level` of new errors does not exceed, or another where too few tell."""
    rank = ceil((len(errors) + 1) * level)
    return otherwise if rank > len(errors) else float(np.partition(errors, rank - 1)[rank - 1])


def _name(key: pd.Series) -> str:
    return ", ".join(f"{column} {value}" for column, value in key.items())
