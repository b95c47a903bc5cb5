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
from seedling.tasks import measuring
from seedling.tasks.answered import AnsweredLabels
from seedling.tasks.classification import (
    choose_threshold,
    estimated,
    exact,
    measured,
    plots,
    rare_classes,
    reliability,
)
from seedling.tasks.classification.coded import coded
from seedling.tasks.classification.thresholds import positive_label
from seedling.tasks.evidence import Calibration, Estimated, Interval
from seedling.tasks.intervals import Numbers
from seedling.tasks.protocol import Answer
from seedling.tasks.training_protocol import LeakProbe, TaskTraining
from seedling.tasks.values import as_label, integral, is_number

if TYPE_CHECKING:
    from seedling.config import Dataset, Target

MOST_LABELS = 20
LOSSES = {"accuracy": "share of wrong answers", "log_loss": "log loss"}
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

    def answered(self, rows: pd.DataFrame, dataset: "Dataset") -> Answer:
        """Return the answer in the columns `prediction` and `score_<label>` of n rows.

        Raises:
            ProjectError: a label of the dataset has no column of scores.
        """
        labels = dataset.target.labels
        columns = [f"score_{label}" for label in labels]
        gone = [name for name in columns if name not in rows]
        if gone:
            raise ProjectError(f"The predictions have no column {gone[0]}.")
        scores = rows[columns].to_numpy(dtype="float64", na_value=np.nan)
        return {"predictions": rows["prediction"].tolist(), "scores": scores, "labels": labels}

    def loss_name(self, dataset: "Dataset") -> str:
        return LOSSES.get(dataset.metric, "squared error of the scores")

    def losses(self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset") -> Numbers:
        """Return the loss that goes with the dataset's metric; that of scores unless it has one."""
        found = coded(answer, dataset.target, truth)
        if dataset.metric == "accuracy":
            return (found.predicted != found.true).astype("float64")
        return exact.log_loss(found) if dataset.metric == "log_loss" else exact.brier(found)

    def intervals(
        self,
        truth: pd.Series,
        answer: Mapping[str, Any],
        rows: pd.DataFrame,
        dataset: "Dataset",
        level: float,
    ) -> dict[str, Interval]:
        found = exact.intervals(truth, answer, dataset.target, level)
        return measuring.with_own_interval(found, truth, answer, dataset, level)

    def fewest(self, truth: pd.Series, dataset: "Dataset") -> int:
        """Return the number of rows of the rarest label; all for a mean over rows."""
        if dataset.metric in LOSSES:
            return super().fewest(truth, dataset)
        counts = label_texts(truth).value_counts()
        labels = [label_text(label) for label in dataset.target.labels]
        return int(counts.reindex(labels).fillna(0).min())

    def amount(self, truth: pd.Series, dataset: "Dataset") -> str:
        names = label_texts(truth)
        wanted = label_text(positive_label(dataset.target))
        if len(dataset.target.labels) > 2:
            wanted = str(names.value_counts().index[-1])
        return (
            f"{super().amount(truth, dataset)}, {int((names == wanted).sum()):,} of them {wanted}"
        )

    def calibration(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> Calibration | None:
        return reliability.calibration(coded(answer, dataset.target, truth))

    def estimator(
        self, truth: pd.Series, answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Any]:
        """Return how scores go with the truth of held-out rows, and whether that is reliable."""
        return estimated.estimator(coded(answer, dataset.target, truth))

    def estimate(
        self,
        fitted: Mapping[str, Any],
        answer: Mapping[str, Any],
        dataset: "Dataset",
        level: float,
        known: tuple[pd.Series, Mapping[str, Any]] | None = None,
    ) -> Estimated:
        """Estimate all metrics by labels drawn as calibrated scores have them."""
        later = coded(known[1], dataset.target, known[0]) if known else None
        return estimated.estimate(fitted, coded(answer, dataset.target), level, later)

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
