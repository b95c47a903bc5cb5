"""The distributions that `search` of model.yaml describes, for searches here and on Azure ML."""

import itertools
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from seedling import tasks
from seedling.config import Dataset, SearchRange, TrainedModel

DEFAULT_TRIALS = 20
SEEDS = ("seed", "state")  # in the name of a hyperparameter that no search should change


class Choice(NamedTuple):
    """Values of a list, each as likely as the others."""

    values: list[Any]

    def given(self, drawn: Any) -> Any:
        """Return a drawn value as train_model gets it."""
        return drawn


class Numbers(NamedTuple):
    """Numbers of a range, both ends included.

    Attributes:
        low, high: the ends.
        log: they are drawn evenly by their logarithm.
        whole: only whole ones are drawn.
    """

    low: int | float
    high: int | float
    log: bool
    whole: bool

    def given(self, drawn: Any) -> Any:
        """Return a drawn number as train_model gets it: whole, or of four digits."""
        if self.whole:
            return round(drawn)
        return min(max(float(f"{drawn:.4g}"), self.low), self.high)


Distribution = Choice | Numbers
Space = Mapping[str, Distribution]


def of(entry: TrainedModel) -> dict[str, Distribution]:
    """Return the distribution of each hyperparameter that a model's `search` names."""
    return {name: _distribution(wanted) for name, wanted in entry.search.items()}


def _distribution(wanted: SearchRange | list[Any]) -> Distribution:
    if isinstance(wanted, list):
        return Choice(wanted)
    whole = isinstance(wanted.min, int) and isinstance(wanted.max, int)
    return Numbers(wanted.min, wanted.max, wanted.log, whole)


def fitting(entry: TrainedModel, name: str, value: Any) -> Any:
    """Return a value of a hyperparameter as its range has it: Azure ML draws 4.0 for 4."""
    wanted = of(entry).get(name)
    whole = isinstance(wanted, Numbers) and wanted.whole
    return round(value) if whole and isinstance(value, float) else value


def count(space: Space) -> int:
    """Count the combinations of the lists; 0 if a range is searched."""
    lists = [each.values for each in space.values() if isinstance(each, Choice)]
    return math.prod(len(values) for values in lists) if len(lists) == len(space) else 0


def trials(space: Space) -> int:
    """Return how many trials there are unless a person says it: all combinations of lists."""
    return count(space) or DEFAULT_TRIALS


def combinations(space: Space) -> list[dict[str, Any]]:
    """Return all combinations of the lists of a space that has no range."""
    lists = [each.values for each in space.values() if isinstance(each, Choice)]
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*lists)]


def text(entry: TrainedModel) -> str:
    """Return a model's `search` as one text, equal for equal spaces."""
    return json.dumps(entry.model_dump(include={"search"}), sort_keys=True)


def proposal(model: TrainedModel, dataset: Dataset, source: str) -> dict[str, Any]:
    """Return the `search` of the ready model that a model is; empty if it is none of them.

    Args:
        model: its entry in model.yaml.
        dataset: the one that it learns from.
        source: the text of its train.py, which calls the estimator.
    """
    ready_models = tasks.of(dataset).ready_models
    called = [each for each in ready_models.values() if f"{each.estimator}(" in source]
    ready = ready_models.get(model.name) or next(iter(called), None)
    if ready is None or ready not in called:
        return {}
    return {
        name: YAML(typ="safe", pure=True).load(wanted)
        for name, wanted in ready.search
        if name in model.hyperparameters
    }


def missing(entry: TrainedModel) -> str:
    """Return the sentence about a model without `search`, with an example."""
    found = example(entry.hyperparameters)
    if not found:
        return (
            f"training.models, {entry.name}: there is no hyperparameter to search: add an argument "
            "to its train_model, and name it under hyperparameters in model.yaml."
        )
    return f"training.models, {entry.name}: say in `search` what to try, such as {found}."


def example(hyperparameters: Mapping[str, Any]) -> str:
    """Return a `search` around these values as a line of YAML; empty if none can be searched."""
    found = {name: _around(value) for name, value in hyperparameters.items()}
    shown = [
        f"{name}: {around}" for name, around in found.items() if around and not name.endswith(SEEDS)
    ]
    return f"search: {{{', '.join(shown)}}}" if shown else ""


def _around(value: Any) -> str:
    """Return the range or list of values around one; empty if it is no number."""
    if isinstance(value, bool):
        return "[true, false]"
    if isinstance(value, int) and value > 0:
        return str(sorted({max(1, value // 2), value, value * 2}))
    if isinstance(value, float) and value > 0:
        return f"{{min: {value / 10:.4g}, max: {value * 10:.4g}, log: true}}"
    return ""
