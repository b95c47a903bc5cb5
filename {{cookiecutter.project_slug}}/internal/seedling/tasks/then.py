"""The performance of a version on its held-out rows, for its profile."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from seedling.tasks import parts
from seedling.tasks.evidence import Moments, Then
from seedling.tasks.intervals import LEVEL, Numbers, moments

if TYPE_CHECKING:
    from seedling.config import Dataset
    from seedling.tasks.training_protocol import TaskTraining

FEWEST = 20  # rows of a part


def of(
    training: "TaskTraining",
    truth: pd.Series,
    answer: Mapping[str, Any],
    rows: pd.DataFrame,
    dataset: "Dataset",
) -> Then:
    """Measure the answer to n held-out rows, whole and by parts; arguments as in `measure_rows`."""
    losses = training.losses(truth, answer, dataset)
    found: dict[str, dict[str, Moments]] = {}
    edges: dict[str, list[float]] = {}
    for parted in parts.of(rows, dataset, {}):
        found[parted.column] = by_part(losses, parted.names)
        if parted.edges:
            edges[parted.column] = parted.edges
    try:
        metrics = training.intervals(truth, answer, rows, dataset, LEVEL)
    except ValueError:  # all are of one class
        metrics = {}
    return Then(
        rows=len(truth),
        metrics=metrics,
        loss=moments(losses),
        parts=found,
        edges=edges,
        calibration=training.calibration(truth, answer, dataset),
        coverage=training.coverage(truth, answer, dataset, LEVEL),
        estimator=training.estimator(truth, answer, dataset),
    )


def by_part(losses: Numbers, names: pd.Series, fewest: int = FEWEST) -> dict[str, Moments]:
    """Return the losses of each part of n rows that has at least `fewest`."""
    found = {}
    for name, places in pd.Series(range(len(names))).groupby(names.to_numpy(), sort=True):
        if len(places) >= fewest:
            found[str(name)] = moments(losses[places.to_numpy()])
    return found
