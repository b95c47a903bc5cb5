"""Cross-validated metrics: the same training on parts of the rows, measured on the others.

The interval of a metric is that of Nadeau and Bengio (2003): mean and variance over J fits, with
t quantiles and the variance multiplied by 1/J + (rows measured on) / (rows learned from), because
the fits share rows. It holds the metric to expect of a model that is trained so in about 95 of 100
tables like this one.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
from scipy import stats

from seedling import tasks
from seedling.config import Dataset
from seedling.data import split
from seedling.errors import ProjectError
from seedling.tasks import measuring
from seedling.training.fits import Fit, Fitting, Table, failure
from seedling.training.notes import CrossValidated, Interval
from seedling.wording import counted

FOLDS = 5
MOST_ROWS = 20_000  # with more, a holdout is large enough to say it
MOST_CELLS = 500_000  # rows x features; beyond, five more fits are worth asking for
PREDICTIONS = 300  # folds are drawn again until there are as many
MOST_REPEATS = 5
CONFIDENCE = 0.95

Predict = Callable[[Any, pd.DataFrame], Mapping[str, Any]]


class Plan(NamedTuple):
    """Numbers of folds and of repetitions; both 0, with the reason, where none are made."""

    folds: int = 0
    repeats: int = 0
    refused: str = ""


def plan(rows: pd.DataFrame, dataset: Dataset, wanted: int | None) -> Plan:
    """Choose the folds by the table alone: it has the same on every machine.

    Args:
        rows: those to train on.
        dataset: theirs.
        wanted: `folds` of model.yaml: 0 for none, None to choose by rows and features.
    """
    ask = f"folds: {FOLDS} under training in model.yaml asks for it"
    if wanted == 0:
        return Plan(refused="model.yaml says folds: 0")
    if wanted is None and tasks.of(dataset).training.slow:
        return Plan(refused=f"a fit takes long; {ask}")
    if wanted is None and len(rows) > MOST_ROWS:
        return Plan(refused=f"there are more than {counted(MOST_ROWS, 'row')}; {ask}")
    features = len(dataset.features)
    if wanted is None and len(rows) * features > MOST_CELLS:
        table = f"{counted(len(rows), 'row')} x {counted(features, 'feature')}"
        return Plan(refused=f"{table} are more than {MOST_CELLS:,} values; {ask}")
    return possible(rows, dataset, wanted)


def possible(rows: pd.DataFrame, dataset: Dataset, wanted: int | None) -> Plan:
    """Choose the folds as `plan` does, however many rows there are."""
    folds = wanted or FOLDS
    if dataset.by_time:
        return Plan(folds, 1)
    folds = min(folds, split.smallest_stratum(rows, dataset))
    if folds < 2:
        return Plan(refused="there are too few rows of one kind to divide them")
    if tasks.of(dataset).training.slow:
        return Plan(folds, 1)
    return Plan(folds, max(1, min(MOST_REPEATS, math.ceil(PREDICTIONS / len(rows)))))


def validated(
    fitting: Fitting, first: Fit, predict: Predict, table: Table, folds: int | None
) -> CrossValidated:
    """Cross-validate the fit on all rows that are not held out.

    Args:
        fitting: calls train_model.
        first: the first fit, which found how long to train.
        predict: the team's, of (model, features).
        table: the rows.
        folds: as `plan` takes it.
    """
    chosen = plan(table.rows, table.dataset, folds)
    if chosen.refused:
        return CrossValidated(refused=chosen.refused)
    begin = time.perf_counter()
    try:
        parts = _answered(fitting, first, predict, table, chosen)
    except Exception as error:  # the team's, which may not do without X_test
        return CrossValidated(refused=failure(error))
    dataset, decision = table.dataset, ""
    if dataset.target.threshold is not None:
        dataset, decision = with_threshold(dataset, *pooled(parts, dataset))
    try:
        found = _measured(parts, len(table.rows), dataset, chosen)
    except ProjectError as error:  # the metric cannot be computed for a fold
        found = CrossValidated(refused=str(error).removesuffix("."))
    return msgspec.structs.replace(
        found,
        seconds=time.perf_counter() - begin,
        threshold=dataset.target.threshold,
        decision=decision,
    )


def with_threshold(
    dataset: Dataset, truth: pd.Series, answer: Mapping[str, Any]
) -> tuple[Dataset, str]:
    """Return the dataset with its threshold as a number, and the sentence about it.

    Args:
        dataset: its target says the number, or what it is to be chosen for.
        truth: the target of n rows.
        answer: the answer to them of a model that has not learned from them.

    Raises:
        ProjectError: no threshold does what the target says.
    """
    target, decision = tasks.of(dataset).training.decide(truth, answer, dataset.target)
    return dataset.model_copy(update={"target": target}), decision


class Part(NamedTuple):
    """The rows that a fit has not seen.

    Attributes:
        repeat: how often the folds had been drawn before.
        truth: the rows' target.
        answer: the fit's answer to them.
        ratio: their number, for each row that the fit has learned from.
        rows: themselves.
    """

    repeat: int
    truth: pd.Series
    answer: Mapping[str, Any]
    ratio: float
    rows: pd.DataFrame


def _answered(
    fitting: Fitting, first: Fit, predict: Predict, table: Table, chosen: Plan
) -> list[Part]:
    """Train on all folds but one and answer that one, for each; no model is kept."""
    rows, X, y, dataset = table
    parts = []
    for repeat in range(chosen.repeats):
        for learned, others in split.folds(rows, dataset, chosen.folds, f"fold {repeat}"):
            model = fitting.again(X.iloc[learned], y.iloc[learned], first).model
            answer, ratio = predict(model, X.iloc[others]), len(others) / len(learned)
            parts.append(Part(repeat, y.iloc[others], answer, ratio, rows.iloc[others]))
    return parts


def pooled(parts: Sequence[Part], dataset: Dataset) -> tuple[pd.Series, Mapping[str, Any]]:
    """Return target and answer of all rows, each answered by a fit that has not seen it."""
    once, task = [part for part in parts if part.repeat == 0], tasks.of(dataset)
    first = task.answer(once[0].answer, dataset)
    each = [task.aligned(task.answer(part.answer, dataset), first) for part in once]
    together = {key: [item for answer in each for item in answer[key]] for key in task.by_row}
    return pd.concat([part.truth for part in once]), first | together


def _measured(parts: Sequence[Part], rows: int, dataset: Dataset, chosen: Plan) -> CrossValidated:
    """Measure the answer to each part, decided by the dataset's threshold."""
    measured = [
        measuring.measure(part.truth, measuring.decided(part.answer, dataset), dataset, part.rows)
        for part in parts
    ]
    found = {name: [values[name] for values in measured] for name in measured[0]}
    spread = 1 / len(measured) + float(np.mean([part.ratio for part in parts]))
    return CrossValidated(
        folds=len(measured) // chosen.repeats,
        repeats=chosen.repeats,
        rows=rows,
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
