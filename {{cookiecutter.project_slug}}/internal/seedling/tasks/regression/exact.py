"""Intervals of the metrics of numbers, by how much each row moves them."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from seedling.tasks.evidence import Interval
from seedling.tasks.intervals import Numbers, interval, of_influences, of_mean


def errors_of(truth: pd.Series, answer: Mapping[str, Any]) -> Numbers:
    """Return truth less prediction of n rows."""
    errors: Numbers = truth.to_numpy(dtype="float64") - np.asarray(
        answer["predictions"], dtype="float64"
    )
    return errors


def intervals(truth: pd.Series, answer: Mapping[str, Any], level: float) -> dict[str, Interval]:
    """Return `rmse` and `mae` in the target's unit, and `r2`, each with an interval."""
    errors = errors_of(truth, answer)
    squares = errors**2
    mean = of_mean(squares, level, "skewed")
    roots = (
        math.nan if each is None else math.sqrt(max(0.0, each))
        for each in (mean.value, mean.low, mean.high)
    )
    return {
        "rmse": interval(*roots),
        "mae": of_mean(np.abs(errors), level, "log"),
        "r2": _r2(truth.to_numpy(dtype="float64"), squares, level),
    }


def _r2(values: Numbers, squares: Numbers, level: float) -> Interval:
    around = (values - values.mean()) ** 2
    variance = float(around.mean())
    if len(values) < 2 or variance == 0:
        return Interval(None)
    ratio = float(squares.mean()) / variance
    influences = -(squares - ratio * around) / variance
    found = of_influences(1 - ratio, influences, level, "skewed")
    return (
        found if found.high is None else msgspec.structs.replace(found, high=min(1.0, found.high))
    )
