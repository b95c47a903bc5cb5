"""Grouped regression: a number is predicted, by a linear model for each group of rows.

One model holds all groups, which borrow strength from each other; a group that training never saw
is answered by what all of them have in common.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any

from seedling.compiled.group_flags import FLAGS
from seedling.tasks.grouped_regression.ready import PREDICT, ready_models
from seedling.tasks.numbers import NUMBER, check_target, column_schema, largest_difference
from seedling.tasks.protocol import Answer, Json, Outputs, Task
from seedling.wording import listed

if TYPE_CHECKING:
    from seedling.columns.protocol import Column
    from seedling.config import Dataset, Label, Target
    from seedling.scaffold.ready_models import Ready
    from seedling.tasks.training_protocol import TaskTraining

NUMBERS = ("predictions", "low", "high")
GROUP_TYPES = ("category", "text", "integer")
FLAG_WORDS = (
    "Empty for a group that stands by itself; new: training never saw it; few rows: it has no more "
    "than the model has coefficients; constant, collinear: one of its features says nothing new."
)


class GroupedRegression(Task):
    name = "grouped_regression"
    target_types = ("integer", "number")
    metrics = ("rmse", "mean_group_rmse", "mae", "r2")
    lower_is_better = frozenset({"rmse", "mean_group_rmse", "mae"})
    by_row = (*NUMBERS, "flags")
    shown = (("number", "low"), ("number", "high"), ("text", "flags"))
    asked_for = True  # whether rows have groups, no target says
    has_groups = True
    leaves = ("coefficient.csv", "rmse.csv")
    predict_source = PREDICT

    @cached_property
    def training(self) -> "TaskTraining":
        from seedling.tasks.grouped_regression.training import GroupedRegressionTraining

        return GroupedRegressionTraining()

    @property
    def ready_models(self) -> "Mapping[str, Ready]":
        return ready_models()

    def check_target(self, target: "Target") -> None:
        check_target(target, self.name)

    def check_groups(
        self,
        groups: "Sequence[str]",
        features: "Sequence[Column]",
        key: "Sequence[str]",
        split: bool,
    ) -> None:
        columns = {column.name: column for column in features}
        if not groups:
            names = listed([name for name in columns if columns[name].type in GROUP_TYPES])
            among = f" of {names}" if names else ""
            raise ValueError(f"the task {self.name} needs groups: a list{among}")
        for name in groups:
            if name not in columns or groups.count(name) > 1:
                fault = "stands more than once" if name in columns else "is no feature"
                raise ValueError(f"{name} {fault}: groups are features, each once")
            if columns[name].type not in GROUP_TYPES:
                kinds = listed(list(GROUP_TYPES))
                raise ValueError(f"{name} is a {columns[name].type}: groups are of {kinds}")
            if columns[name].nullable:
                raise ValueError(
                    f"{name} is nullable, and a row without it is in no group: remove nullable"
                )
        if len(groups) == len(columns):
            raise ValueError("every feature is one of the groups: nothing is left to learn from")
        if key and {*key} <= {*groups} and not split:
            raise ValueError(
                f"entity_key {listed(list(key))} would hold whole groups out: add to it what tells "
                "the rows of a group apart, or split by a column of times"
            )

    def compiled(
        self, link: Callable[[Outputs], Outputs], labels: "Sequence[Label]"
    ) -> Callable[[Outputs], Answer]:
        def answer(outputs: Outputs) -> Answer:
            columns = [*zip(*outputs, strict=True)] or [(), (), (), ()]
            predictions, low, high, flags = columns
            return {
                "predictions": [*predictions],
                "low": [*low],
                "high": [*high],
                "flags": [FLAGS[int(flag)] for flag in flags],
            }

        return answer

    def compiled_columns(
        self, link: Callable[[Any], Any], labels: "Sequence[Label]"
    ) -> Callable[[Any], Answer]:
        import numpy as np

        known = np.array(FLAGS, dtype=object)

        def answer(outputs: Any) -> Answer:
            found: Answer = dict(zip(NUMBERS, outputs[:, :3].T, strict=True))
            return found | {"flags": known[outputs[:, 3].astype("int64")]}

        return answer

    def difference(
        self, one: Mapping[str, Any], other: Mapping[str, Any], rounding: Sequence[float] = ()
    ) -> float:
        if [*one["flags"]] != [*other["flags"]]:
            return inf
        return largest_difference(one, other, NUMBERS, rounding)

    def stand_in(self, dataset: "Dataset", count: int) -> Answer:
        found: Answer = {"predictions": [0.0], "low": [-1.0], "high": [1.0], "flags": [""]}
        return {key: values * count for key, values in found.items()}

    def answer_example(self, dataset: "Dataset") -> Answer:
        return {"predictions": [0.5], "low": [-0.5], "high": [1.5], "flags": [""]}

    def answer_schema(self, dataset: "Dataset") -> dict[str, Json]:
        most = "95 of 100 rows of such a group are within low and high."
        return {
            "predictions": column_schema(NUMBER, dataset.target.description),
            "low": column_schema(NUMBER, most),
            "high": column_schema(NUMBER, most),
            "flags": column_schema({"type": "string", "enum": [*FLAGS]}, FLAG_WORDS),
        }


TASK = GroupedRegression()
