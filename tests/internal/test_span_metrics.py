"""Metrics of spans, as nervaluate has them, by label and by mark, and what redaction leaves."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator

from seedling.tasks.spans import measured, sections
from seedling.tasks.spans.cells import Span, Spans

LABELS = ["name", "phone"]
FIELDS = st.lists(
    st.tuples(
        *(st.sampled_from([None, *LABELS]), st.sampled_from([None, *LABELS])),
        *(st.integers(0, 2), st.integers(0, 2), st.integers(1, 4)),
    ),
    max_size=6,
)


def texts(fields: Sequence[tuple[Any, ...]]) -> tuple[Spans, Spans]:
    """Return true and predicted spans, of which at most two overlap: one of each."""
    truth, predicted = [], []
    for place, (true, found, start, shift, length) in enumerate(fields):
        at = place * 10
        if true:
            truth.append(Span(at + start, at + start + length, true))
        if found:
            predicted.append(Span(at + shift, at + shift + length, found))
    return tuple(truth), tuple(predicted)


def dicts(spans: Spans) -> list[dict[str, Any]]:
    """Return spans as nervaluate takes them: its `end` is the last character."""
    return [{**span._asdict(), "end": span.end - 1} for span in spans]


@settings(max_examples=60)
@given(st.lists(FIELDS, min_size=1, max_size=4))
def test_precision_and_recall_are_those_of_nervaluate(drawn: list[list[tuple[Any, ...]]]):
    truth, predicted = zip(*map(texts, drawn), strict=True)
    if not any(truth) or not any(predicted):
        return
    loaded = [[dicts(spans) for spans in side] for side in (truth, predicted)]
    theirs = Evaluator(*loaded, tags=LABELS, loader="dict").evaluate()["overall"]
    counts = measured.count(truth, predicted)
    ours = measured.metrics(counts)
    assert ours["precision"] == pytest.approx(theirs["strict"].precision)
    assert ours["recall"] == pytest.approx(theirs["strict"].recall)
    assert ours["f1"] == pytest.approx(theirs["strict"].f1)
    assert counts.touching / counts.predicted == pytest.approx(theirs["ent_type"].precision)
    assert counts.touched / counts.true == pytest.approx(theirs["ent_type"].recall)


def test_one_long_answer_over_two_true_spans_is_one_answer():
    """An answer that runs over two spans is one answer, and it found both of them in part."""
    counts = measured.count([(Span(0, 3, "name"), Span(5, 9, "name"))], [(Span(0, 9, "name"),)])
    assert (counts.touched, counts.touching, counts.right, counts.left) == (2, 1, 0, 0)


def test_what_redaction_leaves_does_not_depend_on_labels():
    truth = [(Span(0, 10, "name"), Span(20, 30, "phone"))]
    predicted = [(Span(0, 10, "phone"), Span(25, 40, "phone"))]
    counts = measured.count(truth, predicted)
    assert (counts.left, counts.characters) == (5, 20)
    of_name = measured.total(measured.by_text(truth, predicted, "name"))
    assert (of_name.left, of_name.characters, of_name.predicted) == (0, 10, 0)


def test_nothing_left_in_few_texts_is_no_proof_of_nothing():
    found = [(Span(0, 5, "name"),)]
    few, many = (
        measured.intervals(measured.by_text(found * count, found * count), 0.95)["leak_rate"]
        for count in (10, 1000)
    )
    assert (few.value, few.low) == (0, 0)
    assert few.high == pytest.approx(0.31, abs=0.01)  # as of 10 of 10 by Clopper and Pearson
    assert many.high == pytest.approx(0.0037, abs=0.0001)


def test_texts_are_drawn_whole_for_an_interval():
    """Ten spans that leak together say less than ten that leak each for itself."""
    whole = [tuple(Span(at, at + 5, "name") for at in range(0, 100, 10))] * 20
    some = [whole[0][: 0 if place < 2 else 10] for place in range(20)]
    spread = [spans[:9] for spans in whole]
    together, apart = (
        measured.intervals(measured.by_text(whole, found), 0.95)["leak_rate"]
        for found in (some, spread)
    )
    assert together.value == apart.value == pytest.approx(0.1)
    assert together.half > 2 * apart.half


def test_the_report_has_a_line_for_each_label_and_each_mark_beside_the_rules():
    text = "Anna Weber, x@example.org"
    truth = [(Span(0, 10, "name"), Span(12, 25, "email"))] * 3
    predicted = [truth[0], truth[0], truth[0][1:]]
    marks = pd.Series([None, "noise", "noise"])
    labels = ["name", "email"]
    by_label, by_mark, both = sections.of(truth, predicted, [text] * 3, marks, labels)
    assert [line[:5] for line in by_label.lines] == [
        ["name", "3", "1", "0.6667", "0.7143"],
        ["email", "3", "1", "1", "1"],
    ]
    assert [line[-2] for line in by_label.lines] == ["0", "1"]  # the rules know no names
    assert [line[:3] for line in by_mark.lines] == [["ordinary", "1", "2"], ["noise", "2", "4"]]
    assert by_mark.lines[1][-3].startswith("21.74% (")  # 10 of 46 characters
    assert [line[:2] for line in both.lines] == [
        [mark, label] for mark in ("ordinary", "noise") for label in labels
    ]
    assert all(
        len(line) == len(part.head) for part in (by_label, by_mark, both) for line in part.lines
    )
    (alone,) = sections.of(truth, predicted, [text] * 3, pd.Series([None] * 3), labels)
    assert alone.title == by_label.title
