"""A dataset made ready for training: its rare classes settled, its rows on two sides."""

from typing import NamedTuple

import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data.held_out import HeldOut
from seedling.data.split import HOLDOUT, TEST, TEST_SHARE, divide
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
    settled, learned, notes = _settled(rows, dataset)
    held_out, rule = divide(settled, learned, share, HOLDOUT)
    return Sides(learned, settled[~held_out], settled[held_out], rule, notes)


def refuse_untrainable(rows: pd.DataFrame, dataset: Dataset, share: float) -> list[str]:
    """Split the rows as training does, which may refuse them; return the notes of `sides`.

    Raises:
        ProjectError: training would fail.
    """
    settled, learned, notes = _settled(rows, dataset)
    held_out, _ = divide(settled, learned, share, HOLDOUT)
    if dataset.split or (~held_out).sum() < MANY:
        divide(settled[~held_out], learned, TEST_SHARE, TEST)
    return notes


def _settled(rows: pd.DataFrame, dataset: Dataset) -> tuple[pd.DataFrame, Dataset, list[str]]:
    """Return rows and dataset as models learn them, and what a person should know of it."""
    measuring.refuse_unknown(dataset)
    settled, target, notes = tasks.of(dataset).training.settled(rows, dataset)
    return settled, dataset.model_copy(update={"target": target}), notes
