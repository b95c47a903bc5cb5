"""Choose the model that answers a request that names none: the best champion."""

import math
from collections.abc import Collection, Mapping
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


def choose(config: Config, champions: Mapping[str, Champion]) -> str | None:
    """Return the name of the model that answers where a request names none.

    It is `serving.model` of model.yaml. Without that it is the best champion by the metric of the
    dataset, among those that predict the same from the same dataset as the first one does; the
    first one where nothing was measured.

    Args:
        config: the content of model.yaml, whose models are in order.
        champions: the champion of each served model.

    Returns:
        None where no model is served and model.yaml names none.
    """
    order = [model.name for model in config.training.models]
    if config.serving.model in order:
        return config.serving.model
    names = sorted(champions, key=lambda name: order.index(name) if name in order else len(order))
    if not names:
        return None
    first = champions[names[0]].dataset
    listed = (dataset for dataset in config.datasets if dataset.name == first.name)
    metric = next(listed, first).metric
    lower = {*tasks.of(first).lower_is_better, *champions[names[0]].lower_is_better}
    sign = -1 if metric in lower else 1
    measured = {
        name: sign * champions[name].metrics.get(metric, math.nan)
        for name in names
        if _question(champions[name].dataset) == _question(first)
    }
    known = {name: value for name, value in measured.items() if math.isfinite(value)}
    return max(known, key=lambda name: known[name]) if known else names[0]


def here(project: Project, config: Config) -> str | None:
    """Return the name of the model that answers, by the champions whose files are on this machine.

    Where there are none it is the first registered one, and None where none is registered.
    """
    first = next((entry.model for entry in config.models if entry.is_champion), None)
    return choose(config, on_disk(project, config)) or first


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
