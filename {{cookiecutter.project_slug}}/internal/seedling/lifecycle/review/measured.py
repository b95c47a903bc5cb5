"""A model trained on a sample in this process, and measured; nothing is saved or registered."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from msgspec import structs

from seedling import tasks, team_code
from seedling.config import Dataset, Project
from seedling.data.sides import Sides
from seedling.lifecycle.review.notes import Measured
from seedling.registry.model_files import Predictor
from seedling.tasks import measuring
from seedling.training.fits import SEED, Fitting, Table, refuse_weights
from seedling.training.learning import decided, learn


class Trained(NamedTuple):
    """A model that was trained for a review, with the rows that it has not learned from."""

    predictor: Predictor
    holdout: pd.DataFrame
    learned_rows: int
    seconds: float


def trained(project: Project, model: str, found: Sides) -> Trained:
    """Train a model as `train` does, without cross-validation.

    Args:
        project: the project of the model.
        model: a folder of models/.
        found: the two sides of its dataset's sample.

    Raises:
        ProjectError: the threshold cannot be chosen; besides, whatever the team's code raises.
    """
    begin = time.perf_counter()
    settings, dataset = project.config.trained_model(model), found.dataset
    arguments = settings.arguments(dataset.target)
    fitting = Fitting(team_code.train_model(model), arguments, SEED, dataset)
    if settings.class_weight is not None:
        refuse_weights(model, fitting.train_model)
    predict = team_code.predict(model)
    how = project.config.training.model_copy(update={"folds": 0})
    slow = tasks.of(dataset).training.slow
    learned = learn(fitting, predict, Table.of(found.training, dataset), how, slow)
    dataset, _, _ = decided(dataset, learned, predict)
    predictor = Predictor(model, "new", dataset, found.rule, learned.kept.model, predict)
    return Trained(predictor, found.holdout, learned.row_count, time.perf_counter() - begin)


def measured(one: Trained, places: Sequence[int] | None = None) -> Measured:
    """Measure a model on its held-out rows, or on those of them with these numbers."""
    rows = one.holdout if places is None else one.holdout.loc[[*places]]
    found = of_rows(one.predictor, rows)
    return structs.replace(found, learned_rows=one.learned_rows, seconds=one.seconds)


def of_rows(predictor: Predictor, rows: pd.DataFrame) -> Measured:
    """Measure a model on n rows with derived features."""
    dataset = predictor.dataset
    task = tasks.of(dataset)
    truth, answer = task.training.values(rows, dataset.target), predictor.answer(rows)
    return Measured(
        model=predictor.name,
        dataset=dataset.name,
        meaning=meaning_of(dataset),
        metric=dataset.metric,
        metrics=measuring.measure(truth, answer, dataset, rows),
        lower=sorted(measuring.lower_is_better(dataset)),
        places=rows.index.tolist(),
        loss=task.training.loss_name(dataset),
        losses=[float(each) for each in task.training.losses(truth, answer, dataset)],
    )


def meaning_of(dataset: Dataset) -> str:
    """Return a text that is equal for two datasets whose models' metrics are comparable."""
    key = tasks.of(dataset).meaning(dataset.target)
    return str([sorted(map(str, each)) if isinstance(each, frozenset) else each for each in key])
