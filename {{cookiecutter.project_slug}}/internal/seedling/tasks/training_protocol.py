"""The half of a task that proposes, validates, trains and measures."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from seedling import implementations
from seedling.errors import ProjectError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from seedling.config import Dataset, Target
    from seedling.tasks.evidence import Calibration, Coverage, Estimated, Interval
    from seedling.tasks.intervals import Numbers
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


class Setback(msgspec.Struct, frozen=True):
    """A part of the held-out rows, with an error of the new model there and of its champion."""

    name: str
    rows: int
    error: float
    champion: float


class Setbacks(msgspec.Struct, frozen=True, omit_defaults=True):
    """The parts of the held-out rows on which a new model does worse than its champion.

    Attributes:
        kind: what a part is, as a noun: `group`; empty for a task that has no parts.
        metric: the name of the errors.
        parts: the number of all parts.
        worse: the number of those that got worse.
        listed: the worst of them, what adds most to the whole error first.
    """

    kind: str = ""
    metric: str = ""
    parts: int = 0
    worse: int = 0
    listed: list[Setback] = []


class Section(NamedTuple):
    """A section of the report: a heading, sentences, drawings by their titles, and a table."""

    title: str
    words: str = ""
    plots: "Mapping[str, Callable[[Any], object]]" = MappingProxyType({})
    head: Sequence[str] = ()
    lines: Sequence[Sequence[str]] = ()


class TaskTraining(Protocol):
    """The half of a task that own tables, validation, training, reports and monitoring use."""

    covered: float | None = None  # the share of rows that the answers' intervals are made to hold
    slow: bool = False  # a fit takes long: cross-validation, and what repeats answers, is asked for

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

    def proposed_groups(
        self, rows: "pd.DataFrame", target: str, groups: "Sequence[str] | None"
    ) -> list[str]:
        """Return the `groups` of model.yaml for a table; none for a task that has no groups.

        Args:
            rows: the table.
            target: the column to predict.
            groups: the columns that were named, if any.

        Raises:
            ProjectError: the task has no groups and some were named, or it needs some.
        """
        if groups:
            raise ProjectError("--groups: this task has no groups: leave the option out.")
        return []

    def unlearned(self, features: "Sequence[Mapping[str, Any]]") -> dict[str, str]:
        """Name those of proposed `features` that the task cannot learn from, each with why."""
        return {}

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
    def leak_probe(self, values: "pd.Series") -> LeakProbe | None:
        """Return the probe that finds a feature which gives the target away, if not `leaks`."""

    def leaks(self, rows: "pd.DataFrame", dataset: "Dataset") -> list[tuple[str, str]]:
        """List features that give the target away in a way of this task, each with what they do."""
        return []

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

    def measure_rows(
        self,
        truth: "pd.Series",
        answer: Mapping[str, Any],
        rows: "pd.DataFrame",
        dataset: "Dataset",
    ) -> dict[str, float]:
        """Return the metrics for which the rows' other columns are needed too; none by default.

        Args:
            truth, answer, dataset: as in `measure`.
            rows: the n rows of the dataset's file.
        """
        return {}

    def setbacks(
        self,
        truth: "pd.Series",
        answer: Mapping[str, Any],
        before: Mapping[str, Any],
        rows: "pd.DataFrame",
        dataset: "Dataset",
    ) -> Setbacks:
        """Return the parts of the rows on which an answer is worse than the champion's, `before`.

        The other arguments are those of `measure_rows`.
        """
        return Setbacks()

    # Monitoring: what is counted of rows and answers.

    def profiled(self, answers: "pd.DataFrame", dataset: "Dataset") -> "pd.DataFrame":
        """Return the columns of numbers and texts that are counted of n answers.

        Args:
            answers: their columns, those of `Task.batch_columns`, or some of them.
            dataset: the dataset of the target.
        """
        return answers

    def true_after(
        self, shifted: "pd.DataFrame", rows: "pd.DataFrame", dataset: "Dataset"
    ) -> "pd.DataFrame":
        """Return n rows of a simulated month with the target that is true of them.

        Args:
            shifted: the rows, some of whose features were changed; the target is that of before.
            rows: the same rows before that.
            dataset: theirs.
        """
        return shifted

    # Monitoring: what truth says of answers, long after they were given.

    def answered(self, rows: "pd.DataFrame", dataset: "Dataset") -> "Answer":
        """Return the answer that n rows have in their columns, those of `Task.batch_columns`."""
        from seedling import tasks

        others = [key for key in tasks.of(dataset).by_row if key != "predictions"]
        found = {key: rows[key].to_numpy() for key in others if key in rows}
        return {"predictions": rows["prediction"].to_numpy(), **found}

    def loss_name(self, dataset: "Dataset") -> str:
        """Return what `losses` are, as a noun."""
        from seedling import tasks

        return "wrong answers" if tasks.of(dataset).outcomes(dataset.target) else "squared error"

    def losses(
        self, truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset"
    ) -> "Numbers":
        """Return the loss of each of n rows, lower being better; its mean compares two versions.

        The squared error of a number, and 1 for a wrong answer that is none.

        Args:
            truth, answer, dataset: as in `measure`.
        """
        import numpy as np

        said = np.asarray(answer["predictions"])
        if truth.dtype.kind not in "fiu":
            return np.asarray(truth.to_numpy() != said, dtype="float64")
        errors: Numbers = truth.to_numpy(dtype="float64") - said.astype("float64")
        return errors**2

    def intervals(
        self,
        truth: "pd.Series",
        answer: Mapping[str, Any],
        rows: "pd.DataFrame",
        dataset: "Dataset",
        level: float,
    ) -> "dict[str, Interval]":
        """Return all metrics of an answer, each with an interval.

        Args:
            truth, answer, rows, dataset: as in `measure_rows`.
            level: the probability that an interval holds the true metric.

        Raises:
            ValueError: the rows do not allow it: all are of one class.
        """
        from seedling.tasks.intervals import of_any
        from seedling.tasks.measuring import measure, taken

        def measured(at: Any) -> dict[str, float]:
            try:
                part = taken(answer, at, dataset)
                return measure(truth.iloc[at], part, dataset, rows.iloc[at])
            except ProjectError as error:
                raise ValueError(str(error)) from None

        return of_any(measured, len(truth), level)

    def fewest(self, truth: "pd.Series", dataset: "Dataset") -> int:
        """Return on how many of n rows the deciding metric hangs: all unless the task says so."""
        return len(truth)

    def amount(self, truth: "pd.Series", dataset: "Dataset") -> str:
        """Return how much truth there is, as words: `1,000 rows, 25 of them yes`."""
        from seedling.wording import counted

        return counted(len(truth), "row")

    def calibration(
        self, truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset"
    ) -> "Calibration | None":
        """Return how far scores say what then happens; None for answers without scores."""
        return None

    def coverage(
        self, truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset", level: float
    ) -> "Coverage | None":
        """Return how many rows are within `low` and `high` of their answers; None without these."""
        from seedling.tasks import between

        return between.coverage(truth, answer, self.covered, level) if "low" in answer else None

    def estimator(
        self, truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Any]:
        """Return what `estimate` needs to know of held-out rows, as JSON values."""
        from seedling.tasks import between

        return between.estimator(truth, answer) if "low" in answer else {}

    def reference(
        self,
        truth: "pd.Series",
        answer: Mapping[str, Any],
        rows: "pd.DataFrame",
        dataset: "Dataset",
    ) -> bytes:
        """Return the performance on held-out rows as JSON, an `evidence.Then`, for the profile.

        The arguments are those of `measure_rows`.
        """
        from seedling.tasks import then

        return msgspec.json.encode(then.of(self, truth, answer, rows, dataset))

    def estimate(
        self,
        fitted: Mapping[str, Any],
        answer: Mapping[str, Any],
        dataset: "Dataset",
        level: float,
        known: "tuple[pd.Series, Mapping[str, Any]] | None" = None,
    ) -> "Estimated":
        """Estimate the metrics of an answer without its truth.

        Args:
            fitted: the result of `estimator` for the version's held-out rows.
            answer: the answer to n rows.
            dataset: the dataset of the target.
            level: the probability that an interval holds the metric of these rows.
            known: later rows' truth and the answers to them, where there are any: an estimate that
                they contradict is refused.
        """
        from seedling.tasks import between
        from seedling.tasks.evidence import Estimated

        if "low" in answer:
            return between.estimate(fitted, answer, level, known)
        return Estimated(refused="its answers say nothing about how sure they are")

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

    def sections(
        self,
        model: Any,
        truth: "pd.Series",
        answer: Mapping[str, Any],
        rows: "pd.DataFrame",
        dataset: "Dataset",
    ) -> list[Section]:
        """Return the report's sections beside the usual ones.

        Args:
            model: what train_model returned.
            truth, answer, rows, dataset: as in `measure_rows`.
        """
        return []

    def arguments(self, dataset: "Dataset") -> dict[str, Any]:
        """Return what train_model is given of the dataset, where it takes it, by name."""
        return {}

    def leave(self, model: Any, dataset: "Dataset", folder: "Path") -> None:
        """Write the files that the task `leaves` beside a trained model into its folder."""
        return

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
