"""The rows that a run script learns from, as the train step would hand them to train_model."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from seedling import team_code
from seedling.config import Project
from seedling.data.dataset_files import verified
from seedling.data.sides import of_file
from seedling.settings import SMOKE
from seedling.training import first_rows
from seedling.training.fits import Table, of_dataset, takes


class ModelRows(NamedTuple):
    """The rows of a model's dataset that are not held out, on two sides.

    Attributes:
        X_train, y_train: n rows to learn from, and their target.
        X_test, y_test: m rows for a look at the result.
        arguments: what model.yaml gives to train_model beside them, and `smoke` where SMOKE asks
            for a smoke check.
    """

    X_train: pd.DataFrame
    y_train: pd.Series
    X_test: pd.DataFrame
    y_test: pd.Series
    arguments: dict[str, Any]


def rows_of(model: str, folder: Path | None = None) -> ModelRows:
    """Return the rows that a model of model.yaml learns from; those held out for the gate are not.

    Args:
        model: a folder of models/.
        folder: in the project; the working folder unless given.

    Raises:
        ProjectError: there is no such model, or its dataset has not been created.
    """
    project = Project.find(folder)
    entry = project.config.trained_model(model)
    dataset = project.config.dataset(entry.dataset)
    path = verified(project, dataset)
    found = of_file(path, project.root, dataset, project.config.holdout(dataset))
    table = Table.of(found.training, found.dataset)
    train_model = team_code.train_model(model)
    given = of_dataset(train_model, dataset)
    if SMOKE.get() and takes(train_model, "smoke"):
        given["smoke"] = True
    return ModelRows(*first_rows.of(table).parts(table), entry.arguments(dataset.target) | given)
