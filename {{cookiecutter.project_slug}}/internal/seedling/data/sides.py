"""A dataset made ready for training: its rare classes settled, its rows on two sides."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data import derived
from seedling.data.datasets import read_table
from seedling.data.held_out import HeldOut
from seedling.data.split import HOLDOUT, TEST, TEST_SHARE, divide
from seedling.data.validation import examine
from seedling.errors import ProjectError
from seedling.tasks import measuring

MANY = 100_000  # training rows that are divided again as the table was, if that could be divided


class Sides(NamedTuple):
    """
    Attributes:
        dataset: with its target as models learn it.
        training, holdout: the rows of each side.
        rule: by which they were held out.
        notes: a sentence for each thing that a person should know.
    """

    dataset: Dataset
    training: pd.DataFrame
    holdout: pd.DataFrame
    rule: HeldOut
    notes: list[str]


def sides(rows: pd.DataFrame, dataset: Dataset, share: float) -> Sides:
    """Settle the rare classes of a validated table, and hold out a share of its rows.

    Raises:
        ProjectError: a class is too rare, or a side would lack something: training would fail.
            Or its metric is unknown.
    """
    settled, learned, notes = settle(rows, dataset)
    held_out, rule = divide(settled, learned, share, HOLDOUT)
    return Sides(learned, settled[~held_out], settled[held_out], rule, notes)


def of_file(path: Path, root: Path, dataset: Dataset, share: float) -> Sides:
    """Read a dataset's file, validate its rows, and divide them as `sides` does.

    Args:
        path: the file.
        root: the project's folder, whose features/derive.py computes derived features.
        dataset: the dataset of the file.
        share: of entities to hold out.

    Raises:
        ProjectError: its rows cannot be trained from.
    """
    derivation = derived.in_project(root, dataset)
    rows = derivation.table(read_table(path))
    derivation.refuse_other_alone(rows)
    examined = examine(rows, dataset)
    if examined.problems:
        raise ProjectError(f"{dataset.name}: {examined.first_problem()}: {examined.remedy()}.")
    found = sides(rows, dataset, share)
    return found._replace(notes=[*map(str, examined.warnings), *found.notes])


def refuse_untrainable(rows: pd.DataFrame, dataset: Dataset, share: float) -> list[str]:
    """Split the rows as training does, which may refuse them; return the notes of `sides`.

    Raises:
        ProjectError: training would fail.
    """
    settled, learned, notes = settle(rows, dataset)
    held_out, _ = divide(settled, learned, share, HOLDOUT)
    if dataset.by_time or (~held_out).sum() < MANY:
        divide(settled[~held_out], learned, TEST_SHARE, TEST)
    return notes


def settle(rows: pd.DataFrame, dataset: Dataset) -> tuple[pd.DataFrame, Dataset, list[str]]:
    """Return rows and dataset as models learn them, and what a person should know of it."""
    measuring.refuse_unknown(dataset)
    settled, target, notes = tasks.of(dataset).training.settled(rows, dataset)
    return settled, dataset.model_copy(update={"target": target}), notes
