"""Classification: one of the target's labels is predicted, with a probability for each."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seedling.data.scalars import plain
from seedling.tasks.classification import thresholds
from seedling.tasks.classification.thresholds import TIE, positive_label
from seedling.tasks.numbers import NUMBER, column_schema
from seedling.tasks.protocol import Answer, Json, Outputs, Task

if TYPE_CHECKING:
    from seedling.config import Dataset, Label, Target
    from seedling.tasks.training_protocol import TaskTraining

MOST_SHOWN = 6  # labels that the page names


class Classification(Task):
    name = "classification"
    target_types = ("category",)
    metrics = ("roc_auc", "accuracy", "f1", "precision", "recall", "log_loss")
    lower_is_better = frozenset({"log_loss", "brier"})
    by_row = ("predictions", "scores")
    shown = (("bars", "scores"),)

    @cached_property
    def training(self) -> "TaskTraining":
        from seedling.tasks.classification.training import ClassificationTraining

        return ClassificationTraining()

    def check_target(self, target: "Target") -> None:
        texts = [str(label) for label in target.labels]
        if len(set(texts)) < 2:
            raise ValueError("a category to predict needs at least two labels")
        if len(set(texts)) < len(texts):
            raise ValueError(f"a label stands more than once in {target.labels}")
        if target.positive is not None and target.positive not in target.labels:
            raise ValueError(f"positive {target.positive!r} is none of the labels {target.labels}")

    def check_threshold(self, target: "Target") -> None:
        if len(target.labels) != 2:
            raise ValueError(
                f"threshold: one number decides between two labels, and there are "
                f"{len(target.labels)}: remove it"
            )

    def check_class_weight(self, target: "Target", labels: "Sequence[Label]") -> None:
        unknown = [label for label in labels if label not in target.labels]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of the labels {target.labels}")

    def outcomes(self, target: "Target") -> "Sequence[Label]":
        return target.labels

    def meaning(self, target: "Target") -> tuple[object, ...]:
        return *super().meaning(target), positive_label(target)

    def answer(self, found: Mapping[str, Any], dataset: "Dataset") -> Answer:
        labels = found.get("labels", dataset.target.labels)
        return {
            "predictions": [plain(value) for value in found.get("predictions", ())],
            "scores": [[plain(value) for value in row] for row in found.get("scores", ())],
            "labels": [plain(value) for value in labels],
        }

    def compiled(
        self, link: Callable[[Outputs], Outputs], labels: "Sequence[Label]"
    ) -> Callable[[Outputs], Answer]:
        labels = list(labels)

        def answer(outputs: Outputs) -> Answer:
            scores = link(outputs)
            predictions = [labels[row.index(max(row))] for row in scores]
            return {"predictions": predictions, "scores": scores, "labels": labels}

        return answer

    def compiled_columns(
        self, link: Callable[[Any], Any], labels: "Sequence[Label]"
    ) -> Callable[[Any], Answer]:
        import numpy as np

        known = np.empty(len(labels), dtype=object)  # texts, numbers and truth values stay these
        known[:] = labels

        def answer(outputs: Any) -> Answer:
            scores = link(outputs)
            predictions = known[scores.argmax(axis=1)]
            return {"predictions": predictions, "scores": scores, "labels": list(labels)}

        return answer

    def decider(self, target: "Target") -> Callable[[Mapping[str, Any]], Mapping[str, Any]] | None:
        return thresholds.decider(target)

    def difference(
        self, one: Mapping[str, Any], other: Mapping[str, Any], rounding: Sequence[float] = ()
    ) -> float:
        """Return the largest difference of the probabilities; infinite if labels contradict.

        Labels may differ only in a row whose two largest probabilities are equal, or rounded so.
        What is rounded is the logits, which the probabilities change by less than.
        """
        here, there = one["predictions"], other["predictions"]
        if len(here) != len(there) or "scores" not in other:
            return math.inf
        worst = 0.0
        for at, scores in enumerate(other["scores"]):
            allowed = rounding[at] if rounding else 0.0
            pairs = zip(one["scores"][at], scores, strict=True)
            worst = max([worst, *(abs(float(a) - float(b)) - allowed for a, b in pairs)])
            first, second = sorted((float(score) for score in scores), reverse=True)[:2]
            if here[at] != there[at] and first - second > TIE + 2 * allowed:
                return math.inf
        return worst

    def aligned(self, answer: Answer, other: Answer) -> Answer:
        order = [answer["labels"].index(label) for label in other["labels"]]
        if hasattr(answer["scores"], "shape"):
            return answer | {"scores": answer["scores"][:, order], "labels": other["labels"]}
        scores = [[row[at] for at in order] for row in answer["scores"]]
        return answer | {"scores": scores, "labels": other["labels"]}

    def stand_in(self, dataset: "Dataset", count: int) -> Answer:
        labels = dataset.target.labels
        return {
            "predictions": labels[:1] * count,
            "scores": [[1 / len(labels)] * len(labels)] * count,
            "labels": labels,
        }

    def answer_example(self, dataset: "Dataset") -> Answer:
        labels = dataset.target.labels
        share = round(0.5 / (len(labels) - 1), 4)
        scores = [[0.5, *[share] * (len(labels) - 1)]]
        return {"predictions": labels[:1], "scores": scores, "labels": labels}

    def answer_schema(self, dataset: "Dataset") -> dict[str, Json]:
        label = {"enum": dataset.target.labels}
        decided = thresholds.sentence(dataset.target)
        described = ". ".join(filter(None, [dataset.target.description.rstrip("."), decided]))
        words = "A row for each instance, in the labels' order."
        return {
            "predictions": column_schema(label, described),
            "scores": {"type": "array", "items": column_schema(NUMBER), "description": words},
            "labels": column_schema(label),
        }

    def batch_columns(self, answer: Answer) -> list[str]:
        return ["prediction", *(f"score_{label}" for label in answer["labels"])]

    def batch_cells(self, answer: Answer) -> list[list[Any]]:
        rows = zip(answer["predictions"], answer["scores"], strict=True)
        return [[prediction, *scores] for prediction, scores in rows]

    def batch_arrays(self, answer: Mapping[str, Any]) -> Sequence[Any]:
        scores = answer["scores"]
        if hasattr(scores, "shape"):
            return [answer["predictions"], *scores.T]
        columns = zip(*scores, strict=True) if scores else [()] * len(answer["labels"])
        return [answer["predictions"], *columns]

    def facts(self, target: "Target") -> dict[str, str]:
        named = ", ".join(str(label) for label in target.labels[:MOST_SHOWN])
        more = len(target.labels) - MOST_SHOWN
        facts = {"Answers": f"{named}, and {more} more" if more > 0 else named}
        decided = thresholds.sentence(target)
        return facts | ({"Decision": decided} if decided else {})


TASK = Classification()
