"""The metrics of classes and their probabilities."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import metrics as sk

from seedling.data.distinct import each
from seedling.tasks.classification.thresholds import positive_label

if TYPE_CHECKING:
    from seedling.config import Target

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]  # of a label in the order of their texts


def measure(truth: pd.Series, answer: Mapping[str, Any], target: "Target") -> dict[str, float]:
    """Return `roc_auc`, `accuracy`, `f1`, `precision`, `recall`, `log_loss`; for two, `brier`.

    With more than two labels, f1, precision and recall are the plain mean over the labels, and
    roc_auc that of each label against the rest.
    """
    scores = np.asarray(answer["scores"], dtype="float64")
    given = [str(label) for label in answer["labels"]]
    positive: Any = str(positive_label(target))
    texts = [each(values, str) for values in (truth, pd.Series(answer["predictions"]))]
    # Numbers in the order of the texts: scikit-learn sorts labels, which takes long with text.
    order = pd.Index(sorted({*given, positive, *texts[0].unique(), *texts[1].unique()}))
    true, predicted = (order.get_indexer(text) for text in texts)
    labels, positive = order.get_indexer(given).tolist(), order.get_loc(positive)
    two = len(target.labels) == 2
    average: dict[str, Any] = (
        {"average": "binary", "pos_label": positive} if two else {"average": "macro"}
    )
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        true, predicted, zero_division=0, **average
    )
    found = {
        "roc_auc": _roc_auc(true, scores, labels, positive, two),
        "accuracy": sk.accuracy_score(true, predicted),
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "log_loss": _log_loss(true, scores, labels),
    }
    if two:
        found["brier"] = sk.brier_score_loss(true == positive, scores[:, labels.index(positive)])
    return {name: float(value) for name, value in found.items()}


def _roc_auc(true: Places, scores: Numbers, labels: list[int], positive: int, two: bool) -> float:
    if two:
        return float(sk.roc_auc_score(true == positive, scores[:, labels.index(positive)]))
    each = [sk.roc_auc_score(true == label, scores[:, at]) for at, label in enumerate(labels)]
    return float(np.mean(each))


def _log_loss(true: Places, scores: Numbers, labels: list[int]) -> float:
    order = np.argsort(labels)
    return float(sk.log_loss(true, scores[:, order], labels=[labels[at] for at in order]))
