"""Parts of a window's rows, by the values of a column: where losses grew, and the metric there."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd
from scipy import stats

from seedling import tasks
from seedling.tasks import measuring, parts
from seedling.tasks.evidence import Interval, Moments, Then
from seedling.tasks.intervals import Numbers, of_mean
from seedling.tasks.then import by_part

if TYPE_CHECKING:
    from seedling.config import Dataset

FEWEST = 20  # rows of a part whose losses are compared
ALPHA = 0.05
MOST_LISTED = 100  # parts that got worse
MATTERS = 0.05  # by this share the losses of a part must have grown


class Segment(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rows of a window whose value of a column is in one part.

    Attributes:
        column: the column, or the groups' columns with commas between.
        part: the value, or the range of values.
        rows: the number of its rows.
        loss: the mean loss.
        then: that of the held-out rows in this part; None where there were too few.
        adjusted_p: how often chance alone makes as large a growth somewhere among all parts.
        worse: whether the loss grew, beyond chance and by a share that matters.
        metric: the deciding metric, for the columns of `monitoring.segments` in model.yaml.
    """

    column: str
    part: str
    rows: int
    loss: Interval
    then: float | None = None
    adjusted_p: float | None = None
    worse: bool = False
    metric: Interval | None = None


def of(
    dataset: "Dataset",
    truth: pd.Series,
    answer: Mapping[str, Any],
    rows: pd.DataFrame,
    losses: Numbers,
    then: Then,
    columns: Sequence[str],
    level: float,
) -> list[Segment]:
    """Return the parts that got worse, the clearest first, then all of the columns asked for.

    Args:
        dataset, truth, answer, rows: as in `TaskTraining.measure_rows`.
        losses: of the n rows.
        then: the losses of the held-out rows, by part.
        columns: those whose parts get the metric.
        level: the probability that an interval holds the true number.
    """
    worse = _worse(dataset, rows, losses, then, level)
    known = {(each.column, each.part): each for each in worse}
    if columns:
        for parted in parts.of(rows, dataset, then.edges, columns):
            for part, places in _places(parted.names).items():
                key = parted.column, part
                before = then.parts.get(parted.column, {}).get(part)
                found = known.get(key) or Segment(
                    *key,
                    len(places),
                    of_mean(losses[places], level),
                    before.mean if before else None,
                )
                metric = _metric(dataset, truth, answer, rows, places, level)
                known[key] = msgspec.structs.replace(found, metric=metric)
    return [*known.values()]


def _worse(
    dataset: "Dataset", rows: pd.DataFrame, losses: Numbers, then: Then, level: float
) -> list[Segment]:
    """Return the parts whose mean loss grew, at a false discovery rate of ALPHA among all parts."""
    if not then.parts:
        return []
    found, chances = [], []
    for parted in parts.of(rows, dataset, then.edges):
        before = then.parts.get(parted.column, {})
        now = by_part(losses, parted.names, FEWEST)
        places = _places(parted.names)
        for part in now.keys() & before.keys():
            chances.append(_chance(now[part], before[part]))
            loss = of_mean(losses[places[part]], level)
            found.append(Segment(parted.column, part, now[part].rows, loss, before[part].mean))
    if not found:
        return []
    adjusted = stats.false_discovery_control(chances)
    listed = [
        msgspec.structs.replace(each, adjusted_p=float(p), worse=True)
        for each, p in zip(found, adjusted, strict=True)
        if p < ALPHA and (each.loss.value or 0.0) > (1 + MATTERS) * (each.then or 0.0)
    ]
    listed.sort(key=lambda each: (each.adjusted_p, each.column, each.part))
    return listed[:MOST_LISTED]


def _chance(now: Moments, then: Moments) -> float:
    """Return how often chance alone makes the mean grow as much, by Welch's test."""
    error = math.hypot(now.sd / math.sqrt(now.rows), then.sd / math.sqrt(then.rows))
    if error == 0:
        return 0.0 if now.mean > then.mean else 1.0
    return float(
        stats.ttest_ind_from_stats(
            *(now.mean, now.sd, now.rows, then.mean, then.sd, then.rows),
            equal_var=False,
            alternative="greater",
        ).pvalue
    )


def _places(names: pd.Series) -> dict[str, Any]:
    """Return the places of each part's rows."""
    grouped = pd.Series(np.arange(len(names))).groupby(names.to_numpy(), sort=True)
    return {str(name): places.to_numpy() for name, places in grouped}


def _metric(
    dataset: "Dataset",
    truth: pd.Series,
    answer: Mapping[str, Any],
    rows: pd.DataFrame,
    places: Any,
    level: float,
) -> Interval | None:
    """Return the deciding metric of some rows; None where they do not allow it."""
    training = tasks.of(dataset).training
    part = measuring.taken(answer, places, dataset)
    try:
        found = training.intervals(truth.iloc[places], part, rows.iloc[places], dataset, level)
    except ValueError:
        return None
    return found.get(dataset.metric)
