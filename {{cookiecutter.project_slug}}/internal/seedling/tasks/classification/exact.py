"""Intervals of the metrics of classes, without drawing rows where formulas say them.

The area under the curve has the interval of DeLong, shares that of Wilson, means of losses
Student's. Precision, recall and f1 follow from counts, which are drawn from a multinomial.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from seedling.tasks.classification.coded import Coded, coded
from seedling.tasks.evidence import Interval
from seedling.tasks.intervals import (
    SEED,
    Numbers,
    at_edge,
    interval,
    of_influences,
    of_mean,
    of_share,
)

if TYPE_CHECKING:
    from seedling.config import Target

DRAWN = 4_000  # tables of counts
FEWEST = 1e-15  # probability whose logarithm is taken, as scikit-learn does


def intervals(
    truth: pd.Series, answer: Mapping[str, Any], target: "Target", level: float
) -> dict[str, Interval]:
    """Return the metrics of `measured.measure` with intervals.

    Raises:
        ValueError: the truth of all rows is the same label, or one of more than two is missing.
    """
    found = coded(answer, target, truth)
    present = np.unique(found.true)
    if len(present) < len(found.labels):
        gone = [name for at, name in enumerate(found.labels) if at not in present]
        raise ValueError(f"none of these rows is {' or '.join(gone)}")
    hits = int((found.true == found.predicted).sum())
    squares = brier(found)
    metrics = {
        "roc_auc": _roc_auc(found, level),
        "accuracy": of_share(hits, len(found.true), level),
        **_by_counts(found, level),
        "log_loss": of_mean(log_loss(found), level, "log"),
    }
    if len(found.labels) == 2:
        metrics["brier"] = of_mean(squares / 2, level, "log")
    return metrics


def brier(found: Coded) -> Numbers:
    """Return the sum of squared differences of each row's scores from 1 and 0."""
    happened = np.zeros_like(found.scores)
    happened[np.arange(len(found.true)), found.true] = 1.0
    squares: Numbers = ((found.scores - happened) ** 2).sum(axis=1)
    return squares


def log_loss(found: Coded) -> Numbers:
    """Return minus the logarithm of the score of each row's true label."""
    scores = np.clip(found.scores, FEWEST, 1 - FEWEST)
    scores = scores / scores.sum(axis=1, keepdims=True)
    logs: Numbers = -np.log(scores[np.arange(len(found.true)), found.true])
    return logs


def _roc_auc(found: Coded, level: float) -> Interval:
    areas, influences = [], []
    for at in found.one_each:
        area, moved = _area(found.scores[:, at], found.true == at)
        areas.append(area)
        influences.append(moved)
    fewest = int(np.bincount(found.true, minlength=len(found.labels)).min())
    moved = np.mean(np.array(influences), axis=0)
    # Pairs of one row of either class are independent where no row is in two of them.
    mean = float(np.mean(areas))
    return at_edge(of_influences(mean, moved, level, "logit", fewest), fewest, level)


def _area(scores: Numbers, positive: npt.NDArray[np.bool_]) -> tuple[float, Numbers]:
    """Return the area under the ROC curve, and how much each of n rows moves it (DeLong)."""
    above, below = int(positive.sum()), int((~positive).sum())
    ranks = stats.rankdata(scores)
    within = np.empty(len(scores))
    within[positive] = stats.rankdata(scores[positive])
    within[~positive] = stats.rankdata(scores[~positive])
    beaten = ranks - within  # rows of the other class with a smaller score, ties as halves
    wins = np.where(positive, beaten / below, 1 - beaten / above)
    area = float(wins[positive].mean())
    rows = len(scores)
    weights = np.where(positive, rows / above, rows / below)
    return area, (wins - area) * weights


def _by_counts(found: Coded, level: float) -> dict[str, Interval]:
    """Return precision, recall and f1, of more than two labels the plain mean over them."""
    size = len(found.labels)
    counts = np.bincount(found.true * size + found.predicted, minlength=size * size)
    if len(found.one_each) == 1:
        right = int(counts.reshape(size, size)[found.positive, found.positive])
        said = int(counts.reshape(size, size)[:, found.positive].sum())
        were = int(counts.reshape(size, size)[found.positive].sum())
        precision = of_share(right, said, level) if said else interval(0.0, np.nan, np.nan)
        exact = {"precision": precision, "recall": of_share(right, were, level)}
    else:
        exact = {}
    # A half is added to each count, so that one of 0 can be drawn above it too.
    chances = (counts + 0.5 / size) / (counts + 0.5 / size).sum()
    drawn = np.random.default_rng(SEED).multinomial(len(found.true), chances, DRAWN)
    tables = np.concatenate([counts[None], drawn]).reshape(-1, size, size)
    scores = by_tables(tables, found.one_each)
    edges = [(1 - level) / 2, (1 + level) / 2]
    rarest = int(counts.reshape(size, size).sum(axis=1).min())
    metrics = {}
    for name, values in scores.items():
        value = float(values[0])
        low, high = (float(end) for end in np.quantile(values[1:], edges))
        each = interval(value, min(low, value), max(high, value))
        metrics[name] = at_edge(each, rarest, level)
    return metrics | exact


def by_tables(tables: npt.NDArray[Any], labels: list[int]) -> dict[str, Numbers]:
    """Return f1, precision and recall of tables by truth and prediction; 0 for 0 of 0."""
    right = np.array([tables[:, at, at] for at in labels], dtype="float64")
    said = np.array([tables[:, :, at].sum(axis=1) for at in labels], dtype="float64")
    were = np.array([tables[:, at].sum(axis=1) for at in labels], dtype="float64")

    def share(above: Numbers, below: Numbers) -> Numbers:
        mean: Numbers = (above / np.where(below > 0, below, 1)).mean(axis=0)
        return mean

    return {
        "f1": share(2 * right, said + were),
        "precision": share(right, said),
        "recall": share(right, were),
    }
