"""Choose the model that answers a request that names none: the best champion."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from seedling import tasks
from seedling.config import Config, Dataset, Project
from seedling.errors import ProjectError
from seedling.registry import model_files


class Champion(NamedTuple):
    """A model's champion as it is compared: the schema that it learned, and its metrics."""

    dataset: Dataset
    metrics: Mapping[str, float]  # on the holdout; empty where nothing was measured
    lower_is_better: Collection[str] = ()  # the names of some of them


class Choice(NamedTuple):
    """The model that answers where a request names none.

    Attributes:
        model: its name; None where no model is served and model.yaml names none.
        remark: a sentence, where another metric than the dataset's decided, or none did.
    """

    model: str | None
    remark: str = ""


def choose(config: Config, champions: Mapping[str, Champion]) -> Choice:
    """Choose the model that answers where a request names none.

    It is `serving.model` of model.yaml. Without that it is the best champion by the metric that
    `deciding` returns, among those that predict the same from the same dataset as the first one
    does; the first one where they share no metric. A champion without any metric is left out.

    Args:
        config: the content of model.yaml, whose models are in order.
        champions: the champion of each served model.
    """
    order = [model.name for model in config.training.models]
    if config.serving.model in order:
        return Choice(config.serving.model)
    names = sorted(champions, key=lambda name: order.index(name) if name in order else len(order))
    if not names:
        return Choice(None)
    first = champions[names[0]].dataset
    listed = (dataset for dataset in config.datasets if dataset.name == first.name)
    wanted = next(listed, first).metric
    alike = {
        name: champions[name]
        for name in names
        if _question(champions[name].dataset) == _question(first)
        and any(map(math.isfinite, champions[name].metrics.values()))
    }
    metric = deciding(wanted, [*alike.values()])
    sign = -1 if metric in lower_is_better(first, alike.values()) else 1
    best = max(alike, key=lambda name: sign * alike[name].metrics[metric]) if metric else names[0]
    if metric == wanted or len(alike) < 2:
        return Choice(best)
    why = f"the best by {metric}" if metric else "the first of model.yaml"
    return Choice(
        best,
        f"A request that names no model is answered by {best}, {why}: not every champion of "
        f"{first.name} was measured by {wanted}.",
    )


def deciding(wanted: str, champions: Sequence[Champion]) -> str:
    """Return the first metric that all champions have, empty if there is none.

    Args:
        wanted: the metric of the dataset, which comes first. Those by which the champions were
            registered come next, then those of the task in their order, then any other.
        champions: n models that predict the same.
    """
    if not champions:
        return ""
    registered_by = (one.dataset.metric for one in champions)
    own = tasks.of(champions[0].dataset).metrics
    for metric in dict.fromkeys([wanted, *registered_by, *own, *champions[0].metrics]):
        if all(math.isfinite(one.metrics.get(metric, math.nan)) for one in champions):
            return metric
    return ""


def lower_is_better(dataset: Dataset, champions: Iterable[Champion]) -> set[str]:
    """Return the names of metrics that are better the lower they are: the task's and those noted.

    Args:
        dataset: has the task.
        champions: n models that predict the same, each with its notes.
    """
    noted = (one.lower_is_better for one in champions)
    return {*tasks.of(dataset).lower_is_better}.union(*noted)


def here(project: Project, config: Config) -> str | None:
    """Return the name of the model that answers, by the champions whose files are on this machine.

    Where there are none it is the first registered one, and None where none is registered.
    """
    first = next((entry.model for entry in config.models if entry.is_champion), None)
    return choose(config, on_disk(project, config)).model or first


def on_disk(project: Project, config: Config) -> dict[str, Champion]:
    """Return the champions whose files are on this machine, without loading them."""
    found = {}
    for entry in config.models:
        if entry.is_champion:
            folder = project.model_path(entry)
            try:
                dataset, _ = model_files.read_schema(folder)
                measured = model_files.read_measured(folder)
            except (ProjectError, OSError, ValueError):  # what asks the model says what is wrong
                continue
            found[entry.model] = Champion(dataset, measured.metrics, measured.lower_is_better)
    return found


def _question(dataset: Dataset) -> tuple[str, str, str]:
    return dataset.name, dataset.task, dataset.target.name
