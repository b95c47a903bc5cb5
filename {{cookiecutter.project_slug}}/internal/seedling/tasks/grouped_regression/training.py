"""Targets, metrics and files of grouped regression."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seedling.compiled.group_flags import FLAGS
from seedling.tasks import between, measuring
from seedling.tasks.evidence import Interval
from seedling.tasks.grouped_regression import NUMBERS, errors, shown, tables
from seedling.tasks.intervals import of_mean
from seedling.tasks.protocol import Answer
from seedling.tasks.regression import exact
from seedling.tasks.regression.training import RegressionTraining

if TYPE_CHECKING:
    from seedling.config import Dataset, Target
    from seedling.tasks.training_protocol import Section, Setbacks

WIDTH = 1.96  # standard deviations to either side that hold 95 of 100 normal values


class GroupedRegressionTraining(RegressionTraining):
    """The other half; targets, probe and plots are those of a regression."""

    covered = 0.95

    def proposed_groups(
        self, rows: pd.DataFrame, target: str, groups: Sequence[str] | None
    ) -> list[str]:
        return tables.proposed(rows, target, groups)

    def arguments(self, dataset: "Dataset") -> dict[str, Any]:
        """Return `groups`, as train_model takes them."""
        return {"groups": [*dataset.groups]}

    def measure(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, float]:
        """Return `rmse` and `mae` in the target's unit, `r2`, and `coverage`, a share.

        Over groups, each weighted by its rows, the mean of squared errors is that over rows: rmse
        is the weighted one. Coverage is the share of rows within `low` and `high`.
        """
        low, high = (np.asarray(answer[key], dtype="float64") for key in ("low", "high"))
        values = truth.to_numpy(dtype="float64")
        within = (values >= low) & (values <= high)
        return super().measure(truth, answer, dataset) | {"coverage": float(within.mean())}

    def measure_rows(
        self,
        truth: pd.Series,
        answer: Mapping[str, Any],
        rows: pd.DataFrame,
        dataset: "Dataset",
    ) -> dict[str, float]:
        """Return `mean_group_rmse`: the mean of each group's RMSE, in which all weigh alike."""
        found = errors.by_group(truth, answer, rows, dataset.groups)
        return {"mean_group_rmse": float(found["rmse"].mean())}

    def intervals(
        self,
        truth: pd.Series,
        answer: Mapping[str, Any],
        rows: pd.DataFrame,
        dataset: "Dataset",
        level: float,
    ) -> dict[str, Interval]:
        """Return the metrics of numbers, and `mean_group_rmse` as of groups that are a draw."""
        found = exact.intervals(truth, answer, level)
        by_group = errors.by_group(truth, answer, rows, dataset.groups)
        found["mean_group_rmse"] = of_mean(by_group["rmse"].to_numpy(), level, "log")
        found["coverage"] = between.coverage(truth, answer, self.covered, level).share
        return measuring.with_own_interval(found, truth, answer, dataset, level)

    def check_answer(self, answer: Mapping[str, Any], target: "Target") -> None:
        numbers = [np.asarray(answer[key], dtype="float64") for key in NUMBERS]
        assert np.isfinite(numbers).all()
        predictions, low, high = numbers
        assert (low <= predictions).all()
        assert (predictions <= high).all()
        assert {*answer["flags"]} <= {*FLAGS}

    def baseline(self, truth: pd.Series, dataset: "Dataset") -> Answer:
        """Return the mean of the target for every row, whatever its group: that is a feature."""
        mean, deviation = float(truth.mean()), float(truth.std(ddof=0))
        low, high = mean - WIDTH * deviation, mean + WIDTH * deviation
        found: Answer = {"predictions": [mean], "low": [low], "high": [high], "flags": [FLAGS[0]]}
        return {key: values * len(truth) for key, values in found.items()}

    def setbacks(
        self,
        truth: pd.Series,
        answer: Mapping[str, Any],
        before: Mapping[str, Any],
        rows: pd.DataFrame,
        dataset: "Dataset",
    ) -> "Setbacks":
        """Return the groups whose RMSE is larger than that of the champion's answer."""
        return errors.setbacks(truth, answer, before, rows, dataset)

    def leave(self, model: Any, dataset: "Dataset", folder: Path) -> None:
        """Write coefficient.csv and rmse.csv, a row for each group."""
        tables.write(model, dataset, folder)

    def sections(
        self,
        model: Any,
        truth: pd.Series,
        answer: Mapping[str, Any],
        rows: pd.DataFrame,
        dataset: "Dataset",
    ) -> "list[Section]":
        return shown.sections(model, truth, answer, rows, dataset)

    def automl(self, metric: str) -> tuple[str, str] | None:
        return None  # it has no such task

    def plots(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Callable[[Any], object]]:
        found = super().plots(truth, answer, dataset)
        return found | {"Width of the interval": lambda axes: _widths(axes, answer)}


def _widths(axes: Any, answer: Mapping[str, Any]) -> None:
    low, high = (np.asarray(answer[key], dtype="float64") for key in ("low", "high"))
    axes.hist(high - low, bins=min(40, max(5, round(math.sqrt(len(low))))))
    axes.set_xlabel("high less low")
    axes.set_ylabel("rows")
