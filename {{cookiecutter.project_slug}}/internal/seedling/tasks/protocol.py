"""What a task is: everything that depends on what is predicted, in two halves.

`Task` is what configuration and the service need; it must import neither numpy nor pandas. Its
`training` is the other half, `TaskTraining`, imported where models are trained and measured. What
has a body here fits most tasks; a task gives the rest.

An answer to n rows is a dict: under each key of `by_row` a list of n items, `predictions` always
among them; what stands under its other keys holds for all rows.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from seedling import implementations
from seedling.data.scalars import plain
from seedling.tasks.numbers import largest_difference

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from seedling.config import Dataset, Label, Target
    from seedling.scaffold.ready_models import Ready

Answer = dict[str, Any]
Json = dict[str, Any]
Outputs = list[list[float]]  # n x outputs: what a compiled model computes, before its link


class Task(Protocol):
    """What configuration, scaffold and service need of a task."""

    name: str  # as model.yaml has it
    predicts: str  # in words, for messages: "numbers"
    target_types: tuple[str, ...]
    metrics: tuple[str, ...]  # those that may decide; the first unless model.yaml says which
    lower_is_better: frozenset[str] = frozenset()  # among all that is measured
    by_row: tuple[str, ...] = ("predictions",)
    # How the page shows the first item of a key, below the prediction: "bars" over `labels`, or
    # "number" with the key as its name.
    shown: tuple[tuple[str, str], ...] = ()

    @property
    def training(self) -> "TaskTraining":
        """What trains and measures; only here are pandas and scikit-learn imported."""
        ...

    # Configuration.

    def check_target(self, target: "Target") -> None:
        """Refuse a target of model.yaml that cannot be predicted so.

        Raises:
            ValueError: what is wrong with it; file, line and key are put in front.
        """
        ...

    def outcomes(self, target: "Target") -> "Sequence[Label]":
        """Return what predictions are chosen from; empty where they are no choice."""
        return ()

    def meaning(self, target: "Target") -> tuple[object, ...]:
        """Return what must be equal for two models' metrics to be comparable."""
        return self.name, target.name, target.type, frozenset(self.outcomes(target))

    # Answers.

    def load(self, folder: "Path") -> Any:
        """Read a model that `training.save` wrote, once its files were verified.

        Raises:
            ProjectError: it cannot be read: "is no scikit-learn model."
        """
        from seedling.registry.model_files import load_estimator

        return load_estimator(folder)

    def answer(self, found: Mapping[str, Any], dataset: "Dataset") -> Answer:
        """Return what a team's `predict` found, as JSON can carry it; `{}` stands for no rows."""
        return {key: [plain(value) for value in found.get(key, ())] for key in self.by_row}

    def compiled(
        self, link: Callable[[Outputs], Outputs], labels: "Sequence[Label]"
    ) -> Callable[[Outputs], Answer]:
        """Return what makes an answer of a compiled model's raw outputs.

        Args:
            link: turns the outputs into what the estimator predicts: probabilities, or numbers.
            labels: the estimator's classes; none where it is a regressor.
        """
        ...

    def difference(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
        """Return the largest difference of two answers; infinite where they say different things.

        A compiled model answers in the model's place only where this is as good as nothing.
        """
        return largest_difference(one, other, self.by_row)

    def aligned(self, answer: Answer, other: Answer) -> Answer:
        """Return an answer with what stands in each row in the order that `other` has it in.

        The rows of two versions of a model are put together so.
        """
        return answer

    def stand_in(self, dataset: "Dataset", count: int) -> Answer:
        """Return an answer to `count` rows in the real shape, made up: for app developers."""
        ...

    def answer_example(self, dataset: "Dataset") -> Answer:
        """Return the answer to one row that the documentation shows."""
        return self.stand_in(dataset, 1)

    def answer_schema(self, dataset: "Dataset") -> dict[str, Json]:
        """Return the JSON schema of each key of an answer."""
        ...

    def batch_columns(self, answer: Answer) -> list[str]:
        """Return the columns that a scored file gets, from any of the model's answers."""
        others = [key for key in self.by_row if key != "predictions"]
        return ["prediction", *others]

    def batch_cells(self, answer: Answer) -> list[list[Any]]:
        """Return n rows of what stands in those columns."""
        others = [key for key in self.by_row if key != "predictions"]
        columns = [answer[key] for key in ("predictions", *others)]
        return [list(row) for row in zip(*columns, strict=True)]

    def facts(self, target: "Target") -> dict[str, str]:
        """Return what the page tells of the answers, by heading."""
        return {}

    # Ready models.

    @property
    def ready_models(self) -> "Mapping[str, Ready]":
        """What add-model can write for such a dataset, by name."""
        from seedling.scaffold.ready_models import READY

        return READY.get(self.name, {})

    @property
    def predict_source(self) -> str:
        """The text of such a model's predict.py."""
        from seedling.scaffold.ready_models import PREDICT

        return PREDICT[self.name]


class LeakProbe:
    """How well one feature alone could predict the target, by a small tree.

    Args:
        truth: the target of n rows, as the tree learns it.
        tree: makes the estimator; takes `max_depth` and `random_state`.
        guess: the score of a guess that looks at no feature.
    """

    def __init__(self, truth: "pd.Series", tree: Callable[..., Any], guess: float) -> None:
        self.truth, self.tree, self.guess = truth, tree, guess


class TaskTraining(Protocol):
    """What proposing, validating, training and reporting need of a task."""

    # Own tables.

    def suits(self, values: "pd.Series") -> bool:
        """Say whether a table's column looks like a target of this task."""
        ...

    def propose_target(self, values: "pd.Series", name: str) -> dict[str, Any]:
        """Return the `target` of model.yaml for such a column.

        Args:
            values: the column's known values, at least two of them different.
            name: the column's name.

        Raises:
            ProjectError: it cannot be predicted so; the message says why.
        """
        ...

    # Rows.

    def values(self, rows: "pd.DataFrame", target: "Target") -> "pd.Series":
        """Return the target of n rows as models learn it, NaN where it is missing."""
        ...

    def check(self, target: "Target") -> "tuple[Callable[[pd.Series], pd.Series], str]":
        """Return which of n values can be a target, and what is said of one that cannot."""
        ...

    def held_out(
        self, rows: "pd.DataFrame", dataset: "Dataset", share: float, salt: str
    ) -> "pd.Series":
        """Say of each row whether it is held out: about `share` of them, the same in every run."""
        from seedling.data.schema import holdout_mask

        return holdout_mask(rows, dataset, share, salt)

    def leak_probe(self, values: "pd.Series") -> LeakProbe:
        """Return what tells a feature that gives the target away."""
        ...

    def made_up(self, ranks: "pd.Series", target: "Target") -> "Sequence[Any]":
        """Return a target for rows of a test that grows with `ranks`, which are from 0 to 1."""
        ...

    # Models.

    def measure(
        self, truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, float]:
        """Return all metrics of an answer.

        Args:
            truth: the target of n rows, as `values` gives it.
            answer: what `predict` answered for them.
            dataset: whose target it is.
        """
        ...

    def check_answer(self, answer: Mapping[str, Any], target: "Target") -> None:
        """Check that what `predict` answered has the task's shape; AssertionError where not."""
        ...

    def baseline(self, truth: "pd.Series", dataset: "Dataset") -> Answer:
        """Return the best answer to these rows that looks at no feature."""
        ...

    def plots(
        self, truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset"
    ) -> dict[str, Callable[[Any], object]]:
        """Return the report's plots by title: each draws on a pair of matplotlib's axes."""
        ...

    def save(self, model: Any, X: "pd.DataFrame", folder: "Path") -> None:
        """Write a trained model into a new folder in MLflow's format; X has a few of its rows."""
        implementations.find("saving an estimator")(model, X, folder)
