"""The probability from which the positive one of two labels is predicted."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from seedling.data.scalars import short

if TYPE_CHECKING:
    from seedling.config import Label, Target

TIE = 1e-6  # probabilities as near as this are equal: what a compiled model may differ by


def positive_label(target: "Target") -> "Label":
    """Return the label that ROC, precision and recall count as positive: the last unless named."""
    return target.labels[-1] if target.positive is None else target.positive


def decider(target: "Target") -> Callable[[Mapping[str, Any]], Mapping[str, Any]] | None:
    """Return the function that puts the predictions by the target's threshold into an answer.

    A probability that equals the threshold up to rounding is positive. None where the target has
    no threshold, or one that is still to be chosen.
    """
    if not isinstance(target.threshold, float):
        return None
    least = target.threshold - TIE
    positive = positive_label(target)
    (negative,) = (label for label in target.labels if label != positive)

    def decide(answer: Mapping[str, Any]) -> Mapping[str, Any]:
        scores = answer["scores"]
        place = list(answer["labels"]).index(positive)
        # One column of an array at once: a row of it at a time takes ten times as long.
        shares = scores[:, place].tolist() if hasattr(scores, "shape") else _column(scores, place)
        predictions = [positive if share >= least else negative for share in shares]
        return {**answer, "predictions": predictions}

    return decide


def _column(scores: list[list[float]], place: int) -> list[float]:
    return [row[place] for row in scores]


def sentence(target: "Target") -> str:
    """Return how the label follows from its probability; empty without a threshold."""
    if not isinstance(target.threshold, float):
        return ""
    return f"{positive_label(target)} from a probability of {short(target.threshold)}"
