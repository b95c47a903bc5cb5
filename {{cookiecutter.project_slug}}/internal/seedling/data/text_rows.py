"""The rows of a text file, one at a time, by a dataset's `read`; without pandas, for the service.

A file may be compressed by gzip, bzip2 or xz, or be the only file of a zip archive.
"""

import bz2
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from seedling.config.reading import Reading, column_names, copies
from seedling.errors import InputError
from seedling.wording import counted

SEPARATORS = ",;\t|"
COMPRESSED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
ZIP = b"PK\x03\x04"
ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
csv.field_size_limit(2**24)  # characters of a cell


class Row(NamedTuple):
    """A row: its last line in the file, its cells, and what is wrong with it, if anything is."""

    line: int
    cells: list[str]
    fault: str = ""


class Begun(NamedTuple):
    """The lines that were read for the names of columns, and the row among them."""

    line: int
    first: Row | None


class NotText(InputError):
    """Say that a file is not text in its encoding, and where.

    Attributes:
        where: the beginning of the message, without what to do.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(
            f"{self.where}: name its encoding with --encoding, or as read: {{encoding: ...}} in "
            "model.yaml."
        )


class TextRows:
    """The rows of a text file.

    Attributes:
        names: of the columns.
        remarks: one line about each name that the file does not have itself.
        copies: the names of columns whose own name stands before, each with that name.
        separator: between the cells of a row.
    """

    def __init__(self, path: Path, stream: IO[str], reading: Reading) -> None:
        """Read the columns' names.

        Raises:
            InputError: the file has no line.
        """
        self._reading = reading
        self._lines = _Lines(stream, reading)
        first_line = next((line for line in self._lines if line.strip()), None)
        if first_line is None:
            raise InputError(f"{path.name} is empty: expected column names, then rows.")
        self.separator = reading.separator or separator_of(path, first_line)
        self._rows = self._read(chain([first_line], self._lines))
        first = next(self._all())
        if first.fault:
            raise InputError(f"{path.name}, line {first.line}: {first.fault}.")
        self.names, self.remarks = column_names(reading, first.cells)
        self.copies = copies(reading, first.cells)
        self._first = None if reading.header is True else first
        self._fewest = len(self.names)
        if reading.header is True:  # separators at the end of the header name no column
            named = [at for at, cell in enumerate(first.cells, 1) if cell.strip()]
            self._fewest = named[-1] if named else 1

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows, blank lines left out, each with as many cells as there are names.

        A row of another length, or with quotation marks that do not fit, has a `fault`.
        """
        width = len(self.names)
        if self._first is not None:
            yield self._fitted(self._first)
        for row in self._all():
            yield row if len(row.cells) == width else self._fitted(row)

    def begun(self) -> Begun:
        """Return how many lines were read for the names, and the row among them, if one was."""
        return Begun(self._lines.number, self._fitted(self._first) if self._first else None)

    def continued(self, lines: Iterable[str], line: int) -> Iterator[Row]:
        """Return the rows of other lines of the file, of which `line` stand before these."""
        other = copy(self)
        other._lines = _Lines(lines, self._reading, line)
        other._rows, other._first = self._read(other._lines), None
        return iter(other)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs, in this process or another, to read other lines."""
        return {**vars(self), "_lines": None, "_rows": None, "_first": None}

    def _read(self, lines: Iterable[str]) -> Any:
        if self.separator == " ":
            lines = (line.replace("\t", " ") for line in lines)
        return csv.reader(lines, delimiter=self.separator, skipinitialspace=True, strict=True)

    def _all(self) -> Iterator[Row]:
        while True:
            try:
                for cells in self._rows:
                    if cells and (len(cells) > 1 or cells[0].strip()):
                        yield Row(self._lines.number, cells)
                return
            except csv.Error as error:  # the next row begins on the next line
                yield Row(self._lines.number, [], f"is not valid CSV: {error}")

    def _fitted(self, row: Row) -> Row:
        """Return the row without blanks past its last column, or with the ones that lack."""
        width, count = len(self.names), len(row.cells)
        if row.fault or count == width:
            return row
        if self._fewest <= count < width:
            return row._replace(cells=[*row.cells, *[""] * (width - count)])
        if count > width and not any(cell.strip() for cell in row.cells[width:]):
            return row._replace(cells=row.cells[:width])
        return row._replace(fault=f"has {counted(count, 'value')} for {counted(width, 'column')}")


class _Lines:
    """The lines of a text that are neither skipped nor comments; `number` is the last one's."""

    def __init__(self, stream: Iterable[str], reading: Reading, number: int = 0) -> None:
        self.number = number
        self._stream, self._skip, self._comment = stream, reading.skip, reading.comment

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            self.number += 1
            if self.number > self._skip and not (self._comment and line.startswith(self._comment)):
                yield line


@contextmanager
def opened(path: Path, reading: Reading) -> Iterator[tuple[TextRows, Callable[[], float]]]:
    """Open a text file to read its rows, and a function that returns the share read, 0 to 1.

    Raises:
        InputError: it is missing, empty, damaged, or not text in this encoding; also while its
            rows are read.
    """
    with text_of(path, reading.encoding) as (stream, share):
        yield TextRows(path, stream, reading), share


@contextmanager
def text_of(path: Path, encoding: str) -> Iterator[tuple[io.TextIOWrapper, Callable[[], float]]]:
    """Open a text file by its byte order mark, else in this encoding; see `opened`."""
    try:
        with bytes_of(path) as (content, share):
            head = content.read(4)
            content.seek(0)
            marked = (name for mark, name in ORDER_MARKS.items() if head.startswith(mark))
            encoding = next(marked, encoding)
            yield io.TextIOWrapper(content, encoding=encoding, newline=""), share
    except UnicodeError:
        line = _first_bad(path, encoding)
        at = f", line {line:,}," if line else ""
        raise NotText(f"{path.name}{at} is not text in {encoding}") from None


def _first_bad(path: Path, encoding: str) -> int:
    """Return the first line of a file that is not text in this encoding; 0 where it is unclear."""
    if "\n".encode(encoding) != b"\n":
        return 0
    with bytes_of(path) as (content, _):
        for number, line in enumerate(content, 1):
            try:
                line.decode(encoding)
            except UnicodeError:
                return number
    return 0


@contextmanager
def bytes_of(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], float]]]:
    """Open the content of a file, decompressed, and a function that returns the share read.

    Raises:
        InputError: it is missing or damaged, or an archive of several files.
    """
    try:
        with path.open("rb") as raw, _decompressed(path, raw) as content:
            size = path.stat().st_size or 1
            yield content, lambda: min(raw.tell() / size, 1)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise InputError(f"{path.name} cannot be read: {reason}.") from None


def _decompressed(path: Path, raw: IO[bytes]) -> IO[bytes]:
    """Return the content of a file, decompressed as its first bytes say."""
    head = raw.read(6)
    raw.seek(0)
    if head.startswith(ZIP):
        archive = zipfile.ZipFile(raw)
        names = [
            name
            for name in archive.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX")
        ]
        if len(names) != 1:
            shown = ", ".join(names[:5])
            raise InputError(
                f"{path.name} holds {counted(len(names), 'file')}: {shown}: unpack it."
            )
        return archive.open(names[0])
    for mark, opener in COMPRESSED.items():
        if head.startswith(mark):
            found: IO[bytes] = opener(raw)
            return found
    return raw


def separator_of(path: Path, line: str) -> str:
    """Return the separator that occurs most often in a line; a tab in a .tsv file."""
    return "\t" if is_tsv(path) else max(SEPARATORS, key=line.count)


def is_tsv(path: Path) -> bool:
    """Return whether the file's name says that tabs separate its values."""
    return not {".tsv", ".tab"}.isdisjoint(path.suffixes)
