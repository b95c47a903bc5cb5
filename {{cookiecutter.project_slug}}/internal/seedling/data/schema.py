"""Rows by their dataset's schema: the table that models take, the target, random rows."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from seedling import tasks
from seedling.columns.protocol import Column
from seedling.config import Dataset


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


def random_rows(features: Iterable[Column], count: int, seed: int = 0) -> pd.DataFrame:
    """Draw `count` rows that the schema allows, each value evenly from its range or categories."""
    generator = np.random.default_rng(seed)
    return pd.DataFrame({column.name: column.draw(count, generator) for column in features})
