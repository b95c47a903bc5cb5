"""A Parquet table larger than memory: its rows batch by batch, with their derived features."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from seedling.config import Dataset, Reading
from seedling.config.reading import column_names
from seedling.data import arrow_tables, cells, reading, table_folders
from seedling.data.derived import Derivation

BATCH = 100_000  # rows


class Batch(NamedTuple):
    """
    Attributes:
        first: the place of its first row in the file.
        table: the rows as the file has them, with the derived features.
        rows: the same as a frame, whose index counts the rows of the file.
    """

    first: int
    table: pa.Table
    rows: pd.DataFrame


class LargeTable:
    """The Parquet file or folder of a dataset, which is read again for each use of its rows.

    Args:
        path: the file or folder.
        dataset: its dataset.
        derivation: computes the derived features, each row by itself.
        most: rows that fit into memory; batches are no larger.
    """

    def __init__(
        self, path: Path, dataset: Dataset, derivation: Derivation, most: int = BATCH
    ) -> None:
        self.path, self.dataset, self.derivation = path, dataset, derivation
        self.size = min(most, BATCH)
        self.row_count = row_count(path)

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in their order, each batch with at least one.

        Raises:
            InputError: the file cannot be read.
            ProjectError: the team's derive fails.
        """
        first = 0
        for found in tables(self.path, self.size):
            rows = found.to_pandas(ignore_metadata=True)
            rows.index = pd.RangeIndex(first, first + len(rows))
            rows = self.derivation.table(rows)
            for name in self.dataset.computed:
                if name in rows:
                    found = with_column(found, name, rows[name])
            yield Batch(first, found, rows)
            first += len(rows)
            pa.default_memory_pool().release_unused()


def row_count(path: Path) -> int:
    """Return the number of rows of a Parquet file or folder, which its files say at their ends.

    It is 0 for a table of another kind.
    """
    if path.is_dir():
        found = table_folders.pieces(path)
        if any(piece.target or reading.kind_of(piece.file) != "parquet" for piece in found):
            return 0
        return sum(parquet.read_metadata(piece.file).num_rows for piece in found)
    is_parquet = path.is_file() and reading.is_table(path) and reading.kind_of(path) == "parquet"
    return int(parquet.read_metadata(path).num_rows) if is_parquet else 0


def tables(path: Path, size: int = 0) -> Iterator[pa.Table]:
    """Yield the rows of a Parquet file or folder, with plain columns.

    A table of a file has at most `size` rows, one of a folder at most as many beside its last file.
    `size` is BATCH unless given.
    """
    size = size or BATCH
    if path.is_dir():
        yield from _joined(_of_folder(path, size), size)
        return
    for batch, _ in arrow_tables.batches(path, size):
        if batch.num_rows:
            names, _ = column_names(Reading(), batch.schema.names)
            yield pa.Table.from_batches([batch]).rename_columns(names)


def _of_folder(folder: Path, size: int) -> Iterator[pa.Table]:
    """Yield the rows of a folder's files, with the columns that its folders are the values of."""
    found = table_folders.pieces(folder)
    keys = pd.DataFrame([piece.keys for piece in found])
    keys = keys.apply(cells.inferred) if len(keys.columns) else keys
    columns = {str(name): pa.array(keys[name], from_pandas=True) for name in keys}
    for number, piece in enumerate(found):
        for table in tables(piece.file, size):
            for name in reversed(columns):
                if name not in table.column_names:
                    place = pa.array([number] * len(table), pa.int64())
                    table = table.add_column(0, name, columns[name].take(place))
            yield table


def _joined(found: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """Yield small tables put together."""
    waiting, count = list[pa.Table](), 0
    for table in found:
        waiting.append(table)
        count += len(table)
        if count >= size:
            yield pa.concat_tables(waiting, promote_options="permissive").combine_chunks()
            waiting, count = [], 0
    if waiting:
        yield pa.concat_tables(waiting, promote_options="permissive").combine_chunks()


def with_column(table: pa.Table, name: str, values: pd.Series) -> pa.Table:
    """Return a table with one column more, or another one in the place of that of its name."""
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    kind = pa.float64() if numeric else None
    column: Any = pa.array(values, kind, from_pandas=True)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())  # all are missing in this batch
    at = table.schema.get_field_index(name)
    return table.append_column(name, column) if at < 0 else table.set_column(at, name, column)


def orders(places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return a hash from 0 to 1 of each place in a file: to draw rows, the same ones each time."""
    mixed = (places.astype("uint64") + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)  # splitmix64
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: npt.NDArray[np.float64] = (mixed ^ (mixed >> np.uint64(31))) / 2.0**64
    return found
