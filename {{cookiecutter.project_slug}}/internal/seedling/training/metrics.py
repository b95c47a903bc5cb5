"""The metrics of each task."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import metrics as sk

from seedling.config import Dataset

Numbers = npt.NDArray[np.float64]


def measure(truth: pd.Series, answer: Mapping[str, Any], dataset: Dataset) -> dict[str, float]:
    """All metrics of the dataset's task.

    Args:
        truth: the target of n rows: labels, or numbers.
        answer: what `predict` answered for them: `predictions` (n), and for classes
            `scores` (n x labels, probabilities) with their `labels`.
        dataset: names the task and the positive label.
    """
    if dataset.task == "regression":
        return regression(truth, np.asarray(answer["predictions"], dtype="float64"))
    return classification(truth, answer, dataset)


def regression(truth: pd.Series, predicted: Numbers) -> dict[str, float]:
    """`rmse` and `mae` in the target's unit, and `r2`, the share of variance explained."""
    return {
        "rmse": float(sk.root_mean_squared_error(truth, predicted)),
        "mae": float(sk.mean_absolute_error(truth, predicted)),
        "r2": float(sk.r2_score(truth, predicted)) if len(truth) > 1 else math.nan,
    }


def classification(
    truth: pd.Series, answer: Mapping[str, Any], dataset: Dataset
) -> dict[str, float]:
    """`roc_auc`, `accuracy`, `f1`, `precision`, `recall`, `log_loss`; `brier` for two labels.

    With more than two labels, f1, precision and recall are the plain mean over the labels, and
    roc_auc that of each label against the rest.
    """
    labels = [str(label) for label in answer["labels"]]
    scores = np.asarray(answer["scores"], dtype="float64")
    true, predicted = truth.map(str), pd.Series(answer["predictions"]).map(str).to_numpy()
    positive = str(dataset.target.positive_label)
    two = len(dataset.target.labels) == 2
    average: dict[str, Any] = (
        {"average": "binary", "pos_label": positive} if two else {"average": "macro"}
    )
    found = {
        "roc_auc": _roc_auc(true, scores, labels, positive, two),
        "accuracy": sk.accuracy_score(true, predicted),
        "f1": sk.f1_score(true, predicted, zero_division=0, **average),
        "precision": sk.precision_score(true, predicted, zero_division=0, **average),
        "recall": sk.recall_score(true, predicted, zero_division=0, **average),
        "log_loss": _log_loss(true, scores, labels),
    }
    if two:
        found["brier"] = sk.brier_score_loss(true == positive, scores[:, labels.index(positive)])
    return {name: float(value) for name, value in found.items()}


def _roc_auc(
    true: pd.Series, scores: Numbers, labels: list[str], positive: str, two: bool
) -> float:
    if two:
        return float(sk.roc_auc_score(true == positive, scores[:, labels.index(positive)]))
    each = [sk.roc_auc_score(true == label, scores[:, at]) for at, label in enumerate(labels)]
    return float(np.mean(each))


def _log_loss(true: pd.Series, scores: Numbers, labels: list[str]) -> float:
    order = np.argsort(labels)
    return float(sk.log_loss(true, scores[:, order], labels=[labels[at] for at in order]))
