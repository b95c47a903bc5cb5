"""Rows by their dataset's schema: the table that models take, the split, random rows."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from seedling import tasks
from seedling.columns.protocol import Column
from seedling.config import Dataset
from seedling.data.scalars import label_text
from seedling.errors import ProjectError
from seedling.wording import counted

SPLIT_STEPS = 10_000
HOLDOUT = "holdout"  # the salt of the split that the gate measures on


def model_frame(rows: pd.DataFrame, features: Iterable[Column]) -> pd.DataFrame:
    """Return the parts of the features for a model, the same in training and serving.

    A part is float64 or text as the column's type says, missing is NaN. A row looks the same alone
    and in a batch, which it would not if pandas inferred its types.

    Args:
        rows: a table with at least the features' columns.
        features: the schema's columns, whose order the result takes.
    """
    parts: dict[str, pd.Series] = {}
    for column in features:
        parts |= column.frame(rows[column.name])
    return pd.DataFrame(parts, index=rows.index)


def target_values(rows: pd.DataFrame, dataset: Dataset) -> pd.Series:
    """Return the target as the dataset's task learns it, NaN where it is missing."""
    return tasks.of(dataset).training.values(rows, dataset.target)


def holdout_mask(rows: pd.DataFrame, dataset: Dataset, share: float, salt: str) -> pd.Series:
    """Return True for the rows held out: about `share` of the entities, the same in every run.

    A row's side follows from a hash of its entity key (of its features and target where the
    dataset has no key), so it never changes as the table grows, and rows of one entity stay
    together.
    """
    key = salt.ljust(16, "-")[:16]
    hashes = pd.util.hash_pandas_object(_identity(rows, dataset), index=False, hash_key=key)
    return pd.Series(hashes % SPLIT_STEPS < share * SPLIT_STEPS, index=rows.index)


def _identity(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the columns that identify a row, as text that no change of a type alters."""
    if dataset.entity_key:
        return rows[dataset.entity_key].map(label_text)
    features = model_frame(rows, sorted(dataset.features, key=lambda column: column.name))
    return features.assign(**{"": target_values(rows, dataset)}).astype(str)


def split(
    rows: pd.DataFrame, dataset: Dataset, share: float, salt: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the rows in two tables as their task says, the held-out ones second.

    Raises:
        ProjectError: a side is empty, or lacks one of what is chosen from.
    """
    task = tasks.of(dataset)
    held_out = task.training.held_out(rows, dataset, share, salt)
    sides = rows[~held_out], rows[held_out]
    for side, name in zip(sides, ("training", "held-out"), strict=True):
        if side.empty:
            raise ProjectError(
                f"{dataset.name}: the {name} side of {counted(len(rows), 'row')} is empty."
            )
        missing = set(task.outcomes(dataset.target)) - set(target_values(side, dataset).dropna())
        if missing:
            shown = ", ".join(sorted(str(label) for label in missing))
            raise ProjectError(
                f"{dataset.name}: no {name} row has {dataset.target.name} = {shown}: "
                "there are too few; add more rows of it."
            )
    return sides


def random_rows(features: Iterable[Column], count: int, seed: int = 0) -> pd.DataFrame:
    """Draw `count` rows that the schema allows, each value evenly from its range or categories."""
    generator = np.random.default_rng(seed)
    return pd.DataFrame({column.name: column.draw(count, generator) for column in features})
