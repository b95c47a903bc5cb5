"""Targets, metrics, baseline and plots of regression."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn import metrics as sk
from sklearn.tree import DecisionTreeRegressor

from seedling import columns
from seedling.errors import ProjectError
from seedling.tasks import measuring
from seedling.tasks.evidence import Estimated, Interval
from seedling.tasks.intervals import Numbers
from seedling.tasks.protocol import Answer
from seedling.tasks.regression import exact, residuals
from seedling.tasks.regression.exact import errors_of
from seedling.tasks.training_protocol import LeakProbe, TaskTraining
from seedling.tasks.values import integral, is_number

if TYPE_CHECKING:
    from seedling.config import Dataset, Target

MOST_STRATA, FEWEST_IN_STRATUM = 10, 10
# The metrics of Azure's AutoML that are nearest to ours.
AUTOML = {"mae": "normalized_mean_absolute_error", "r2": "r2_score"}


class RegressionTraining(TaskTraining):
    def suits(self, values: pd.Series) -> bool:
        return is_number(values)

    def propose_target(self, values: pd.Series, name: str) -> dict[str, Any]:
        if not is_number(values):
            raise ProjectError(f"The target {name} has text, and a regression predicts numbers")
        return {"name": name, "type": "integer" if integral(values) else "number"}

    def values(self, rows: pd.DataFrame, target: "Target") -> pd.Series:
        return rows[target.name].astype("float64")

    def check(self, target: "Target") -> tuple[Callable[[pd.Series], pd.Series], str]:
        (check,) = columns.read({"name": target.name, "type": target.type}).checks()
        return check

    def strata(self, values: pd.Series) -> pd.Series:
        """Return the tenth of the values that each is in; fewer parts where there are few."""
        parts = min(MOST_STRATA, max(1, len(values) // FEWEST_IN_STRATUM))
        ranks = values.rank(method="first", pct=True)
        return np.ceil(ranks * parts)

    def leak_probe(self, values: pd.Series) -> LeakProbe:
        return LeakProbe(values.astype("float64"), DecisionTreeRegressor, 0.0, "with R² {:.4f}")

    def made_up(self, ranks: pd.Series, target: "Target") -> Sequence[Any]:
        return (ranks * 100).round(0) if target.type == "integer" else ranks.round(4)

    def measure(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, float]:
        """Return `rmse` and `mae` in the target's unit, and `r2`, without a unit."""
        predicted = np.asarray(answer["predictions"], dtype="float64")
        return {
            "rmse": float(sk.root_mean_squared_error(truth, predicted)),
            "mae": float(sk.mean_absolute_error(truth, predicted)),
            "r2": float(sk.r2_score(truth, predicted)) if len(truth) > 1 else math.nan,
        }

    def loss_name(self, dataset: "Dataset") -> str:
        return "absolute error" if dataset.metric == "mae" else "squared error"

    def losses(self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset") -> Numbers:
        """Return the absolute errors where `mae` decides, else the squared ones."""
        errors = errors_of(truth, answer)
        return np.abs(errors) if dataset.metric == "mae" else errors**2

    def intervals(
        self,
        truth: pd.Series,
        answer: Mapping[str, Any],
        rows: pd.DataFrame,
        dataset: "Dataset",
        level: float,
    ) -> dict[str, Interval]:
        found = exact.intervals(truth, answer, level)
        return measuring.with_own_interval(found, truth, answer, dataset, level)

    def estimator(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Any]:
        if "low" in answer:  # its intervals say more
            return super().estimator(truth, answer, dataset)
        return residuals.estimator(truth, answer)

    def estimate(
        self,
        fitted: Mapping[str, Any],
        answer: Mapping[str, Any],
        dataset: "Dataset",
        level: float,
        known: tuple[pd.Series, Mapping[str, Any]] | None = None,
    ) -> Estimated:
        if "low" in answer:
            return super().estimate(fitted, answer, dataset, level, known)
        return residuals.estimate(fitted, answer, level, known)

    def check_answer(self, answer: Mapping[str, Any], target: "Target") -> None:
        assert np.isfinite(np.asarray(answer["predictions"], dtype="float64")).all()

    def baseline(self, truth: pd.Series, dataset: "Dataset") -> Answer:
        """Return the mean of the target for every row."""
        return {"predictions": [float(truth.mean())] * len(truth)}

    def automl(self, metric: str) -> tuple[str, str] | None:
        return "regression", AUTOML.get(metric, "normalized_root_mean_squared_error")

    def plots(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Callable[[Any], object]]:
        predicted = np.asarray(answer["predictions"], dtype="float64")

        def display(kind: str) -> Callable[[Any], object]:
            return lambda axes: sk.PredictionErrorDisplay.from_predictions(
                truth, predicted, kind=kind, ax=axes, scatter_kwargs={"s": 8, "alpha": 0.5}
            )

        def histogram(axes: Any) -> None:
            axes.hist(truth - predicted, bins=min(40, max(5, round(math.sqrt(len(truth))))))
            axes.set_xlabel(f"residual of {dataset.target.name}")
            axes.set_ylabel("rows")

        return {
            "Actual against predicted": display("actual_vs_predicted"),
            "Residuals": display("residual_vs_predicted"),
            "Distribution of residuals": histogram,
        }
