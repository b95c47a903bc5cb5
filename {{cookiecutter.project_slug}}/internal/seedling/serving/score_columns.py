"""Read the cells of a part column by column: plain numbers at once, other cells once for each text.

A value is what the service reads in the same cell. A row with a cell that is none, or without a
value that it needs, is read again by itself: `score_rows` has the words for it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedling.columns.protocol import Column
from seedling.config import Reading
from seedling.data import mixed_cells
from seedling.data.column_values import Coded, Numbers, Values, distinct
from seedling.data.spelled import Marks
from seedling.serving.inputs import Reader
from seedling.serving.score_rows import Refused, RowReader

Mask = npt.NDArray[np.bool_]
MOST_KEPT = 100_000  # cells of a column whose values are remembered


class Misfit:
    """Stands for a cell that is no value of its column."""


MISFIT = Misfit()


class PartReader:
    """Reads the raw columns of parts.

    Args:
        reader: of the model that answers.
        reading: how the file of the model's dataset is read.
    """

    def __init__(self, reader: Reader, reading: Reading) -> None:
        self._rows = RowReader(reader, reading)
        self._columns = list(reader.columns.values())
        marks = Marks(reading.decimal, reading.thousands)
        self._readers = {
            is_text: [
                _CellsReader(column, marks, self._cell(reader, column, is_text))
                for column in self._columns
            ]
            for is_text in (True, False)
        }

    def read(
        self, batch: pa.RecordBatch, is_text: bool, skipped: Mask
    ) -> tuple[list[Values], dict[int, Refused]]:
        """Return the values of n rows by raw column, and why rows have none, by their places.

        Args:
            batch: has a column of each name of `columns`.
            is_text: whether the cells are texts as they stand in the file.
            skipped: the rows that are not read; what they have for values says nothing.
        """
        cells = [batch.column(column.name) for column in self._columns]
        faulty, empty = np.zeros(batch.num_rows, bool), np.ones(batch.num_rows, bool)
        found = list[Values]()
        for column, given, reader in zip(self._columns, cells, self._readers[is_text], strict=True):
            values, misfits = reader.read(given)
            gaps = values.gaps()
            empty &= gaps
            faulty |= misfits if column.nullable else misfits | gaps
            found.append(values)
        rejects = {}
        for at in np.flatnonzero((faulty | empty) & ~skipped).tolist():
            row = [mixed_cells.cells(given.slice(at, 1))[0] for given in cells]
            read = self._rows.read(row, is_text)
            if isinstance(read, Refused):
                rejects[at] = read
            else:
                for values, value in zip(found, read, strict=True):
                    values.put(at, value)
        return found, rejects

    def _cell(self, reader: Reader, column: Column, is_text: bool) -> Callable[[Any], Any]:
        """Return what reads a cell as a value, or as MISFIT."""
        parse, restore = self._rows.cell_reader(column, is_text), column.from_number()
        value_of = reader.value_reader(column)

        def value(cell: Any) -> Any:
            found = parse(cell)
            try:
                return value_of(found if restore is None else restore(found))
            except ValueError:
                return MISFIT

        return value


class _CellsReader:
    """Reads the cells of one column; remembers the values of cells that it has read."""

    def __init__(self, column: Column, marks: Marks, value_of: Callable[[Any], Any]) -> None:
        self._column, self._marks, self._value_of = column, marks, value_of
        self._known: dict[Any, Any] = {}

    def read(self, cells: pa.Array) -> tuple[Values, Mask]:
        """Return the values of n cells, and which of them are misfits."""
        numbers = self._column.plain_numbers(cells, self._marks)
        if numbers is None:
            coded = self._coded(cells)
            return coded, _misfits(coded)
        rest = np.flatnonzero(np.isnan(numbers))
        if cells.null_count:
            rest = rest[cells.is_valid().to_numpy(zero_copy_only=False)[rest]]
        if not len(rest):
            return Numbers(numbers), np.zeros(len(numbers), bool)
        coded = self._coded(cells.take(pa.array(rest)))
        others = _misfits(coded)
        if any(isinstance(value, int) and abs(value) >= 2**53 for value in coded.values):
            whole = Numbers(numbers).coded()
            codes = whole.codes.astype("int64")
            codes[rest] = coded.codes + len(whole.values)
            return Coded(codes, [*whole.values, *coded.values]), _spread(others, rest, len(codes))
        numbers[rest] = coded.mapped(lambda value: np.nan if value in (None, MISFIT) else value)
        return Numbers(numbers), _spread(others, rest, len(numbers))

    def _coded(self, cells: pa.Array) -> Coded:
        if cells.type == mixed_cells.MIXED:
            found = distinct(mixed_cells.cells(cells))
        else:
            found = _with_codes(cells)
        return found.each(self._value)

    def _value(self, cell: Any) -> Any:
        key = type(cell), cell
        found = self._known.get(key, self)
        if found is self:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            found = self._known[key] = self._value_of(cell)
        return found


def _with_codes(cells: pa.Array) -> Coded:
    """Return cells with a code for each other one, that of the file where it has few."""
    if pa.types.is_dictionary(cells.type):
        if len(cells.dictionary) <= len(cells):
            texts = cells.dictionary.to_pylist()
            if not cells.null_count:
                return Coded(cells.indices.to_numpy(), texts)
            codes = pc.fill_null(cells.indices, len(texts))
            return Coded(codes.to_numpy(), [*texts, None])
        cells = cells.cast(cells.type.value_type)
    encoded = cells.dictionary_encode("encode")
    return Coded(encoded.indices.to_numpy(), encoded.dictionary.to_pylist())


def _misfits(coded: Coded) -> Mask:
    wrong = [value is MISFIT for value in coded.values]
    if not any(wrong):
        return np.zeros(len(coded), bool)
    coded.values = [None if value is MISFIT else value for value in coded.values]
    return np.array(wrong)[coded.codes]


def _spread(mask: Mask, places: Any, count: int) -> Mask:
    found = np.zeros(count, bool)
    found[places] = mask
    return found
