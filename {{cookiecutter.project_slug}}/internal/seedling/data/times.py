"""The times by which a table is split."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.config import Dataset
from seedling.errors import ProjectError
from seedling.wording import counted

SHOWN = 5


def times(rows: pd.DataFrame, by: str, dataset: Dataset, first: int = 0) -> npt.NDArray[np.float64]:
    """Return a column's times as numbers: as they are, or in seconds since 1970.

    A feature's are read as its type says; else they are numbers, or in ISO 8601.

    Args:
        rows: of the dataset.
        by: the column.
        dataset: theirs.
        first: the number of rows of the file that are before them.

    Raises:
        ProjectError: the column is missing, or has a value that is no time.
    """
    if by not in rows:
        raise ProjectError(f"{dataset.name}, split: the table has no column {by!r}.")
    values = rows[by]
    for column in dataset.features:
        if column.name == by:
            values = pd.Series(column.values(values))
    if not pd.api.types.is_numeric_dtype(values):
        seconds: Any = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce")
        values = (seconds - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    wrong = np.flatnonzero(values.isna())
    if len(wrong):
        shown = ", ".join(str(row + 1 + first) for row in wrong[:SHOWN])
        raise ProjectError(
            f"{dataset.name}, split: {by} has {counted(len(wrong), 'value')} that "
            f"{'is' if len(wrong) == 1 else 'are'} no time (row {shown}): write times as "
            "2024-12-31 or 2024-12-31 23:59, or as numbers."
        )
    return values.to_numpy("float64")
