"""Truth and answers of classes as arrays: places of labels, and a column of scores for each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.data.distinct import each
from seedling.data.scalars import label_text
from seedling.tasks.classification.thresholds import positive_label

if TYPE_CHECKING:
    from seedling.config import Target

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


class Coded(NamedTuple):
    """The answer to n rows, and their truth where it is known.

    Attributes:
        scores: n x labels, in the target's order.
        predicted: the place of each row's predicted label.
        true: the place of its true one; empty where that is not known.
        positive: the place of the label that counts as positive.
        labels: the texts of all labels.
    """

    scores: Numbers
    predicted: Places
    true: Places
    positive: int
    labels: list[str]

    @property
    def one_each(self) -> list[int]:
        """Return the places of the labels to look at: of two, the positive one says all."""
        return [self.positive] if len(self.labels) == 2 else [*range(len(self.labels))]


def coded(answer: Mapping[str, Any], target: "Target", truth: pd.Series | None = None) -> Coded:
    """Return an answer as arrays; labels that the model lacks have the score 0."""
    labels = [label_text(label) for label in target.labels]
    given = [label_text(label) for label in answer["labels"]]
    said = np.asarray(answer["scores"], dtype="float64").reshape(-1, len(given))
    scores = np.zeros((len(said), len(labels)))
    for at, name in enumerate(labels):
        if name in given:
            scores[:, at] = said[:, given.index(name)]
    index = pd.Index(labels)
    predictions = pd.Series(list(answer["predictions"]), dtype=object)
    return Coded(
        scores,
        index.get_indexer(each(predictions, label_text)),
        np.empty(0, np.intp) if truth is None else index.get_indexer(each(truth, label_text)),
        labels.index(label_text(positive_label(target))),
        labels,
    )
