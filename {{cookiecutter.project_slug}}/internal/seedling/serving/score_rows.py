"""Read rows of a file cell by cell, as the service reads a request, or say why one is refused.

Whatever is not read by columns is read here, so that its words are the same.
"""

import datetime
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from seedling.columns.protocol import Column, parser
from seedling.config import Reading
from seedling.data import spelled
from seedling.data.scalars import label_text, plain
from seedling.data.spelled import Marks
from seedling.errors import InputError
from seedling.serving.inputs import Reader, Values
from seedling.serving.wanted import Wanted

MOST_SHOWN = 200  # characters of a value that a reason repeats


class Refused(NamedTuple):
    """The reason why a row is not answered, and the faulty column, if one is to blame."""

    column: str
    reason: str


class RowReader:
    """Reads the cells of rows into the values of the model's raw columns.

    Args:
        reader: of the model that answers.
        reading: how the file of the model's dataset is read.
    """

    def __init__(self, reader: Reader, reading: Reading) -> None:
        self._reader, self._reading = reader, reading
        self._columns = list(reader.columns.values())
        self._wanted = Wanted(reader.names, (), self._columns)
        self._parsers = {is_text: self._cell_readers(is_text) for is_text in (True, False)}

    def read(self, cells: Sequence[Any], is_text: bool) -> Values | Refused:
        """Return the values of the raw columns for the cells of one row, or why it has none."""
        row = [read(cell) for read, cell in zip(self._parsers[is_text], cells, strict=True)]
        self._wanted.restored([row], self._reader.names)
        try:
            (found,) = self._reader.raw_values(self._reader.instances([row]))
        except InputError as error:
            return self._refused(row, str(error))
        return found

    def _refused(self, row: list[Any], words: str) -> Refused:
        """Return what an error says of a row, with the value of the faulty cell."""
        words = words.removeprefix("instances[0]").removeprefix(".")
        names = [name for name in self._reader.names if words.startswith(f"{name}: ")]
        if not names:
            return Refused("", words.lstrip(": ").rstrip("."))
        name = max(names, key=len)
        reason = words.removeprefix(f"{name}: ").rstrip(".")
        value = row[self._reader.names.index(name)]
        shown = value not in (None, "") and repr(value) not in reason
        shown = shown and len(str(value)) <= MOST_SHOWN
        return Refused(name, f"{reason}: {value}" if shown else reason)

    def _cell_readers(self, is_text: bool) -> list[Callable[[Any], Any]]:
        return [self.cell_reader(column, is_text) for column in self._columns]

    def cell_reader(self, column: Column, is_text: bool) -> Callable[[Any], Any]:
        """Return what turns a cell of a file into a JSON value of the column, None if missing."""
        missing, is_words = self._reading.missing, column.json_type() is str
        parse = parser(column, Marks(self._reading.decimal, self._reading.thousands))

        def read_text(text: str | None) -> Any:
            if text is None or text in missing or text.isspace():
                return None
            return parse(text)

        def read_typed(cell: Any) -> Any:
            value = plain(cell)
            if isinstance(value, str):  # a workbook may hold numbers as text
                return value if is_words else read_text(value)
            if isinstance(value, datetime.timedelta):
                return spelled.iso_duration(value.total_seconds())
            if isinstance(value, datetime.date) or (is_words and value is not None):
                return label_text(value)
            return value

        return read_text if is_text else read_typed
