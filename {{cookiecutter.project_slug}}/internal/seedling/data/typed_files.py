"""Files whose cells have types of their own: Parquet, Arrow, Excel and JSON lines, as tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from seedling.config.reading import Reading, column_names, copies
from seedling.data import arrow_tables, json_rows
from seedling.data.excel_rows import ExcelRows
from seedling.data.scalars import label_text
from seedling.errors import ProjectError

# The rows, the remarks about them, and the names of columns whose own name stands before.
Read = tuple[pd.DataFrame, list[str], dict[str, str]]
PART_ROWS = 100_000


def from_arrow(path: Path, reading: Reading) -> Read:
    """Read a Parquet or Arrow file."""
    table = pa.Table.from_batches([batch for batch, _ in arrow_tables.batches(path, PART_ROWS)])
    names, remarks = column_names(Reading(), table.column_names)
    rows = table.rename_columns(names).to_pandas(ignore_metadata=True)
    return rows, list(remarks.values()), copies(Reading(), table.column_names)


def from_excel(path: Path, reading: Reading) -> Read:
    """Read one sheet of a workbook."""
    sheet = ExcelRows(path, reading)
    cells = [row for _, row in sheet]
    columns = zip(*cells, strict=True) if cells else [()] * len(sheet.names)
    rows = pd.DataFrame(
        {name: _series(found) for name, found in zip(sheet.names, columns, strict=True)}
    )
    unnamed = [name for name in sheet.remarks if rows[name].isna().all()]
    said = {name: remark for name, remark in sheet.remarks.items() if name not in unnamed}
    again = {name: known for name, known in sheet.copies.items() if name not in unnamed}
    return rows.drop(columns=unnamed), list(dict.fromkeys(said.values())), again


def from_json(path: Path, reading: Reading) -> Read:
    """Read a file with an object a line, or with one list of objects.

    Raises:
        ProjectError: a row is no object of single values.
    """
    found: list[dict[str, Any]] = []
    for row, _ in json_rows.rows(path, reading):
        if row.fault:
            raise ProjectError(f"{path.name}, row {row.number} {row.fault}.")
        found.append(row.values)
    names = list(dict.fromkeys(name for row in found for name in row))
    return pd.DataFrame({name: _series([row.get(name) for row in found]) for name in names}), [], {}


def _series(cells: Sequence[Any]) -> pd.Series:
    """Return cells as a column of one type; of several types, each is text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if len(kinds) > 1 and not kinds <= {int, float}:
        cells = [None if cell is None else label_text(cell) for cell in cells]
    elif kinds <= {int, float} and kinds:
        return pd.to_numeric(pd.Series(cells, dtype=object))
    return pd.Series(cells, dtype=object).infer_objects()


READERS = {"parquet": from_arrow, "arrow": from_arrow, "excel": from_excel, "json": from_json}
