"""A dataset made of a Parquet source that is larger than memory, batch by batch.

Only where that is sure to give what reading it whole would: `create_dataset` returns its rows as
they are, and each cell fits its column already.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from seedling import team_code
from seedling.config import Dataset, Project, expand
from seedling.data import blobs, cells, large_table
from seedling.errors import ProjectError


class Copied(NamedTuple):
    """A table that was written: rows with a target and without, and an empty table of columns."""

    rows: int
    unlabelled: int
    columns: pd.DataFrame


def of(project: Project, dataset: Dataset) -> Path | None:
    """Return the source of a dataset that is to be read in batches; None if it is not."""
    source = expand(dataset.source, "the dataset's source")
    if dataset.partition_by or not dataset.file_name.endswith(".parquet"):
        return None
    if not blobs.is_file(source) or blobs.is_blob(source) or dataset.levels:
        return None
    path = project.root / source
    is_large = (
        path.exists() and large_table.row_count(path) > project.config.training.rows_in_memory
    )
    return path if is_large and returns_its_rows(team_code.create_dataset()) else None


def returns_its_rows(create_dataset: Callable[..., Any]) -> bool:
    """Say whether a function does nothing but return its second argument."""
    code = getattr(create_dataset, "__code__", None)
    if code is None or code.co_argcount != 2 or code.co_flags & 0x20:  # a generator
        return False
    return bool(code.co_code == _as_they_are.__code__.co_code)


def _as_they_are(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows


def copied(source: Path, dataset: Dataset, target: Path) -> Copied | None:
    """Copy the rows that have a target to a new Parquet file.

    Returns:
        None where a cell does not fit its column: then the whole table decides what becomes of it.

    Raises:
        ProjectError: there is no column of the target, or no row with it.
    """
    rows = unlabelled = 0
    writer: Any = None
    try:
        for table in _fitting(source, dataset):
            if table is None:
                return None
            known = table.filter(pc.is_valid(table[dataset.target.name]))
            rows, unlabelled = rows + len(known), unlabelled + len(table) - len(known)
            if writer is None:
                writer = parquet.ParquetWriter(target, known.schema)
            writer.write_table(known.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()
    if not rows:
        raise ProjectError(
            f"{dataset.name}: {dataset.source} yields no row with a {dataset.target.name}."
        )
    return Copied(rows, unlabelled, writer.schema.empty_table().to_pandas())


def _fitting(source: Path, dataset: Dataset) -> Iterator[pa.Table | None]:
    """Yield the tables of a source; None for one with a cell that does not fit."""
    for table in large_table.tables(source):
        if dataset.target.name not in table.column_names:
            raise ProjectError(
                f"{dataset.name}: {dataset.source} yields no column {dataset.target.name!r}, the "
                "target."
            )
        rows = table.to_pandas(ignore_metadata=True)
        typed = cells.typed(rows, dataset, infer=False)
        fits = not typed.misfits and not typed.refused and typed.rows.equals(rows)
        yield table if fits else None
