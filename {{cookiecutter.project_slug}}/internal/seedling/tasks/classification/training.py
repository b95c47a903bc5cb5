"""Targets, metrics, baseline and plots of classification."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from seedling.data.distinct import each, label_texts
from seedling.data.scalars import label_text
from seedling.data.spelled import is_yes_and_no, truth
from seedling.errors import ProjectError
from seedling.tasks.answered import AnsweredLabels
from seedling.tasks.classification import choose_threshold, measured, plots, rare_classes
from seedling.tasks.classification.thresholds import positive_label
from seedling.tasks.protocol import Answer
from seedling.tasks.training_protocol import LeakProbe, TaskTraining
from seedling.tasks.values import as_label, integral, is_number

if TYPE_CHECKING:
    from seedling.config import Dataset, Target

MOST_LABELS = 20
# The metrics of Azure's AutoML that are nearest to ours.
AUTOML = {"accuracy": "accuracy", "f1": "average_precision_score_weighted"}


class ClassificationTraining(TaskTraining):
    def suits(self, values: pd.Series) -> bool:
        return values.nunique() <= MOST_LABELS and (not is_number(values) or integral(values))

    def propose_target(self, values: pd.Series, name: str) -> dict[str, Any]:
        if not self.suits(values):
            raise ProjectError(
                f"The target {name} has {values.nunique()} different values, and classes are at "
                f"most {MOST_LABELS} words or whole numbers"
            )
        found = (as_label(value) for value in values.unique())
        labels = sorted(found, key=lambda label: (str(type(label)), label))
        target = {"name": name, "type": "category", "labels": labels}
        if len(labels) > 2:
            return target
        said = [label for label in labels if truth(label_text(label))]
        words = frozenset(label_text(label).casefold() for label in labels)
        return target | {"positive": said[0] if is_yes_and_no(words) else labels[-1]}

    def target_words(self, target: Mapping[str, Any]) -> str:
        if "positive" in target:
            return f"{target['positive']} is positive"
        return f"{len(target['labels'])} labels"

    def values(self, rows: pd.DataFrame, target: "Target") -> pd.Series:
        labels = {label_text(label): label for label in target.labels}
        cells = rows[target.name]
        return each(cells, lambda cell: labels.get(label_text(cell), np.nan), dtype=None)

    def check(self, target: "Target") -> tuple[Callable[[pd.Series], pd.Series], str]:
        known = {label_text(label) for label in target.labels}

        def fits(values: pd.Series) -> pd.Series:
            return each(values, lambda value: label_text(value) in known, dtype=bool)

        return fits, "is none of its labels"

    def strata(self, values: pd.Series) -> pd.Series:
        return label_texts(values)

    def settled(
        self, rows: pd.DataFrame, dataset: "Dataset"
    ) -> tuple[pd.DataFrame, "Target", list[str]]:
        return rare_classes.settled(rows, dataset, self.values(rows, dataset.target))

    def leak_probe(self, values: pd.Series) -> LeakProbe:
        truth = label_texts(values)
        most_frequent = truth[1::2].value_counts(normalize=True).max()
        words = "for {:.2%} of rows"
        return LeakProbe(truth, DecisionTreeClassifier, float(most_frequent), words)

    def made_up(self, ranks: pd.Series, target: "Target") -> Sequence[Any]:
        labels = target.labels
        places = np.minimum((ranks * len(labels)).astype(int), len(labels) - 1)
        return [labels[place] for place in places]

    def measure(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, float]:
        return measured.measure(truth, answer, dataset.target)

    def scorable(
        self, truth: pd.Series, answer: Mapping[str, Any], target: "Target", as_places: bool
    ) -> tuple[Any, Any]:
        labels = sorted(target.labels, key=lambda label: label == positive_label(target))
        if not as_places:  # in the order in which a classifier of scikit-learn has them
            labels = sorted(target.labels, key=lambda label: (str(type(label)), label))
        names = [label_text(label) for label in labels]
        given = [label_text(label) for label in answer["labels"]]
        classes = np.arange(len(labels)) if as_places else np.asarray(labels)
        true, predicted = (
            classes[pd.Index(names).get_indexer(each(values, label_text))]
            for values in (truth, pd.Series(answer["predictions"]))
        )
        scores = np.asarray(answer["scores"], dtype="float64")
        return AnsweredLabels(
            predicted, scores[:, [given.index(name) for name in names]], classes
        ), true

    def check_answer(self, answer: Mapping[str, Any], target: "Target") -> None:
        assert set(answer["labels"]) == set(target.labels)
        np.testing.assert_allclose(np.sum(answer["scores"], axis=1), 1, atol=1e-5)

    def decide(
        self, truth: pd.Series, answer: Mapping[str, Any], target: "Target"
    ) -> tuple["Target", str]:
        return choose_threshold.decide(truth, answer, target)

    def baseline(self, truth: pd.Series, dataset: "Dataset") -> Answer:
        """Return the most frequent label for every row, with the labels' shares as scores."""
        labels = dataset.target.labels
        shares = label_texts(truth).value_counts(normalize=True)
        scores = [float(shares.get(label_text(label), 0.0)) for label in labels]
        prediction = labels[int(np.argmax(scores))]
        count = len(truth)
        return {"predictions": [prediction] * count, "scores": [scores] * count, "labels": labels}

    def automl(self, metric: str) -> tuple[str, str]:
        return "classification", AUTOML.get(metric, "AUC_weighted")

    def plots(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Callable[[Any], object]]:
        return plots.of(truth, answer, dataset.target)
