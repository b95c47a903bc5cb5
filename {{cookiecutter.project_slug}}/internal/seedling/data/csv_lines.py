"""Lines of CSV that a spreadsheet shows as they are: no cell becomes a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # the first characters of a formula in a spreadsheet


def text(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as lines of CSV without formulas for a spreadsheet."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([_safe(cell) for cell in row] for row in rows)
    return stream.getvalue()


def _safe(cell: Any) -> Any:
    """Return the value of a cell; a text that looks like a formula gets a quotation mark first."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        try:
            float(cell)
        except ValueError:
            return f"'{cell}"
    return cell
