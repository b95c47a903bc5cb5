"""Regression: a number is predicted."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seedling.tasks.numbers import NUMBER, check_target, column_schema
from seedling.tasks.protocol import Answer, Json, Outputs, Task

if TYPE_CHECKING:
    from seedling.config import Dataset, Label, Target
    from seedling.tasks.training_protocol import TaskTraining

# Every answer has these keys, so that an application reads all models alike.
NO_CLASSES: Answer = {"scores": [], "labels": []}


class Regression(Task):
    name = "regression"
    target_types = ("integer", "number")
    metrics = ("rmse", "mae", "r2")
    lower_is_better = frozenset({"rmse", "mae"})

    @cached_property
    def training(self) -> "TaskTraining":
        from seedling.tasks.regression.training import RegressionTraining

        return RegressionTraining()

    def check_target(self, target: "Target") -> None:
        check_target(target, self.name)

    def answer(self, found: Mapping[str, Any], dataset: "Dataset") -> Answer:
        return super().answer(found, dataset) | NO_CLASSES

    def compiled(
        self, link: Callable[[Outputs], Outputs], labels: "Sequence[Label]"
    ) -> Callable[[Outputs], Answer]:
        return lambda outputs: {"predictions": [row[0] for row in outputs]} | NO_CLASSES

    def compiled_columns(
        self, link: Callable[[Any], Any], labels: "Sequence[Label]"
    ) -> Callable[[Any], Answer]:
        return lambda outputs: {"predictions": outputs[:, 0]} | NO_CLASSES

    def stand_in(self, dataset: "Dataset", count: int) -> Answer:
        return {"predictions": [0.0] * count} | NO_CLASSES

    def answer_example(self, dataset: "Dataset") -> Answer:
        return {"predictions": [0.5]} | NO_CLASSES

    def answer_schema(self, dataset: "Dataset") -> dict[str, Json]:
        empty = {"type": "array", "maxItems": 0, "description": "For classes only."}
        return {
            "predictions": column_schema(NUMBER, dataset.target.description),
            "scores": empty,
            "labels": empty,
        }


TASK = Regression()
