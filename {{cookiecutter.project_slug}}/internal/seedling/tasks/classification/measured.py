"""The metrics of classes and their probabilities."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import metrics as sk

from seedling.tasks.classification import positive_label

if TYPE_CHECKING:
    from seedling.config import Target

Numbers = npt.NDArray[np.float64]


def measure(truth: pd.Series, answer: Mapping[str, Any], target: "Target") -> dict[str, float]:
    """Return `roc_auc`, `accuracy`, `f1`, `precision`, `recall`, `log_loss`; for two, `brier`.

    With more than two labels, f1, precision and recall are the plain mean over the labels, and
    roc_auc that of each label against the rest.
    """
    labels = [str(label) for label in answer["labels"]]
    scores = np.asarray(answer["scores"], dtype="float64")
    true, predicted = truth.map(str), pd.Series(answer["predictions"]).map(str).to_numpy()
    positive = str(positive_label(target))
    two = len(target.labels) == 2
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
