"""What a task is: everything that depends on what is predicted, in two halves.

`Task` is what configuration and the service need; it must import neither numpy nor pandas. Its
`training` is the other half (`training_protocol.py`), imported where models are trained and
measured. What has a body here fits most tasks; a task gives the rest.

An answer to n rows is a dict: under each key of `by_row` a list of n items, `predictions` always
among them; what stands under its other keys holds for all rows.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from seedling.data.scalars import plain
from seedling.tasks.numbers import largest_difference

if TYPE_CHECKING:
    from pathlib import Path

    from seedling.config import Dataset, Label, Target
    from seedling.scaffold.ready_models import Ready
    from seedling.tasks.training_protocol import TaskTraining

Answer = dict[str, Any]
Json = dict[str, Any]
Outputs = list[list[float]]  # n x outputs: what a compiled model computes, before its link


class Task(Protocol):
    """What configuration, scaffold and service need of a task."""

    name: str  # as model.yaml has it
    target_types: tuple[str, ...]
    metrics: tuple[str, ...]  # those that may decide; the first unless model.yaml says which
    lower_is_better: frozenset[str] = frozenset()  # among all that is measured
    by_row: tuple[str, ...] = ("predictions",)
    # How the page shows the first item of a key, below the prediction: "bars" over `labels`, or
    # "number" with the key as its name.
    shown: tuple[tuple[str, str], ...] = ()

    @property
    @abstractmethod
    def training(self) -> "TaskTraining":
        """What trains and measures; only here are pandas and scikit-learn imported."""

    # Configuration.

    @abstractmethod
    def check_target(self, target: "Target") -> None:
        """Refuse a target of model.yaml that cannot be predicted so.

        Raises:
            ValueError: what is wrong with it; file, line and key are put in front.
        """

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

    @abstractmethod
    def compiled(
        self, link: Callable[[Outputs], Outputs], labels: "Sequence[Label]"
    ) -> Callable[[Outputs], Answer]:
        """Return what makes an answer of a compiled model's raw outputs.

        Args:
            link: turns the outputs into what the estimator predicts: probabilities, or numbers.
            labels: the estimator's classes; none where it is a regressor.
        """

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

    @abstractmethod
    def stand_in(self, dataset: "Dataset", count: int) -> Answer:
        """Return an answer to `count` rows in the real shape, made up: for app developers."""

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
