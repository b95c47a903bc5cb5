"""Two tables of the same columns, a few of which have moved a little."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from seedling.config import Dataset

BATCH = 100_000
TEXTS = 5  # of how many columns one is of texts
MOVED = {"x1": 0.02, "x2": 0.3}  # in standard deviations
MORE_OFTEN = "x5"  # a column of texts, one of which is half again as frequent


def write(path: Path, rows: int, columns: int, moved: bool, seed: int) -> None:
    """Write a table of numbers, normal and lognormal, and of texts."""
    draw = np.random.default_rng(seed)
    texts = pa.array([f"kind {n}" for n in range(8)])
    shares = np.full(8, 0.125)
    more = np.append([0.1875], np.full(7, 0.8125 / 7))

    def column(name: str, at: int, count: int) -> pa.Array:
        if at % TEXTS == 0:
            p = more if moved and name == MORE_OFTEN else shares
            return texts.take(pa.array(draw.choice(8, count, p=p)))
        numbers = draw.standard_normal(count) + (MOVED.get(name, 0.0) if moved else 0.0)
        return pa.array(np.exp(numbers) if at % 2 else numbers)

    writer = None
    for first in range(0, rows, BATCH):
        count = min(BATCH, rows - first)
        table = pa.table({f"x{at}": column(f"x{at}", at, count) for at in range(columns)})
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def dataset_of(path: Path) -> Dataset:
    """Describe a table of these."""
    schema = parquet.read_schema(path)
    features = [
        {"name": field.name, "type": "category", "categories": ["kind 0"], "others": True}
        if pa.types.is_string(field.type)
        else {"name": field.name, "type": "number"}
        for field in schema
    ]
    return Dataset.model_validate(
        {
            "name": "made",
            "source": "made",
            "file_name": "made.parquet",
            "version": "1",
            "task": "regression",
            "metric": "mae",
            "target": {"name": "y", "type": "number"},
            "features": features,
        }
    )
