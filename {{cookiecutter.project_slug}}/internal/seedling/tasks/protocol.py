"""The protocol of a task: everything that depends on what is predicted, in two halves.

`Task` is what configuration and the service need; it must import neither numpy nor pandas. Its
`training` is the other half (`training_protocol.py`), imported where models are trained and
measured. What has a body here fits most tasks; a task gives the rest.

An answer to n rows is a dict: under each key of `by_row` a list of n items, `predictions` always
among them; what stands under its other keys holds for all rows.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from seedling.data.scalars import plain
from seedling.errors import ProjectError
from seedling.tasks.numbers import largest_difference

if TYPE_CHECKING:
    from pathlib import Path

    from seedling.columns.protocol import Column
    from seedling.config import Dataset, Label, Target
    from seedling.scaffold.ready_models import Ready
    from seedling.tasks.training_protocol import TaskTraining

Answer = dict[str, Any]
Json = dict[str, Any]
Outputs = list[list[float]]  # n x outputs: what a compiled model computes, before its link


class Task(Protocol):
    """The half of a task that configuration, scaffold and service use."""

    name: str  # as model.yaml has it
    target_types: tuple[str, ...]
    metrics: tuple[str, ...]  # those that may decide; the first unless model.yaml says which
    lower_is_better: frozenset[str] = frozenset()  # among all that is measured
    by_row: tuple[str, ...] = ("predictions",)
    # How the page shows the first item of a key, below the prediction: "bars" over `labels`,
    # "number" or "text" with the key as its name, "marks" in the text that was sent, or a longer
    # text as a "passage".
    shown: tuple[tuple[str, str], ...] = ()
    # The key of `by_row` with the text that copies of a batch's .txt files have; none are made
    # without one.
    copied: str = ""
    asked_for: bool = False  # add-dataset takes it only where a person names it
    has_groups: bool = False  # its datasets name columns that make groups of rows
    compiles: bool = True  # whether a model may have a compiled form, which answers without pandas
    leaves: tuple[str, ...] = ()  # files that `training.leave` writes beside a model
    # What a train.py may import from seedling.fitting for this task alone: names, with places of
    # implementations, `seedling.tasks.regression.training:RegressionTraining`.
    fitting: Mapping[str, str] = MappingProxyType({})

    @property
    @abstractmethod
    def training(self) -> "TaskTraining":
        """Return the task's other half; pandas and scikit-learn are imported only with it."""

    # Configuration.

    @abstractmethod
    def check_target(self, target: "Target") -> None:
        """Refuse a target of model.yaml that this task cannot predict.

        Raises:
            ValueError: the fault; the caller puts file, line and key in front of the message.
        """

    def check_threshold(self, target: "Target") -> None:
        """Refuse a target's `threshold`; ValueError as in `check_target`."""
        raise ValueError(f"threshold: the task {self.name} has no probabilities to put one on")

    def check_class_weight(self, target: "Target", labels: "Sequence[Label]") -> None:
        """Refuse weights for these labels, none for `balanced`; ValueError as in `check_target`."""
        raise ValueError(f"the task {self.name} has no classes to weigh")

    def check_features(self, features: "Sequence[Column]") -> None:
        """Refuse features of a dataset that this task cannot learn from; ValueError as above."""
        return

    def check_groups(
        self,
        groups: "Sequence[str]",
        features: "Sequence[Column]",
        key: "Sequence[str]",
        split: bool,
    ) -> None:
        """Refuse `groups` of a dataset that this task cannot learn; ValueError as above.

        Args:
            groups: names of columns; none where model.yaml does not have the key.
            features: the dataset's.
            key: its entity key.
            split: whether its rows are split by a column of times.
        """
        if groups:
            raise ValueError(f"the task {self.name} has no groups: remove the key")

    def outcomes(self, target: "Target") -> "Sequence[Label]":
        """Return the values that a prediction can have; empty if they are not a fixed set."""
        return ()

    def meaning(self, target: "Target") -> tuple[object, ...]:
        """Return a key that is equal for two targets if their models' metrics are comparable."""
        return self.name, target.name, target.type, frozenset(self.outcomes(target))

    def text_column(self, dataset: "Dataset") -> str:
        """Return the feature that a .txt file holds as a whole; empty where its lines are rows."""
        return ""

    # Answers.

    def load(self, folder: "Path") -> Any:
        """Read a model that `training.save` wrote; the caller has verified its files.

        Raises:
            ProjectError: it cannot be read: "is no scikit-learn model."
        """
        from seedling.registry.model_files import load_estimator

        return load_estimator(folder)

    def answer(self, found: Mapping[str, Any], dataset: "Dataset") -> Answer:
        """Return the result of a team's `predict` as JSON values; `{}` stands for no rows."""
        return {key: [plain(value) for value in found.get(key, ())] for key in self.by_row}

    @abstractmethod
    def compiled(
        self, link: Callable[[Outputs], Outputs], labels: "Sequence[Label]"
    ) -> Callable[[Outputs], Answer]:
        """Return the function that turns a compiled model's raw outputs into an answer.

        Args:
            link: turns the outputs into what the estimator predicts: probabilities, or numbers.
            labels: the estimator's classes; none where it is a regressor.
        """

    def compiled_columns(
        self, link: "Callable[[Any], Any]", labels: "Sequence[Label]"
    ) -> "Callable[[Any], Answer] | None":
        """Return what `compiled` does for arrays: the outputs, and what `link` makes of them.

        The answer then has arrays of n rows in place of lists, with the same numbers. None: lists
        are given to `compiled`.
        """
        return None

    def decider(
        self, target: "Target"
    ) -> "Callable[[Mapping[str, Any]], Mapping[str, Any]] | None":
        """Return what puts the predictions by the target's threshold into an answer of `predict`.

        It is the same for a model as it was saved and for its compiled form. None: the predictions
        stay as they are.
        """
        return None

    def difference(
        self, one: Mapping[str, Any], other: Mapping[str, Any], rounding: Sequence[float] = ()
    ) -> float:
        """Return the largest difference of two answers' numbers; infinite if they contradict.

        A compiled model replaces the model only if this is close to 0.

        Args:
            one: an answer to n rows.
            other: another one to the same rows.
            rounding: by how much an exact model may differ in each row; empty for none.
        """
        return largest_difference(one, other, self.by_row, rounding)

    def aligned(self, answer: Answer, other: Answer) -> Answer:
        """Return an answer with the items of each row in the order of `other`'s.

        Needed to put rows of two versions of a model into one answer.
        """
        return answer

    @abstractmethod
    def stand_in(self, dataset: "Dataset", count: int) -> Answer:
        """Return a made-up answer to `count` rows in the real shape, for app developers."""

    def answer_example(self, dataset: "Dataset") -> Answer:
        """Return the answer to one row that the documentation shows."""
        return self.stand_in(dataset, 1)

    @abstractmethod
    def answer_schema(self, dataset: "Dataset") -> dict[str, Json]:
        """Return the JSON schema of each key of an answer."""

    def batch_columns(self, answer: Answer) -> list[str]:
        """Return the columns that a scored file gets, from any of the model's answers."""
        others = [key for key in self.by_row if key != "predictions"]
        return ["prediction", *others]

    def batch_cells(self, answer: Answer) -> list[list[Any]]:
        """Return n rows with the values of those columns."""
        others = [key for key in self.by_row if key != "predictions"]
        columns = [answer[key] for key in ("predictions", *others)]
        return [list(row) for row in zip(*columns, strict=True)]

    def batch_arrays(self, answer: Mapping[str, Any]) -> "Sequence[Any]":
        """Return the columns of `batch_columns`, each an array or list of n values.

        Args:
            answer: of lists, or of the arrays of `compiled_columns`.
        """
        if type(self).batch_cells is Task.batch_cells:
            others = [key for key in self.by_row if key != "predictions"]
            return [answer[key] for key in ("predictions", *others)]
        rows = self.batch_cells(dict(answer))
        width = len(self.batch_columns(dict(answer)))
        return [*zip(*rows, strict=True)] if rows else [()] * width

    def hidden(self, answer: Mapping[str, Any]) -> Answer:
        """Return those keys of an answer, as a log without texts has them, that repeat some."""
        return {}

    def facts(self, target: "Target") -> dict[str, str]:
        """Return the facts about the answers that the page shows, by heading."""
        return {}

    # Ready models.

    @property
    def ready_models(self) -> "Mapping[str, Ready]":
        """Return the ready models that add-model can write for a dataset of this task, by name."""
        from seedling.scaffold.ready_models import READY

        return READY.get(self.name, {})

    @property
    def predict_source(self) -> str:
        """Return the text of a ready model's predict.py.

        Raises:
            ProjectError: a task of the project's own has ready models, and no text for them.
        """
        from seedling.scaffold.ready_models import PREDICT

        if self.name not in PREDICT:
            raise ProjectError(
                f"tasks/{self.name}.py: a task with ready_models must also have predict_source, "
                "the text of their predict.py."
            )
        return PREDICT[self.name]
