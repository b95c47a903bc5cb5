"""A dataset made ready for training: its rare classes settled, its rows on two sides."""

from typing import NamedTuple

import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data.held_out import HeldOut
from seedling.data.split import TEST, TEST_SHARE, hold_out, split
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
    measuring.refuse_unknown(dataset)
    settled, target, notes = tasks.of(dataset).training.settled(rows, dataset)
    learned = dataset.model_copy(update={"target": target})
    training, holdout, rule = hold_out(settled, learned, share)
    return Sides(learned, training, holdout, rule, notes)


def refuse_untrainable(rows: pd.DataFrame, dataset: Dataset, share: float) -> list[str]:
    """Split the rows as training does, which may refuse them; return the notes of `sides`.

    Raises:
        ProjectError: training would fail.
    """
    found = sides(rows, dataset, share)
    if dataset.split or len(found.training) < MANY:
        split(found.training, found.dataset, TEST_SHARE, TEST)
    return found.notes
