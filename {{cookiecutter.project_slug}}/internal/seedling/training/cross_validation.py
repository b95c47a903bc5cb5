"""Cross-validated metrics: the same training on parts of the rows, measured on the others.

The interval of a metric is that of Nadeau and Bengio (2003): mean and variance over J fits, with
t quantiles and the variance multiplied by 1/J + (rows measured on) / (rows learned from), because
the fits share rows. It holds the metric to expect of a model that is trained so in about 95 of 100
tables like this one.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from seedling import tasks
from seedling.config import Dataset
from seedling.data import split
from seedling.data.schema import model_frame
from seedling.training.notes import CrossValidated, Interval
from seedling.wording import counted

FOLDS = 5
MOST_ROWS = 20_000  # with more, a holdout is large enough to say it
MOST_SECONDS = 5.0  # of one fit; beyond, five more are worth asking for
PREDICTIONS = 300  # folds are drawn again until there are as many
MOST_REPEATS = 5
CONFIDENCE = 0.95

# Trains on features and target; returns what answers for features.
Train = Callable[[pd.DataFrame, pd.Series], Callable[[pd.DataFrame], Mapping[str, Any]]]


class Plan(NamedTuple):
    """How often to divide the rows, and into how many parts; the reason if not at all."""

    folds: int = 0
    repeats: int = 0
    refused: str = ""


def plan(rows: pd.DataFrame, dataset: Dataset, wanted: int | None, seconds: float) -> Plan:
    """Choose the folds.

    Args:
        rows: those to train on.
        dataset: theirs.
        wanted: `folds` of model.yaml: 0 for none, None to choose by rows and time.
        seconds: what one fit on about as many rows took.
    """
    ask = f"folds: {FOLDS} under training in model.yaml asks for it"
    if wanted == 0:
        return Plan(refused="model.yaml says folds: 0")
    if wanted is None and len(rows) > MOST_ROWS:
        return Plan(refused=f"there are more than {counted(MOST_ROWS, 'row')}; {ask}")
    if wanted is None and seconds > MOST_SECONDS:
        return Plan(refused=f"one fit takes {seconds:.0f} s; {ask}")
    folds = wanted or FOLDS
    if dataset.split:
        return Plan(folds, 1)
    folds = min(folds, split.smallest_stratum(rows, dataset))
    if folds < 2:
        return Plan(refused="there are too few rows of one kind to divide them")
    return Plan(folds, max(1, min(MOST_REPEATS, math.ceil(PREDICTIONS / len(rows)))))


def measure(train: Train, rows: pd.DataFrame, dataset: Dataset, chosen: Plan) -> CrossValidated:
    """Train on all folds but one and measure on that one, for each; nothing of it is kept.

    Raises:
        Exception: whatever the team's functions raise.
    """
    task = tasks.of(dataset).training
    X, y = model_frame(rows, dataset.features), task.values(rows, dataset.target)
    measured, ratios = [], []
    for repeat in range(chosen.repeats):
        for learned, others in split.folds(rows, dataset, chosen.folds, f"fold {repeat}"):
            answer = train(X.iloc[learned], y.iloc[learned])(X.iloc[others])
            measured.append(task.measure(y.iloc[others], answer, dataset))
            ratios.append(len(others) / len(learned))
    found = {name: [values[name] for values in measured] for name in measured[0]}
    spread = 1 / len(measured) + float(np.mean(ratios))
    return CrossValidated(
        folds=len(measured) // chosen.repeats,
        repeats=chosen.repeats,
        rows=len(rows),
        metrics={
            name: _interval(values, spread)
            for name, values in found.items()
            if len(values) > 1 and np.isfinite(values).all()
        },
    )


def _interval(values: list[float], spread: float) -> Interval:
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    half = float(quantile * math.sqrt(spread * np.var(values, ddof=1)))
    return Interval(float(np.mean(values)), half)
