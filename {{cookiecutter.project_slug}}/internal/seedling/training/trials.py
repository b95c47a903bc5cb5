"""Fits of one model by other hyperparameters, all measured on the same folds."""

from collections.abc import Iterator, Mapping
from typing import Any

from seedling.config import Dataset
from seedling.data import split
from seedling.errors import ProjectError
from seedling.tasks import measuring
from seedling.training import cross_validation, first_rows
from seedling.training.cross_validation import Part, Plan, Predict
from seedling.training.fits import Fit, Fitting, Table


class Trials:
    """The folds of a table, and the way in which a team's train_model is called on them.

    It is called without X_test, as for the fit that is registered. One that hands over how long to
    train (see `Fitting.again`) is first called with X_test, as in training; one that cannot do
    without X_test gets a part of the rows that it is to learn from.
    """

    def __init__(self, fitting: Fitting, predict: Predict, table: Table, chosen: Plan) -> None:
        """
        Args:
            fitting: calls train_model with the hyperparameters of model.yaml, which is tried.
            predict: the team's, of (model, features).
            table: the rows that the gate does not hold out.
            chosen: the number of folds.

        Raises:
            ProjectError: train_model fails with those hyperparameters.
        """
        self._fitting, self._predict, self._table = fitting, predict, table
        self._folds = [
            (repeat, *places)
            for repeat in range(chosen.repeats)
            for places in split.folds(table.rows, table.dataset, chosen.folds, f"fold {repeat}")
        ]
        try:
            self._first = look(fitting, table)
        except Exception as error:  # the team's
            raise ProjectError(f"train_model fails: {type(error).__name__}: {error}.") from error
        self._hands_over = bool(fitting.hyperparameters.keys() & self._first.test_metrics.keys())
        self._needs_test_rows = False
        try:
            self._fit(fitting, self._first, self._folds[0][1])
        except Exception:  # the team's, which may not do without X_test
            self._needs_test_rows = True

    @property
    def folds(self) -> int:
        """Return the number of fits of one trial."""
        return len(self._folds)

    @property
    def _aims(self) -> bool:
        """Return True if the threshold is chosen on the answers, rather than a number or none."""
        return not isinstance(self._table.dataset.target.threshold, float | None)

    def values(self, hyperparameters: Mapping[str, Any]) -> Iterator[list[float]]:
        """Yield the metric on each fold so far, whenever one more is measured.

        Args:
            hyperparameters: train_model is called with them.

        Raises:
            Exception: train_model or predict do, or the metric cannot be computed on a fold.
        """
        fitting = self._fitting._replace(hyperparameters=hyperparameters)
        first = self._first
        if self._hands_over and not self._needs_test_rows:
            first = look(fitting, self._table)
        parts: list[Part] = []
        values: list[float] = []
        for repeat, learned, others in self._folds:
            model = self._fit(fitting, first, learned).model
            answer, ratio = self._predict(model, self._table.X.iloc[others]), 1.0
            truth, rows = self._table.y.iloc[others], self._table.rows.iloc[others]
            parts.append(Part(repeat, truth, answer, ratio, rows))
            try:
                values = self._measured(parts, values)
            except ProjectError:
                if len(parts) == len(self._folds) or not self._aims:
                    raise
            else:  # what a threshold is chosen for may be out of reach on the first folds only
                yield values

    def _fit(self, fitting: Fitting, first: Fit, learned: Any) -> Fit:
        rows, X, y, dataset = self._table
        X_learned, y_learned = X.iloc[learned], y.iloc[learned]
        if self._needs_test_rows:
            return look(fitting, Table(rows.iloc[learned], X_learned, y_learned, dataset))
        return fitting.again(X_learned, y_learned, first)

    def _measured(self, parts: list[Part], before: list[float]) -> list[float]:
        """Measure the last part; all of them where a threshold is chosen on all."""
        dataset = self._table.dataset
        if not self._aims:
            return [*before, _value(parts[-1], dataset)]
        decided, _ = cross_validation.with_threshold(
            dataset, *cross_validation.pooled(parts, dataset)
        )
        return [_value(part, decided) for part in parts]


def look(fitting: Fitting, table: Table) -> Fit:
    """Fit on a part of the rows with a look at the others, as the first fit of training does."""
    return fitting.first(*first_rows.of(table).parts(table))


def _value(part: Part, dataset: Dataset) -> float:
    answer = measuring.decided(part.answer, dataset)
    return float(measuring.measure(part.truth, answer, dataset, part.rows)[dataset.metric])
