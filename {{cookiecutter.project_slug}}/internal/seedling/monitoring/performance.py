"""The performance of a version in a window: measured where truth is known, estimated where not."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
from scipy import stats

from seedling import tasks
from seedling.config.monitoring import PerformanceSettings
from seedling.data.scalars import short
from seedling.monitoring import segments, words
from seedling.monitoring.segments import Segment
from seedling.monitoring.structs import Profile
from seedling.tasks import measuring
from seedling.tasks.evidence import Calibration, Coverage, Interval, Then, read_then
from seedling.tasks.intervals import moments, of_mean
from seedling.wording import counted, listed

if TYPE_CHECKING:
    from seedling.config import Dataset

STEADY, HARMLESS, MODERATE, SEVERE = "steady", "moved, harmless", "moderate", "severe"
FEWEST_ROWS, FEWEST_OF_KIND = 30, 5  # that a verdict takes, of all and of the rarest outcome
THIN, ALONE = "too few rows", "nothing to compare with"


class Performance(msgspec.Struct, frozen=True, omit_defaults=True):
    """The comparison of a version's answers with the truth that became known.

    Attributes:
        rows: the number of rows with truth.
        metric: the name of the metric that decides.
        lower: whether it is better the lower it is.
        metrics: all metrics of the task, by name.
        then: the same of the held-out rows of the version; empty where it has no such profile.
        worse_by: by how much the deciding metric got worse: below 0 it got better.
        scale: the unit of `moderate` and `severe` in model.yaml: 1 for a score, what it was for
            an error.
        loss_name: what the losses are.
        loss: their mean.
        segments: the parts of the rows that were looked at: the worst first.
        calibration: of the scores; None for a task without.
        coverage: of the intervals; None for a task without.
        verdict: `steady`, `moved, harmless`, `moderate`, `severe`, `too few rows`, or `nothing to
            compare with`.
        thin: why truth is too thin for a verdict; empty where it is not.
        sentences: for a person, the most important first.
    """

    rows: int = 0
    metric: str = ""
    lower: bool = False
    metrics: dict[str, Interval] = {}
    then: dict[str, Interval] = {}
    worse_by: Interval | None = None
    scale: float = 1.0
    loss_name: str = ""
    loss: Interval | None = None
    segments: list[Segment] = []
    calibration: Calibration | None = None
    coverage: Coverage | None = None
    verdict: str = THIN
    thin: str = ""
    sentences: list[str] = []


class Estimate(msgspec.Struct, frozen=True, omit_defaults=True):
    """The metrics of rows without truth, from what the answers say about themselves.

    Attributes:
        rows: the number of rows.
        metrics: those of the task that can be estimated, each with an interval.
        then: the same of the held-out rows.
        refused: why there is no estimate; empty where there is one.
        sentences: for a person.
    """

    rows: int = 0
    metrics: dict[str, Interval] = {}
    then: dict[str, Interval] = {}
    refused: str = ""
    sentences: list[str] = []


def measured(
    dataset: "Dataset",
    joined: pd.DataFrame,
    reference: Profile | None = None,
    settings: PerformanceSettings | None = None,
    columns: Sequence[str] = (),
    alpha: float | None = None,
) -> Performance:
    """Compare answers with their truth.

    Args:
        dataset: that of the version, with its schema and threshold.
        joined: n rows of `truth.joined`: raw features, the answer by the names of
            `Task.batch_columns`, and the target.
        reference: the version's profile; None where it has none.
        settings: `monitoring.performance` of model.yaml.
        columns: `monitoring.segments`: the metric is measured in the parts of these too.
        alpha: the probability of a false alarm of this look, among many; that of the settings
            unless given. Intervals are shown at the level of the settings.
    """
    settings, then = settings or PerformanceSettings(), _then(reference)
    level = 1 - settings.alpha
    training = tasks.of(dataset).training
    lower = dataset.metric in measuring.lower_is_better(dataset)
    nothing = Performance(metric=dataset.metric, lower=lower)
    if joined.empty:
        return _unjudged(nothing, "no answer of this window has its truth yet")
    truth, answer, rows = _known(dataset, joined)
    if truth.empty:
        name = dataset.target.name
        return _unjudged(nothing, f"no truth is a value of {name} that the model knows")
    losses = training.losses(truth, answer, dataset)
    looked_at = segments.of(dataset, truth, answer, rows, losses, then, columns, level)
    try:
        metrics, thin = training.intervals(truth, answer, rows, dataset, level), ""
    except ValueError as error:
        metrics, thin = {}, str(error).strip().splitlines()[0].removesuffix(".")
    found = Performance(
        rows=len(truth),
        metric=dataset.metric,
        lower=lower,
        metrics=metrics,
        then=then.metrics,
        loss_name=training.loss_name(dataset),
        loss=of_mean(losses, level, "log" if moments(losses).mean > 0 else ""),
        segments=looked_at,
        calibration=training.calibration(truth, answer, dataset),
        coverage=training.coverage(truth, answer, dataset, level),
        thin=thin,
    )
    amount = training.amount(truth, dataset)
    if len(truth) < FEWEST_ROWS:
        few = f"{amount}, where it takes {FEWEST_ROWS}"
        found = msgspec.structs.replace(found, thin=found.thin or few)
    elif training.fewest(truth, dataset) < FEWEST_OF_KIND:
        few = f"{amount}, where it takes {FEWEST_OF_KIND} of each outcome"
        found = msgspec.structs.replace(found, thin=found.thin or few)
    else:
        found = _judged(found, dataset, settings, amount, alpha)
    return msgspec.structs.replace(found, sentences=words.of(found, len(joined) - len(truth)))


def estimated(
    dataset: "Dataset",
    predictions: pd.DataFrame,
    reference: Profile | None = None,
    settings: PerformanceSettings | None = None,
    joined: pd.DataFrame | None = None,
    moved: Sequence[str] | None = None,
) -> Estimate:
    """Estimate the metrics of answers whose truth is not known.

    Args:
        dataset: that of the version.
        predictions: n rows with the answer by the names of `Task.batch_columns`.
        reference: as in `measured`.
        settings: the default unless given.
        joined: rows with truth, of this or of earlier windows: an estimate that they contradict
            is refused.
        moved: the columns that have moved; None where that was not looked at.
    """
    settings, then = settings or PerformanceSettings(), _then(reference)
    level = 1 - settings.alpha
    training, count = tasks.of(dataset).training, len(predictions)
    if not then.rows:
        refused = "the version has no profile of its held-out answers: train it again to have one"
    elif predictions.empty:
        refused = "the window has no answers"
    else:
        known = _known(dataset, joined)[:2] if joined is not None and len(joined) else None
        answer = training.answered(predictions, dataset)
        found = training.estimate(then.estimator, answer, dataset, level, known)
        metrics = {name: each for name, each in found.metrics.items() if name in then.metrics}
        refused = found.refused or ("" if metrics else "none of the metrics follows from answers")
        if not refused and found.needs_steady and moved is None:
            refused = (
                "how large errors are is known only of rows that have not moved: look at drift"
            )
        elif not refused and found.needs_steady and moved:
            refused = f"how large errors are where {listed(moved, 3)} has moved, only truth says"
        if not refused:
            shown = words.numbers(metrics, dataset.metric)
            line = f"Estimated without truth, from {counted(count, 'answer')}: {shown}."
            return Estimate(count, metrics, then.metrics, sentences=[line])
    return Estimate(count, refused=refused, sentences=[f"No estimate without truth: {refused}."])


def _unjudged(found: Performance, thin: str) -> Performance:
    return msgspec.structs.replace(found, thin=thin, sentences=[words.too_thin(thin)])


def _then(reference: Profile | None) -> Then:
    return read_then(reference.performance) if reference else Then()


def _known(
    dataset: "Dataset", joined: pd.DataFrame
) -> tuple[pd.Series, Mapping[str, Any], pd.DataFrame]:
    """Return truth, answer and rows of those whose truth is a value that the task knows."""
    training = tasks.of(dataset).training
    truth = training.values(joined, dataset.target)
    is_known = truth.notna().to_numpy()
    rows = joined[is_known].reset_index(drop=True)
    return truth[is_known].reset_index(drop=True), training.answered(rows, dataset), rows


def _judged(
    found: Performance,
    dataset: "Dataset",
    settings: PerformanceSettings,
    amount: str,
    alpha: float | None,
) -> Performance:
    """Return the performance with the verdict about the deciding metric."""
    now, then = found.metrics.get(found.metric), found.then.get(found.metric)
    if now is None or now.value is None or now.half is None:
        why = found.thin or f"{found.metric} of {amount} has no interval"
        return msgspec.structs.replace(found, thin=why)
    before = now.value if then is None or then.value is None else then.value
    task = tasks.of(dataset)
    is_score = found.metric in task.metrics and found.metric not in task.lower_is_better
    scale = 1.0 if is_score else abs(before)
    moderate, severe = settings.moderate * scale, settings.severe * scale
    worse_by = None if then is None or then.value is None else _worse_by(now, then, found.lower)
    wider = stats.norm.isf((alpha or settings.alpha) / 2) / stats.norm.isf(settings.alpha / 2)
    verdict = _verdict(now, worse_by, moderate, severe, float(wider))
    thin = ""
    if verdict == THIN:
        shown = f"{found.metric} {words.with_interval(now)} of {amount}"
        thin = f"{shown}, where a difference of {short(severe)} would be severe"
    return msgspec.structs.replace(
        found, worse_by=worse_by, scale=scale, verdict=verdict, thin=thin
    )


def _worse_by(now: Interval, then: Interval, lower: bool) -> Interval:
    """Return the difference of two independent metrics, above 0 where the later one is worse.

    Its interval is that of Newcombe: the distances to either end of the two are added as squares.
    """
    less, more = (then, now) if lower else (now, then)  # `more` less `less` is above 0 if worse
    (low, value, high), (other_low, other, other_high) = _ends(more), _ends(less)
    return Interval(
        value - other,
        value - other - math.hypot(value - low, other_high - other),
        value - other + math.hypot(high - value, other - other_low),
    )


def _ends(found: Interval) -> tuple[float, float, float]:
    """Return low, value, high; the value three times where there is no interval."""
    value = found.value or 0.0
    return (
        value if found.low is None else found.low,
        value,
        value if found.high is None else found.high,
    )


def _verdict(
    now: Interval, worse_by: Interval | None, moderate: float, severe: float, wider: float
) -> str:
    """Return the verdict about a metric.

    A change counts beyond its interval made `wider`; one that is within it, and could be severe by
    the interval itself, makes truth too thin.
    """
    if worse_by is None:  # another window of this size would be as uncertain
        return ALONE if math.sqrt(2) * (now.half or 0.0) < severe else THIN
    low, value, high = _ends(worse_by)
    is_worse = value > wider * (value - low)
    if is_worse and value >= moderate:
        return SEVERE if value >= severe else MODERATE
    if high >= severe:
        return THIN
    return HARMLESS if is_worse or -value > wider * (high - value) else STEADY
