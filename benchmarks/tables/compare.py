"""Scores on the same rows, and how sure their difference is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import r2_score, roc_auc_score

DRAWS = 400
LEVEL = (2.5, 97.5)


class Truth(NamedTuple):
    """The holdout's target: numbers, or texts and the labels that they are of."""

    values: Any
    labels: list[str]

    @property
    def metric(self) -> str:
        return "AUC" if self.labels else "R²"

    def score(self, scores: Any, rows: Any = slice(None)) -> float:
        """AUC of the second label, the mean of one-against-rest AUCs, or R²; NaN if undefined."""
        truth, said = self.values[rows], scores[rows]
        if not self.labels:
            return float(r2_score(truth, said))
        aucs = [
            float(roc_auc_score(truth == label, said[:, at]))
            for at, label in enumerate(self.labels)
            if (at or len(self.labels) > 2) and 0 < (truth == label).sum() < len(truth)
        ]
        return float(np.mean(aucs)) if aucs else float("nan")


def truth(values: Sequence[Any], labels: Sequence[str]) -> Truth:
    if not labels:
        return Truth(np.array(values, dtype=float), [])
    return Truth(np.array([text(value) for value in values]), [text(label) for label in labels])


def text(value: Any) -> str:
    """A label as text: 1, 1.0 and "1" alike."""
    try:
        return f"{float(value):g}"
    except ValueError:
        return str(value)


def in_order(scores: Any, labels: Sequence[str], truth: Truth) -> Any:
    """A peer's probabilities in the order of the truth's labels."""
    if not truth.labels:
        return scores
    known = [text(label) for label in labels]
    columns = [scores[:, known.index(label)] if label in known else None for label in truth.labels]
    return np.column_stack([np.zeros(len(scores)) if each is None else each for each in columns])


def interval(truth: Truth, ours: Any, theirs: Any) -> tuple[float, float]:
    """95 % of the differences in rows drawn from the holdout with replacement, ours less theirs."""
    draw = np.random.default_rng(0)
    found = []
    for _ in range(DRAWS):
        rows = draw.integers(0, len(truth.values), len(truth.values))
        found.append(truth.score(ours, rows) - truth.score(theirs, rows))
    low, high = np.nanpercentile(found, LEVEL)
    return float(low), float(high)
