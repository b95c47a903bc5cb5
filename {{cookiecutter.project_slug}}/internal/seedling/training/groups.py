"""The verb `train-groups`: one linear regression for each group of a dataset's rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from seedling import tasks
from seedling.config import Dataset, Project
from seedling.data import datasets
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.training import grouped_regression

OUTPUT = "Training_Output"


class Work(NamedTuple):
    """The input of a fit: `rows` with the columns `by`, `features` and `target`."""

    rows: pd.DataFrame
    by: list[str]
    features: list[str]
    target: str


def train(
    project: Project, by: Sequence[str], name: str | None
) -> tuple[Path, grouped_regression.Fitted]:
    """Fit the groups and write coefficient.csv and rmse.csv, a row for each group.

    Args:
        project: the project of the dataset.
        by: the columns that make a group.
        name: the dataset's; the first unless given.

    Returns:
        The folder of the files, and the fit of the groups.

    Raises:
        ProjectError: the columns do not make groups, or none could be fitted.
    """
    fitted = grouped_regression.fit(*work(project, by, name))
    return write(project, fitted), fitted


def work(project: Project, by: Sequence[str], name: str | None) -> Work:
    """Return the input of the fit; the arguments are those of `train`.

    Raises:
        ProjectError: the columns do not make groups.
    """
    dataset = project.config.dataset(name) if name else project.config.first_dataset
    features = _features(dataset, by)
    return Work(datasets.load(project, dataset), list(by), features, dataset.target.name)


def write(project: Project, fitted: grouped_regression.Fitted) -> Path:
    """Write coefficient.csv and rmse.csv; returns their folder.

    Raises:
        ProjectError: no group could be fitted; what was written before stays.
    """
    if fitted.coefficients.empty:
        raise ProjectError(f"No group could be fitted. {fitted.problems[0]}")
    folder = project.assets / OUTPUT
    with replacing(folder) as aside:
        aside.mkdir()
        fitted.coefficients.to_csv(aside / "coefficient.csv", index=False, lineterminator="\n")
        fitted.rmse.to_csv(aside / "rmse.csv", index=False, lineterminator="\n")
    return folder


def _features(dataset: Dataset, by: Sequence[str]) -> list[str]:
    """Return the names of the features to fit: all numbers that do not make the groups."""
    if tasks.of(dataset).outcomes(dataset.target):
        raise ProjectError(f"{dataset.name} has classes to predict: groups are for numbers.")
    known = [*dataset.entity_key, *dataset.feature_names]
    for column in by:
        if column not in known:
            names = ", ".join(known)
            raise ProjectError(f"{dataset.name} has no column {column!r}; it has {names}.")
    found = [column.name for column in dataset.features if column.numeric and column.name not in by]
    if not found:
        raise ProjectError(f"{dataset.name} has no numeric feature beside {', '.join(by)}.")
    return found
