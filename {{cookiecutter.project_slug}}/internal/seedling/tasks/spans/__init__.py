"""Spans in text: pieces of a text are found and labelled, such as names and dates of birth.

A span is from `start` up to `end`, in characters of the text exactly as it was given, and has one
of the target's labels. The target's cells are JSON texts:
`[{"start": 0, "end": 3, "label": "name"}]`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from seedling.errors import ProjectError
from seedling.tasks.protocol import Answer, Json, Outputs, Task
from seedling.tasks.spans.cells import as_json, redacted
from seedling.tasks.spans.ready import PREDICT, ready_models
from seedling.wording import listed

if TYPE_CHECKING:
    from pathlib import Path

    from seedling.columns.protocol import Column
    from seedling.config import Dataset, Label, Target
    from seedling.scaffold.ready_models import Ready
    from seedling.tasks.training_protocol import TaskTraining

TEXT = "text"


class Spans(Task):
    name = "spans"
    target_types = (TEXT,)
    metrics = ("f2", "partial_f2", "precision", "recall", "f1", "leak_rate")
    lower_is_better = frozenset({"leak_rate"})
    by_row = ("predictions", "redacted")
    shown = (("marks", "predictions"), ("passage", "redacted"))
    copied = "redacted"
    asked_for = True
    compiles = False
    predict_source = PREDICT
    fitting = MappingProxyType({"SpanFinder": "seedling.tasks.spans.model:SpanFinder"})

    @cached_property
    def training(self) -> "TaskTraining":
        from seedling.tasks.spans.training import SpansTraining

        return SpansTraining()

    @property
    def ready_models(self) -> "Mapping[str, Ready]":
        return ready_models()

    def check_target(self, target: "Target") -> None:
        if target.positive is not None or target.rare_classes:
            raise ValueError(f"a target of the task {self.name} has labels only")
        if not target.labels:
            raise ValueError("labels: list the labels of the spans")
        for label in target.labels:
            if not isinstance(label, str) or not label or target.labels.count(label) > 1:
                raise ValueError(f"labels: {label!r} is no text that stands there once")

    def check_features(self, features: "Sequence[Column]") -> None:
        if [column.type for column in features] != [TEXT]:
            others = listed([column.name for column in features if column.type != TEXT])
            wrong = f"{others} is none" if others else "there are several"
            raise ValueError(f"the task {self.name} has one feature, of type {TEXT}: {wrong}")

    def text_column(self, dataset: "Dataset") -> str:
        (column,) = dataset.raw
        return column.name

    def meaning(self, target: "Target") -> tuple[object, ...]:
        return self.name, target.name, target.type, frozenset(target.labels)

    def load(self, folder: "Path") -> Any:
        from seedling.tasks.spans.saved import load

        return load(folder)

    def answer(self, found: Mapping[str, Any], dataset: "Dataset") -> Answer:
        """Return spans as dicts of JSON values, the redacted texts, and the labels."""
        predictions = [[{**span} for span in spans] for spans in found.get("predictions", ())]
        texts = [str(text) for text in found.get("redacted", ())]
        return {"predictions": predictions, "redacted": texts} | self._labels(dataset)

    def _labels(self, dataset: "Dataset") -> Answer:
        return {"scores": [], "labels": [*dataset.target.labels]}

    def compiled(
        self, link: Callable[[Outputs], Outputs], labels: "Sequence[Label]"
    ) -> Callable[[Outputs], Answer]:
        raise ProjectError("A model that finds spans has no compiled form.")

    def difference(
        self, one: Mapping[str, Any], other: Mapping[str, Any], rounding: Sequence[float] = ()
    ) -> float:
        return 0.0 if all(one[key] == other[key] for key in self.by_row) else inf

    def stand_in(self, dataset: "Dataset", count: int) -> Answer:
        """Return the first word of the documentation's text as a span of the first label."""
        (column,) = dataset.features
        text, label = str(column.example()), str(dataset.target.labels[0])
        word = text.split()[0] if text.split() else ""
        start = text.index(word)
        end = start + len(word)
        span = {"start": start, "end": end, "label": label, "text": word}
        return {
            "predictions": [[dict(span)] for _ in range(count)],
            "redacted": [redacted(text, [span])] * count,
        } | self._labels(dataset)

    def answer_schema(self, dataset: "Dataset") -> dict[str, Json]:
        place = {"type": "integer", "minimum": 0}
        label = {"type": "string", "enum": [*dataset.target.labels]}
        properties: Json = {
            "start": place | {"description": "The first character, from 0."},
            "end": place | {"description": "The character behind the last one."},
            "label": label,
            "text": {"type": "string"},
            "score": {"type": "number"},
        }
        span = {
            "type": "object",
            "properties": properties,
            "required": ["start", "end", "label", "text"],
        }
        spans = {
            "type": "array",
            "items": span,
            "description": "In the order of the text, without overlaps; in Unicode characters.",
        }
        text = {"type": "string", "description": "The text with [label] in place of each span."}
        return {
            "predictions": {"type": "array", "items": spans},
            "redacted": {"type": "array", "items": text},
            "scores": {"type": "array", "maxItems": 0, "description": "For classes only."},
            "labels": {"type": "array", "items": label, "description": "Those that a span has."},
        }

    def batch_cells(self, answer: Answer) -> list[list[Any]]:
        """Return the spans as JSON text, and the redacted text, of n rows."""
        pairs = zip(answer["predictions"], answer["redacted"], strict=True)
        return [[as_json(spans), text] for spans, text in pairs]

    def hidden(self, answer: Mapping[str, Any]) -> Answer:
        """Return the spans without their texts: where they are, and their labels."""
        kept = [
            [{key: span[key] for key in span if key != TEXT} for span in spans]
            for spans in answer["predictions"]
        ]
        return {"predictions": kept}

    def facts(self, target: "Target") -> dict[str, str]:
        return {"Labels": listed([str(label) for label in target.labels])}


TASK = Spans()
