"""The rule by which a challenger replaces its champion."""

import math
from collections.abc import Mapping

from seedling.config import Dataset
from seedling.errors import ProjectError
from seedling.tasks import measuring


def gate(
    dataset: Dataset, challenger: Mapping[str, float], champion: Mapping[str, float] | None
) -> bool:
    """Return True if the challenger is to be registered: strictly better, or without a champion.

    Args:
        dataset: has the metric and the task, which knows the metric's better direction.
        challenger, champion: their metrics on the same rows.

    Raises:
        ProjectError: the metric is missing or not a finite number on either side; that is never
            a promotion.
    """
    metric = dataset.metric
    new = _finite(metric, challenger, "the challenger")
    if champion is None:
        return True
    old = _finite(metric, champion, "the champion")
    return new < old if metric in measuring.lower_is_better(dataset) else new > old


def _finite(metric: str, values: Mapping[str, float], whose: str) -> float:
    value = values.get(metric)
    if value is None:
        known = ", ".join(sorted(values))
        raise ProjectError(f"The metric {metric!r} of {whose} is missing; there are {known}.")
    if not math.isfinite(value):
        raise ProjectError(f"The metric {metric} of {whose} is {value}: nothing is registered.")
    return value
