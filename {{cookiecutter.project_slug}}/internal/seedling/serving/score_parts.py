"""The rows of a file to score, in parts, so that it may be larger than memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from seedling.config import Reading
from seedling.data import arrow_tables, json_rows
from seedling.data.excel_rows import ExcelRows
from seedling.data.reading import kind_of
from seedling.data.text_rows import opened
from seedling.errors import InputError


class FileRow(NamedTuple):
    """A row: its number among the file's rows, from 1 on, its cells, and why it is none, if so."""

    number: int
    cells: Sequence[Any]
    fault: str = ""


class Part(NamedTuple):
    """Some rows of a file; `read` is the share of the file up to their end, from 0 to 1."""

    names: list[str]
    rows: list[FileRow]
    read: float
    is_text: bool = False


class Needed(NamedTuple):
    """The names of the columns that a model needs, and of its target, which a file may have."""

    features: Sequence[str]
    target: str

    def are_in(self, names: Sequence[str]) -> bool:
        """Return whether all features are among these names."""
        return set(self.features) <= set(names)


def parts(path: Path, reading: Reading, needed: Needed, size: int) -> Iterator[Part]:
    """Yield the rows of a file in parts of `size`, at least one.

    Args:
        path: a file of one of `reading.KINDS`.
        reading: how the file of the model's dataset is read. A text file in which the features are
            not found so is read with a header, or with the separator of its first line.
        features: the names of the columns that are needed.
        size: the rows of a part.

    Raises:
        InputError: the file cannot be read as a table.
        ProjectError: it is of no known kind.
    """
    kind = kind_of(path)
    if kind == "text":
        yield from _text(path, _fitting(reading, needed, lambda way: _has(path, way, needed)), size)
    elif kind == "excel":
        fits = _fitting(reading, needed, lambda way: needed.are_in(ExcelRows(path, way).names))
        sheet = ExcelRows(path, fits)
        rows = (FileRow(number, cells) for number, (_, cells) in enumerate(sheet, 1))
        yield from _packed(sheet.names, rows, size, lambda: 1.0, False)
    elif kind == "json":
        yield from _json(path, reading, needed.features, size)
    else:
        yield from _arrow(path, needed.features, size)


def _fitting(reading: Reading, needed: Needed, fits: Callable[[Reading], bool]) -> Reading:
    """Return how a file is read so that it fits: as its dataset's file, if it can."""
    with_header: dict[str, Any] = {"header": True, "skip": 0}
    ways: list[dict[str, Any]] = [{}, with_header, {"separator": None}]
    ways.append({**with_header, "separator": None})
    if isinstance(reading.header, list):
        ways.insert(0, {"header": [name for name in reading.header if name != needed.target]})
    tried = (reading.model_copy(update=way) for way in ways)
    return next((way for way in tried if fits(way)), reading)


def _has(path: Path, reading: Reading, needed: Needed) -> bool:
    """Return whether a text file has the columns, and a first row of as many cells."""
    with opened(path, reading) as (rows, _):
        first = next(iter(rows), None)
        return needed.are_in(rows.names) and not (first and first.fault)


def _text(path: Path, reading: Reading, size: int) -> Iterator[Part]:
    with opened(path, reading) as (lines, share):
        rows = (
            FileRow(number, row.cells, row.fault and f"line {row.line} {row.fault}")
            for number, row in enumerate(lines, 1)
        )
        yield from _packed(lines.names, rows, size, share, True)


def _packed(
    names: list[str],
    rows: Iterable[FileRow],
    size: int,
    share: Callable[[], float],
    is_text: bool,
) -> Iterator[Part]:
    rest = iter(rows)
    found = list(islice(rest, size))
    while len(found) == size:
        yield Part(names, found, share(), is_text)
        found = list(islice(rest, size))
    yield Part(names, found, 1, is_text)


def _json(path: Path, reading: Reading, features: Sequence[str], size: int) -> Iterator[Part]:
    rest, number, names = json_rows.rows(path, reading), 0, list[str]()
    while found := list(islice(rest, size)):
        sent = dict.fromkeys(name for row, _ in found for name in row.values)
        # A name that the first part has may lack in a later one: its values are missing there.
        names = list({**sent, **dict.fromkeys(name for name in features if name in names)})
        rows = [
            FileRow(number + at, [row.values.get(name) for name in names], row.fault)
            for at, (row, _) in enumerate(found, 1)
        ]
        number += len(rows)
        yield Part(names, rows, found[-1][1])
    if not number:
        raise InputError(f"{path.name} is empty: expected a JSON object on each line.")


def _arrow(path: Path, features: Sequence[str], size: int) -> Iterator[Part]:
    number = 0
    for batch, share in arrow_tables.batches(path, size, features):
        cells = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        rows = [FileRow(number + at, row) for at, row in enumerate(cells, 1)]
        number += len(rows)
        yield Part(batch.schema.names, rows, share)
