"""Metrics of spans: strict and partial agreement, and what redaction leaves of personal texts."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seedling.tasks.spans.cells import Spans

if TYPE_CHECKING:
    from seedling.tasks.evidence import Interval

DRAWS = 1_000  # of texts, with replacement


class Counts(NamedTuple):
    """The numbers of spans that are right, predicted and true; those of characters of the latter.

    Attributes:
        right: spans with the same start, end and label.
        touched: true spans that one of the same label overlaps.
        touching: predicted spans that overlap a true one of their label.
        predicted, true: all spans.
        left, characters: of the true spans' characters, those in no predicted span, and all.
    """

    right: int
    touched: int
    touching: int
    predicted: int
    true: int
    left: int
    characters: int


def count(truth: Sequence[Spans], predicted: Sequence[Spans]) -> Counts:
    """Return the counts of n texts together."""
    return total(by_text(truth, predicted))


def by_text(truth: Sequence[Spans], predicted: Sequence[Spans], label: str = "") -> list[Counts]:
    """Return the counts of each of n texts.

    Args:
        truth, predicted: the spans of each.
        label: that of the spans to count; all of them unless it is given. Characters in a
            predicted span of another label are not left.
    """
    found = []
    for pair in zip(truth, predicted, strict=True):
        one, other = (tuple(span for span in spans if label in ("", span.label)) for spans in pair)
        found.append(_of_text(one, other, pair[1]))
    return found


def intervals(counts: Sequence[Counts], level: float) -> "dict[str, Interval]":
    """Return the metrics of n texts with intervals, by drawing whole texts.

    A text's spans are found or missed together, so spans are not drawn one by one. Where all were
    found, or none, all draws are alike: see `at_edge`. Where little leaked, the draws may hold none
    of it: the rate may still be as high as one that leaves nothing of so many spans with a
    probability of half of what `level` lacks.
    """
    from seedling.tasks.intervals import SEED, at_edge, interval

    whole = total(counts)
    table = np.array(counts)
    generator = np.random.default_rng(SEED)
    drawn = [
        metrics(Counts(*table[generator.integers(0, len(table), len(table))].sum(axis=0)))
        for _ in range(DRAWS)
    ]
    found = {}
    for name, value in metrics(whole).items():
        column = [each[name] for each in drawn]
        low, high = np.quantile(column, [(1 - level) / 2, (1 + level) / 2])
        if name == "leak_rate" and whole.true:
            high = max(high, 1 - ((1 - level) / 2) ** (1 / whole.true))
        each = interval(value, min(low, value), max(high, value))
        hangs_on = whole.predicted if name == "precision" else whole.true
        found[name] = at_edge(each, hangs_on, level)
    return found


def total(counts: Sequence[Counts]) -> Counts:
    """Return the counts of n texts together."""
    return Counts(*map(sum, zip(*counts, strict=True))) if counts else Counts(*[0] * 7)


def metrics(counts: Counts) -> dict[str, float]:
    """Return the metrics of the task by name."""
    right, touched, touching, predicted, true, left, characters = map(int, counts)
    return {
        "f2": f_beta(right, right, predicted, true, 2),
        "partial_f2": f_beta(touched, touching, predicted, true, 2),
        "precision": ratio(right, predicted),
        "recall": ratio(right, true),
        "f1": f_beta(right, right, predicted, true, 1),
        "leak_rate": ratio(left, characters),
    }


def f_beta(found: int, right: int, predicted: int, true: int, beta: float) -> float:
    """Return the F score; recall weighs `beta` times as much as precision.

    Args:
        found: true spans that were found.
        right: predicted spans that are right.
        predicted, true: all spans.
        beta: the weight.
    """
    precision, recall = ratio(right, predicted), ratio(found, true)
    weight = beta**2
    return ratio((1 + weight) * precision * recall, weight * precision + recall)


def _of_text(truth: Spans, predicted: Spans, redacted: Spans) -> Counts:
    covered = {at for span in redacted for at in range(span.start, span.end)}
    personal = {at for span in truth for at in range(span.start, span.end)}
    return Counts(
        len({*truth} & {*predicted}),
        _overlapping(truth, predicted),
        _overlapping(predicted, truth),
        len(predicted),
        len(truth),
        len(personal - covered),
        len(personal),
    )


def _overlapping(spans: Spans, others: Iterable) -> int:
    """Return how many of the spans overlap one of the others with the same label."""
    return sum(
        any(
            span.label == other.label and span.start < other.end and other.start < span.end
            for other in others
        )
        for span in spans
    )


def ratio(part: float, whole: float) -> float:
    """Return a share; 0 of nothing."""
    return part / whole if whole else 0.0
