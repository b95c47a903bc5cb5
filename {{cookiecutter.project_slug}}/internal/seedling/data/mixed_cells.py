"""Python's cells as an Arrow column and back, also where they are of several kinds.

A column of JSON lines or of a workbook may hold 5, "x" and true. Arrow has one type a column: such
a one is a struct with a field for each kind, of which each cell fills one.
"""

import datetime
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

DIGITS = "digits"  # a whole number that is too long for int64
FIELDS: dict[str, pa.DataType] = {
    "truth": pa.bool_(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "time": pa.timestamp("us"),
    "length": pa.duration("us"),
    DIGITS: pa.string(),
}
KINDS = {
    bool: "truth",
    float: "number",
    str: "text",
    datetime.datetime: "time",
    datetime.timedelta: "length",
}
MIXED = pa.struct(list(FIELDS.items()))


def array(cells: Sequence[Any]) -> pa.Array:
    """Return n cells as an Arrow array: of one type where they are of one kind, else of MIXED.

    Args:
        cells: of the kinds of FIELDS; None for a missing one.
    """
    kinds = {_kind(cell) for cell in cells if cell is not None}
    if not kinds:
        return pa.nulls(len(cells), pa.string())
    if len(kinds) == 1 and DIGITS not in kinds:
        return pa.array(cells, FIELDS[kinds.pop()])
    return pa.array([None if cell is None else _field(cell) for cell in cells], MIXED)


def cells(column: pa.Array) -> list[Any]:
    """Return the n cells of an Arrow array as Python's objects, None for missing ones."""
    found: list[Any] = column.to_pylist()
    if column.type != MIXED:
        return found
    return [None if cell is None else _cell(cell) for cell in found]


def _kind(cell: Any) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return "whole" if -(2**63) <= cell < 2**63 else DIGITS
    return KINDS[type(cell)]


def _field(cell: Any) -> dict[str, Any]:
    kind = _kind(cell)
    return {kind: str(cell) if kind == DIGITS else cell}


def _cell(fields: dict[str, Any]) -> Any:
    (found,) = ((name, value) for name, value in fields.items() if value is not None)
    return int(found[1]) if found[0] == DIGITS else found[1]
