"""The rows of a sheet of a workbook, by a dataset's `read`; without pandas, for the service."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seedling.config.reading import Reading, column_names, copies
from seedling.data.spelled import duration
from seedling.errors import InputError, ProjectError

FIRST = datetime.datetime(1899, 12, 31)  # day 0 of a workbook
LEAP = datetime.datetime(1900, 3, 1)  # a workbook has a day before it, which there was not


class ExcelRows:
    """The rows of a sheet, as `TextRows` has those of a text file."""

    def __init__(self, path: Path, reading: Reading) -> None:
        """Read the columns' names.

        Raises:
            InputError: it is no workbook, has no such sheet, or the sheet is empty.
        """
        self._rows = numbered(path, reading.sheet)[reading.skip :]
        self._rows = [row for row in self._rows if any(cell is not None for cell in row[1])]
        if not self._rows:
            raise InputError(f"{path.name} is empty: expected column names, then rows.")
        first = self._rows[0][1]
        self.names, self.remarks = column_names(reading, first)
        self.copies = copies(reading, first)
        self._missing = reading.missing
        if reading.header is True:
            del self._rows[0]
        _mend_lengths([cells for _, cells in self._rows])

    def __iter__(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield each row's number in the sheet, and its cells, None for missing ones."""
        width = len(self.names)
        for number, cells in self._rows:
            found = [None if cell in self._missing else cell for cell in cells[:width]]
            yield number, found + [None] * (width - len(found))


def numbered(path: Path, sheet: str | None) -> list[tuple[int, list[Any]]]:
    """Return all rows of a sheet, the first one unless named, with their numbers from 1 on.

    Raises:
        InputError: it is no workbook, or has no such sheet.
        ProjectError: the package that reads workbooks is not installed.
    """
    try:
        import python_calamine
    except ImportError:
        raise ProjectError(
            f"{path.name}: reading Excel needs the package python-calamine, which init installs."
        ) from None
    try:
        with python_calamine.CalamineWorkbook.from_path(path) as book:
            names = book.sheet_names
            if sheet is not None and sheet not in names:
                raise InputError(f"{path.name} has no sheet {sheet!r}; it has {', '.join(names)}.")
            rows = book.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError) as error:
        raise InputError(f"{path.name} cannot be read as a workbook: {error}.") from None
    return [(number, [plain(cell) for cell in row]) for number, row in enumerate(rows, 1)]


def _mend_lengths(rows: list[list[Any]]) -> None:
    """Make lengths of time of the days of 1900 that stand among times of a day.

    A workbook has both as a number of days: 30 hours in cells shown as h:mm come as 1900-01-01
    06:00, and 6 hours as 06:00.
    """
    width = max((len(cells) for cells in rows), default=0)
    for at in range(width):
        early = [
            cells
            for cells in rows
            if at < len(cells) and isinstance(cells[at], datetime.datetime) and cells[at] < LEAP
        ]
        if early and any(
            isinstance(cells[at], str) and duration(cells[at]) is not None
            for cells in rows
            if at < len(cells)
        ):
            for cells in early:
                cells[at] -= FIRST


def plain(cell: Any) -> Any:
    """Return the value of a cell: a number, truth value, text or datetime; None for a blank.

    A whole number is an integer, a date the start of its day, a time of the day its text, as in a
    Parquet file.
    """
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, datetime.time):
        return cell.isoformat()
    if isinstance(cell, datetime.date) and not isinstance(cell, datetime.datetime):
        return datetime.datetime.combine(cell, datetime.time())
    return None if cell == "" else cell
