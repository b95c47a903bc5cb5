"""The report's sections about spans: by label, by mark, and both, beside the rules alone."""

from collections.abc import Sequence

import pandas as pd

from seedling.data.distinct import is_missing
from seedling.data.scalars import short
from seedling.tasks.intervals import LEVEL
from seedling.tasks.spans import measured, rules
from seedling.tasks.spans.cells import Spans
from seedling.tasks.spans.measured import Counts
from seedling.tasks.training_protocol import Section

ORDINARY = "ordinary"
WORDS = (
    "A span is strictly right with the same start, end and label as a true one, and partly right "
    "if it overlaps one of its label. F2 weighs what is missed more than what is found too much. "
)
LEAKS = (
    "What leaks is the share of the true spans' characters that redaction leaves, whatever the "
    f"label, with the interval that holds the true share in {LEVEL:.0%} of such samples of texts. "
    "The rules alone find what has a checksum or a clear pattern. "
)
STRICT_AND_PARTIAL = (
    *("precision", "recall", "F2"),
    *("precision, partly", "recall, partly", "F2, partly"),
)
BY_RULES = ("F2, rules alone", "leaks, rules alone")


def of(
    truth: Sequence[Spans],
    predicted: Sequence[Spans],
    texts: Sequence[str],
    marks: pd.Series,
    labels: Sequence[str],
) -> list[Section]:
    """Return the sections of n held-out texts.

    Args:
        truth, predicted: the spans of each.
        texts: the texts.
        marks: by which each text is held out; missing where it is an ordinary one.
        labels: the target's.
    """
    ruled = [
        tuple(found.span for found in rules.find(text) if found.span.label in labels)
        for text in texts
    ]
    every = slice(None)
    answers = (truth, predicted, ruled)
    by_label = [[label, *_line(*_part(answers, every, label))] for label in labels]
    found = [
        Section(
            "Spans by label",
            f"{WORDS}{LEAKS}",
            head=("label", "spans", *STRICT_AND_PARTIAL, "leaks", *BY_RULES),
            lines=by_label,
        )
    ]
    names = [ORDINARY if is_missing(mark) else str(mark) for mark in marks]
    kinds = sorted(set(names), key=lambda name: (name != ORDINARY, name))
    if len(kinds) < 2:
        return found
    places = {kind: [at for at, name in enumerate(names) if name == kind] for kind in kinds}
    head = ("texts", "count", "spans", *STRICT_AND_PARTIAL, "leaks", *BY_RULES)
    lines = [[kind, f"{len(at):,}", *_line(*_part(answers, at))] for kind, at in places.items()]
    both = [
        [kind, label, *_line(*_part(answers, at, label))]
        for kind, at in places.items()
        for label in labels
    ]
    words = "Texts that are held out for their mark are never learned from."
    return [
        *found,
        Section("Spans by mark", words, head=head, lines=lines),
        Section("Spans by mark and label", head=("texts", "label", *head[2:]), lines=both),
    ]


def _part(
    answers: tuple[Sequence[Spans], ...], places: "Sequence[int] | slice", label: str = ""
) -> tuple[list[Counts], list[Counts]]:
    """Return the counts of some texts, and of the rules alone; of one label if it is given."""
    parts = [
        [*texts][places] if isinstance(places, slice) else [texts[at] for at in places]
        for texts in answers
    ]
    truth, predicted, ruled = parts
    return measured.by_text(truth, predicted, label), measured.by_text(truth, ruled, label)


def _line(counts: Sequence[Counts], ruled: Sequence[Counts]) -> list[str]:
    """Return the cells of a line behind its name."""
    whole = measured.total(counts)
    strict = (whole.right, whole.right)
    partly = (whole.touched, whole.touching)
    numbers = []
    for hit, right in (strict, partly):
        precision = measured.ratio(right, whole.predicted)
        recall = measured.ratio(hit, whole.true)
        f2 = measured.f_beta(hit, right, whole.predicted, whole.true, 2)
        numbers += [short(precision), short(recall), short(f2)]
    leaks = measured.intervals(counts, LEVEL)["leak_rate"]
    alone = measured.metrics(measured.total(ruled))
    return [
        f"{whole.true:,}",
        *numbers,
        f"{leaks.value:.2%} ({leaks.low:.2%} to {leaks.high:.2%})",
        short(alone["f2"]),
        f"{alone['leak_rate']:.1%}",
    ]
