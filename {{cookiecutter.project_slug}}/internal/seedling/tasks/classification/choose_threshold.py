"""Choose a threshold on rows that the model has not learned from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.data.distinct import each
from seedling.data.scalars import label_text, short
from seedling.errors import ProjectError
from seedling.tasks.classification.thresholds import TIE, positive_label, sentence
from seedling.wording import counted

if TYPE_CHECKING:
    from seedling.config import Target

Numbers = npt.NDArray[np.float64]


def decide(truth: pd.Series, answer: Mapping[str, Any], target: "Target") -> "tuple[Target, str]":
    """Return the target with its threshold as a number, and a sentence about it.

    Raises:
        ProjectError: no threshold reaches the precision.
    """
    wanted = target.threshold
    if wanted is None:
        return target, ""
    if isinstance(wanted, float):
        return target, f"Predicts {sentence(target)}, as model.yaml says."
    positive = label_text(positive_label(target))
    place = [label_text(label) for label in answer["labels"]].index(positive)
    true = each(truth, label_text).to_numpy() == positive
    scores = np.asarray(answer["scores"], dtype="float64")[:, place]
    threshold, words = _chosen(true, scores, wanted)
    chosen = target.model_copy(update={"threshold": threshold})
    return chosen, f"Predicts {sentence(chosen)}: {words} on {counted(len(true), 'row')}."


def _chosen(true: npt.NDArray[np.bool_], scores: Numbers, wanted: Any) -> tuple[float, str]:
    """Return the threshold, and what it reaches, in words."""
    thresholds, positives, hits = _candidates(true, scores)
    recall, precision = hits / max(1, true.sum()), hits / positives
    if wanted.recall is not None:  # of those that find enough, the one with the fewest alarms
        at = int(np.flatnonzero(recall >= wanted.recall)[0])
    elif wanted.precision is not None:  # of those that are sure enough, the one that finds most
        enough = np.flatnonzero(precision >= wanted.precision)
        if not len(enough):
            raise ProjectError(
                f"threshold: no probability reaches a precision of {wanted.precision:g} on the "
                f"training rows, the most is {short(float(precision.max()))}: ask for less."
            )
        at = int(enough[-1])
    else:
        missed, false = true.sum() - hits, positives - hits
        cost = missed * wanted.cost.false_negative + false * wanted.cost.false_positive
        at = int(np.argmin(cost))
        mean = short(float(cost[at] / len(true)))
        return float(thresholds[at]), f"a cost of {mean} for each row, the least"
    return float(thresholds[at]), f"recall {short(recall[at])}, precision {short(precision[at])}"


def _candidates(
    true: npt.NDArray[np.bool_], scores: Numbers
) -> tuple[Numbers, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return thresholds from high to low, with the rows at or above each and the true ones of them.

    A threshold is in the middle between two neighbouring scores, so that no rounding moves a row
    across it; scores that are equal but for rounding are not parted.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(-np.diff(ranked) > 4 * TIE), len(ranked) - 1)
    below = np.append(ranked[last[:-1] + 1], 0.0)
    thresholds = np.clip((ranked[last] + below) / 2, 2 * TIE, 1 - 2 * TIE)
    return thresholds, last + 1, np.cumsum(true[order])[last]
