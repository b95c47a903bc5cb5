"""The half of a task that proposes, validates, trains and measures."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from seedling import implementations

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from seedling.config import Dataset, Target
    from seedling.tasks.protocol import Answer


class LeakProbe:
    """The means to measure how well one feature alone predicts the target, by a small tree.

    Args:
        truth: the target of n rows, as the tree learns it.
        tree: makes the estimator; takes `max_depth` and `random_state`.
        guess: the score of a guess that looks at no feature.
        words: how a score is said behind "alone predicts price", `{}` standing for it.
    """

    def __init__(
        self,
        truth: "pd.Series",
        tree: Callable[..., Any],
        guess: float,
        words: str = "with a score of {:.4f}",
    ) -> None:
        self.truth, self.tree, self.guess, self.words = truth, tree, guess, words


class TaskTraining(Protocol):
    """The half of a task that own tables, validation, training and reports use."""

    # Own tables.

    @abstractmethod
    def suits(self, values: "pd.Series") -> bool:
        """Say whether a table's column looks like a target of this task."""

    @abstractmethod
    def propose_target(self, values: "pd.Series", name: str) -> dict[str, Any]:
        """Return the `target` of model.yaml for a column.

        Args:
            values: the column's known values, at least two of them different.
            name: the column's name.

        Raises:
            ProjectError: this task cannot predict the column; the message says why.
        """

    def target_words(self, target: "Mapping[str, Any]") -> str:
        """Return what a proposed `target` decides beside its type; empty if nothing."""
        return ""

    # Rows.

    @abstractmethod
    def values(self, rows: "pd.DataFrame", target: "Target") -> "pd.Series":
        """Return the target of n rows as models learn it, NaN where it is missing."""

    @abstractmethod
    def check(self, target: "Target") -> "tuple[Callable[[pd.Series], pd.Series], str]":
        """Return a function that marks the valid ones of n values, and the message for others."""

    def strata(self, values: "pd.Series") -> "pd.Series":
        """Return the stratum of each of n targets: both sides of a split get a share of each."""
        return values.notna()  # one for all

    def settled(
        self, rows: "pd.DataFrame", dataset: "Dataset"
    ) -> "tuple[pd.DataFrame, Target, list[str]]":
        """Return rows and target as models learn them, and a sentence for each thing to know.

        Args:
            rows: a validated table.
            dataset: its target may say what happens to values that are too few to learn.

        Raises:
            ProjectError: some are too few, and the target does not say what happens to them.
        """
        return rows, dataset.target, []

    @abstractmethod
    def leak_probe(self, values: "pd.Series") -> LeakProbe:
        """Return the probe that finds a feature which gives the target away."""

    @abstractmethod
    def made_up(self, ranks: "pd.Series", target: "Target") -> "Sequence[Any]":
        """Return a target for n rows of a test that grows with `ranks`, numbers from 0 to 1."""

    # Models.

    @abstractmethod
    def measure(
        self, truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, float]:
        """Return all metrics of an answer.

        Args:
            truth: the target of n rows, as `values` gives it.
            answer: the result of `predict` for them.
            dataset: the dataset of the target.
        """

    def scorable(
        self, truth: "pd.Series", answer: Mapping[str, Any], target: "Target", as_places: bool
    ) -> "tuple[Any, Any]":
        """Return an estimator that gives this answer, and the truth, as a scorer takes them.

        Args:
            truth, answer: as in `measure`.
            target: the target.
            as_places: put numbers in the place of labels, of two the larger for the positive one.
        """
        import numpy as np

        from seedling.tasks.answered import AnsweredNumbers

        predictions = np.asarray(answer["predictions"], dtype="float64")
        return AnsweredNumbers(predictions), truth.to_numpy(dtype="float64")

    @abstractmethod
    def check_answer(self, answer: Mapping[str, Any], target: "Target") -> None:
        """Check that an answer of `predict` has the task's shape; AssertionError if not."""

    def decide(
        self, truth: "pd.Series", answer: Mapping[str, Any], target: "Target"
    ) -> "tuple[Target, str]":
        """Return the target with its threshold as a number, and a sentence about it.

        Args:
            truth, answer: as in `measure`, of rows that the model has not learned from.
            target: its `threshold` may say what it is to be chosen for.

        Raises:
            ProjectError: no threshold does that.
        """
        return target, ""

    @abstractmethod
    def baseline(self, truth: "pd.Series", dataset: "Dataset") -> "Answer":
        """Return the best answer to these rows that looks at no feature."""

    @abstractmethod
    def plots(
        self, truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Callable[[Any], object]]:
        """Return the report's plots by title: each draws on a pair of matplotlib's axes."""

    def automl(self, metric: str) -> "tuple[str, str] | None":
        """Return this task's name in Azure's AutoML, and its metric there that is nearest.

        Args:
            metric: the dataset's.

        Returns:
            None if AutoML has no such task.
        """
        return None

    def save(self, model: Any, X: "pd.DataFrame", folder: "Path") -> None:
        """Write a trained model into a new folder in MLflow's format; X has a few of its rows."""
        implementations.find("saving an estimator")(model, X, folder)
