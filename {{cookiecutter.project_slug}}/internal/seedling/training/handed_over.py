"""The training rows as another program learns from them, and what tells whether they are the same.

No held-out row is among them: the model that comes back is measured on those.
"""

import hashlib

import pandas as pd

from seedling.config import Dataset
from seedling.training.fits import Table


def table(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return training rows as models take them, the target as the last column.

    Args:
        rows: those of the dataset that are not held out.
        dataset: with its target as models learn it.
    """
    taken = Table.of(rows, dataset)
    return taken.X.assign(**{dataset.target.name: taken.y}).reset_index(drop=True)


def digest(handed_over: pd.DataFrame) -> str:
    """Return a hash of the columns and values of a table, whatever file it stood in."""
    columns = "\n".join(map(str, handed_over.columns)).encode()
    values = pd.util.hash_pandas_object(handed_over.astype(str), index=False).to_numpy()
    return hashlib.sha256(columns + values.tobytes()).hexdigest()
