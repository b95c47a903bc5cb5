"""Targets, metrics, baseline and plots of spans in text."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seedling.data.distinct import is_missing
from seedling.errors import ProjectError
from seedling.tasks import measuring
from seedling.tasks.intervals import Numbers
from seedling.tasks.protocol import Answer
from seedling.tasks.spans import cells, measured, sections
from seedling.tasks.spans.cells import Span, Spans
from seedling.tasks.training_protocol import Section, TaskTraining
from seedling.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from seedling.config import Dataset, Target
    from seedling.tasks.evidence import Interval

MOST_ROWS = 1_000  # whose cells are looked at to say whether a column is a target
MARKED = 0.95  # of the spans, for a text to give them away
DRAWN = 4  # characters of a made-up span


class SpansTraining(TaskTraining):
    slow = True

    def suits(self, values: pd.Series) -> bool:
        return bool(_labels(values))

    def propose_target(self, values: pd.Series, name: str) -> dict[str, Any]:
        labels = _labels(values)
        if not labels:
            raise ProjectError(
                f"The target {name} has no spans: a cell is a JSON text, "
                '[{"start": 0, "end": 3, "label": "name"}]'
            )
        return {"name": name, "type": "text", "labels": labels}

    def unlearned(self, features: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Name all but the first text, where there is one: `check_features` refuses none."""
        texts = [feature["name"] for feature in features if feature["type"] == "text"]
        others = [feature["name"] for feature in features if feature["name"] not in texts[:1]]
        return dict.fromkeys(others, f"spans are found in {texts[0]}") if texts else {}

    def values(self, rows: pd.DataFrame, target: "Target") -> pd.Series:
        """Return the spans of each of n rows as a tuple, NaN where the cell is missing."""
        found = [np.nan if is_missing(cell) else cells.read(cell) for cell in rows[target.name]]
        truth = pd.Series(np.empty(len(found), dtype=object), index=rows.index)
        for at, spans in enumerate(found):
            truth.iat[at] = spans
        return truth

    def check(self, target: "Target") -> tuple[Callable[[pd.Series], pd.Series], str]:
        labels = {*target.labels}

        def is_valid(cell: Any) -> bool:
            try:
                return {span.label for span in cells.read(cell)} <= labels
            except (ValueError, TypeError):
                return False

        return (
            lambda values: values.map(is_valid).astype(bool),
            "is no JSON list of spans with start, end and one of the target's labels",
        )

    def leak_probe(self, values: pd.Series) -> None:
        return  # the text itself is what spans are found in

    def leaks(self, rows: pd.DataFrame, dataset: "Dataset") -> list[tuple[str, str]]:
        """Name the text if its spans are marked in it already: `<name>Ada</name>`, `[name] Ada`."""
        (column,) = dataset.features
        known = zip(rows[column.name], self.values(rows, dataset.target), strict=True)
        there = [(str(text), found) for text, found in known if isinstance(found, tuple)]
        spans = [(text, span) for text, found in there for span in found]
        if not spans or sum(_is_marked(*each) for each in spans) < MARKED * len(spans):
            return []
        return [(column.name, "has each span's label in brackets before it: remove the marks")]

    def made_up(self, ranks: pd.Series, target: "Target") -> Sequence[Any]:
        labels = [str(label) for label in target.labels]
        made = []
        for rank in ranks:
            label = labels[min(len(labels) - 1, int(rank * len(labels)))]
            items = cells.as_items([Span(0, DRAWN, label)], "")
            made.append(cells.as_json(items))
        return made

    def measure(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, float]:
        return measured.metrics(measured.count([*truth], _predicted(answer)))

    def intervals(
        self,
        truth: pd.Series,
        answer: Mapping[str, Any],
        rows: pd.DataFrame,
        dataset: "Dataset",
        level: float,
    ) -> "dict[str, Interval]":
        counts = measured.by_text([*truth], _predicted(answer))
        found = measured.intervals(counts, level)
        return measuring.with_own_interval(found, truth, answer, dataset, level)

    def sections(
        self,
        model: Any,
        truth: pd.Series,
        answer: Mapping[str, Any],
        rows: pd.DataFrame,
        dataset: "Dataset",
    ) -> list[Section]:
        texts = [str(text) for text in rows[dataset.features[0].name]]
        marks = rows[dataset.marked] if dataset.marked else pd.Series(None, rows.index)
        labels = [str(label) for label in dataset.target.labels]
        return sections.of([*truth], _predicted(answer), texts, marks, labels)

    def profiled(self, answers: pd.DataFrame, dataset: "Dataset") -> pd.DataFrame:
        """Return the number of spans of each label in each of n texts, and of all together.

        The spans and the texts themselves are in no profile: they are personal.
        """
        others = answers.drop(columns=["prediction", "redacted"], errors="ignore")
        if "prediction" not in answers:
            return others
        known = [
            Counter() if is_missing(cell) else Counter(span.label for span in cells.read(cell))
            for cell in answers["prediction"]
        ]
        counts = {"spans": [float(each.total()) for each in known]}
        for label in map(str, dataset.target.labels):
            counts[f"{label} spans"] = [float(each[label]) for each in known]
        return others.assign(**counts)

    def true_after(
        self, shifted: pd.DataFrame, rows: pd.DataFrame, dataset: "Dataset"
    ) -> pd.DataFrame:
        """Look for the pieces of each text that has changed, in their order; drop those gone."""
        name, target = dataset.features[0].name, dataset.target.name
        found = []
        for before, after, cell in zip(rows[name], shifted[name], rows[target], strict=True):
            same = is_missing(cell) or before == after
            found.append(cell if same else _moved(cell, str(before), str(after)))
        return shifted.assign(**{target: found})

    def answered(self, rows: pd.DataFrame, dataset: "Dataset") -> Answer:
        import json

        return {
            "predictions": [json.loads(cell) for cell in rows["prediction"]],
            "redacted": [*rows["redacted"]] if "redacted" in rows else [""] * len(rows),
        }

    def loss_name(self, dataset: "Dataset") -> str:
        return "wrong spans"

    def losses(self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset") -> Numbers:
        """Return the number of each text's spans that are missed or wrong."""
        pairs = zip(truth, _predicted(answer), strict=True)
        return np.array([len({*one} ^ {*other}) for one, other in pairs], dtype="float64")

    def amount(self, truth: pd.Series, dataset: "Dataset") -> str:
        spans = sum(map(len, truth))
        return f"{counted(len(truth), 'row')}, {counted(spans, 'span')}"

    def check_answer(self, answer: Mapping[str, Any], target: "Target") -> None:
        for spans in _predicted(answer):
            assert {span.label for span in spans} <= {*target.labels}
        assert len(answer["redacted"]) == len(answer["predictions"])

    def baseline(self, truth: pd.Series, dataset: "Dataset") -> Answer:
        """Find no span."""
        return {"predictions": [[] for _ in truth], "redacted": [""] * len(truth)}

    def plots(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Callable[[Any], object]]:
        labels = [str(label) for label in dataset.target.labels]
        predicted = _predicted(answer)

        def recalls(axes: Any) -> None:
            shares = []
            for label in labels:
                counts = measured.total(measured.by_text([*truth], predicted, label))
                shares.append(measured.metrics(counts)["recall"])
            axes.barh(labels, shares)
            axes.set_xlim(0, 1)
            axes.set_xlabel("recall")

        return {"Recall by label": recalls}

    def save(self, model: Any, X: pd.DataFrame, folder: "Path") -> None:
        from seedling.tasks.spans.saved import save

        save(model, folder)


def _is_marked(text: str, span: Span) -> bool:
    """Return whether a span's label stands in brackets before it."""
    before = text[max(0, span.start - len(span.label) - 4) : span.start]
    return re.search(rf"[<({{\[]{re.escape(span.label)}\W+$", before, re.IGNORECASE) is not None


def _moved(cell: str, before: str, after: str) -> str:
    """Return a cell of spans of a text for another text that has the same pieces, or some."""
    found, at = [], 0
    for span in cells.read(cell):
        piece = before[span.start : span.end]
        start = after.find(piece, at)
        if start >= 0:
            at = start + len(piece)
            found.append(Span(start, at, span.label)._asdict())
    return cells.as_json(found)


def _predicted(answer: Mapping[str, Any]) -> list[Spans]:
    """Return the spans of an answer to n rows."""
    return [cells.of_items(items) for items in answer["predictions"]]


def _labels(values: pd.Series) -> list[str]:
    """Return the labels of a column's spans, the most frequent first; none if it has no spans."""
    counts: Counter[str] = Counter()
    for cell in values.iloc[:: max(1, len(values) // MOST_ROWS)]:
        try:
            counts.update(span.label for span in cells.read(cell))
        except (ValueError, TypeError):
            return []
    return [label for label, _ in counts.most_common()]
