"""The report's plots of classes and their probabilities."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn import metrics as sk
from sklearn.calibration import CalibrationDisplay

from seedling.data.scalars import label_text
from seedling.tasks.classification.thresholds import positive_label

if TYPE_CHECKING:
    from seedling.config import Target

MOST_CURVES = 8


def of(
    truth: pd.Series, answer: Mapping[str, Any], target: "Target"
) -> dict[str, Callable[[Any], object]]:
    """Return a confusion matrix, ROC curves and calibration curves: one curve for two labels."""
    labels = [label_text(label) for label in answer["labels"]]
    scores = np.asarray(answer["scores"], dtype="float64")
    true, predicted = truth.map(label_text), [label_text(value) for value in answer["predictions"]]
    two = len(labels) == 2
    shown = [label_text(positive_label(target))] if two else labels[:MOST_CURVES]

    def confusion(axes: Any) -> None:
        sk.ConfusionMatrixDisplay.from_predictions(
            true, predicted, labels=labels, ax=axes, cmap="Blues", colorbar=False
        )

    def roc(axes: Any) -> None:
        for label in shown:
            score = scores[:, labels.index(label)]
            sk.RocCurveDisplay.from_predictions(true == label, score, name=label, ax=axes)
        axes.plot([0, 1], [0, 1], ":", color="gray")

    def calibration(axes: Any) -> None:
        for label in shown:
            score = np.clip(scores[:, labels.index(label)], 0, 1)
            CalibrationDisplay.from_predictions(
                true == label, score, n_bins=10, strategy="quantile", name=label, ax=axes
            )

    return {"Confusion matrix": confusion, "ROC curve": roc, "Calibration": calibration}
