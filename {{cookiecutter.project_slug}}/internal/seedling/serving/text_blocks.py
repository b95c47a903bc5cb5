"""Rows of a text file as columns, block by block: by Arrow's CSV reader where it reads the same.

Arrow and `text_rows`, which reads row by row, differ about quotation marks that do not fit, rows of
another length, comments, blanks before quotation marks and lone carriage returns. A block that has
such a thing is read by rows; where it is not clear where a row ends, all that follows is. The lines
of a block in which each is a row for sure may be read later, and in another thread or process.
"""

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from seedling.config import Reading
from seedling.data.text_rows import Row, opened, text_of

FIRST = 1 << 16  # bytes that show how long a row is
UTF_8 = ("utf-8", "utf-8-sig")


class Block(NamedTuple):
    """Rows: the texts of some columns, null in a row that is none, and why it is none, by place."""

    columns: list[pa.Array]
    faults: dict[int, str]
    read: float

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0])


class Lines(NamedTuple):
    """Lines that are a row each: their UTF-8, the number of the line before, and their count."""

    content: bytes
    before: int
    rows: int
    read: float


class TextBlocks:
    """The rows of a text file, about `size` at a time.

    Attributes:
        names: of all columns of the file.
        copies: those of columns whose own name stands before, each with that name.
    """

    def __init__(self, path: Path, reading: Reading, size: int) -> None:
        """Read the columns' names; raises InputError as `text_rows.opened` does."""
        self._path, self._reading, self._size = path, reading, size
        with opened(path, reading) as (rows, _):
            self.names, self.copies, self._rows = rows.names, rows.copies, rows
            self._begun = rows.begun()
        mark = re.escape(rows.separator).encode()
        self._quoted = re.compile(rb'(?:(?<=[\n%b])|^)"(?:[^"]|"")*"(?=[%b\r\n]|$)' % (mark, mark))
        self._opening = re.compile(rb'(?:^|[\n%b])"' % mark)

    def blocks(self, places: Sequence[int]) -> Iterator[Block]:
        """Yield the rows with the columns at these places; one block at least.

        Raises:
            InputError: the file is damaged, or not text in this encoding.
        """
        for each in self.unread(places):
            yield self.block(each, places) if isinstance(each, Lines) else each

    def unread(self, places: Sequence[int]) -> Iterator[Block | Lines]:
        """Yield what `blocks` does, and lines that `block` reads in place of most blocks.

        Raises:
            InputError: the file is damaged, or not text in this encoding.
        """
        mark = self._rows.separator
        if len(self.names) > 1 and mark != " " and mark.isascii():
            with text_of(self._path, self._reading.encoding) as (stream, share):
                source = _Source(stream)
                if not any(_has_lone_return(source.line()) for _ in range(self._begun.line)):
                    yield from self._of_source(source, places, share)
                    return
        with opened(self._path, self._reading) as (rows, share):
            yield from self._by_rows(rows, places, share)

    def block(self, lines: Lines, places: Sequence[int]) -> Block:
        """Return the rows of lines."""
        found = self._whole(lines.content, places, lines.read)
        if found is None:
            text = io.StringIO(lines.content.decode(), newline="")
            found = _block(list(self._rows.continued(text, lines.before)), places, lines.read)
        return found

    def _of_source(
        self, source: "_Source", places: Sequence[int], share: Callable[[], float]
    ) -> Iterator[Block | Lines]:
        """Yield the rows of a text, behind the one that has been read with the names, if so."""
        first = [self._begun.first] if self._begun.first else []
        line, rest, length = self._begun.line, b"", FIRST
        is_last = False
        while not is_last:
            read = source.read(max(length - len(rest), FIRST))
            is_last = not read
            text, rest = (rest, b"") if is_last else _cut(rest + read)
            if not text and not is_last:
                continue
            if not text.isascii():
                text.decode()  # Arrow does not say what is no UTF-8
            found: Block | Lines | None = None
            if not first:
                found = self._lines(text, line, share()) or self._whole(text, places, share())
            if found is None and b'"' in text:  # where its last row ends is not clear
                more = (text + rest + source.line()).decode()
                rows = self._rows.continued(chain(io.StringIO(more, newline=""), source), line)
                yield from self._by_rows(chain(first, rows), places, share)
                return
            if found is None:
                rows = self._rows.continued(io.StringIO(text.decode(), newline=""), line)
                found = _block(list(chain(first, rows)), places, share())
            first = []
            line += found.rows if isinstance(found, Lines) else text.count(b"\n")
            if found.rows:
                length = max(FIRST, len(text) * self._size // found.rows)
            if found.rows or is_last:
                yield found._replace(read=1.0) if is_last else found

    def _lines(self, text: bytes, before: int, share: float) -> Lines | None:
        """Return whole lines if each is a row for sure; None where some may be none."""
        if not text.endswith(b"\n") or b'"' in text or b"\r" in text or b"\0" in text:
            return None
        letters = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(letters == ord("\n"))
        firsts = letters[np.append(0, ends[:-1] + 1)]
        if not (_PRINTED[firsts] | (firsts == ord(self._rows.separator))).all():
            return None
        comment = (self._reading.comment or "").encode()
        if comment and (firsts == comment[0]).any():
            return None
        return Lines(text, before, len(ends), share)

    def _whole(self, text: bytes, places: Sequence[int], share: float) -> Block | None:
        """Return the rows of whole lines as Arrow reads them; None where it may be otherwise."""
        if not text:
            return Block([pa.array([], pa.string()) for _ in places], {}, share)
        mark = self._rows.separator.encode()
        is_quoted = b'"' in text
        unquoted = self._quoted.sub(b"", text) if is_quoted else text
        has_blanks = _begins_blank(unquoted, mark)
        if (
            _has_lone_return(text)
            or b"\0" in text
            or (self._reading.comment and _begins(text, self._reading.comment.encode()))
            or (is_quoted and has_blanks)
            or (is_quoted and self._opening.search(unquoted))
        ):
            return None
        wanted = [str(at) for at in places]
        try:
            table = csv.read_csv(
                pa.BufferReader(text),
                csv.ReadOptions(
                    use_threads=False,
                    block_size=len(text) + 1,
                    column_names=[str(at) for at in range(len(self.names))],
                ),
                csv.ParseOptions(delimiter=self._rows.separator, newlines_in_values=is_quoted),
                csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(wanted, pa.string()),
                    include_columns=wanted,
                ),
            )
        except pa.ArrowInvalid:  # a row of another length
            return None
        columns = [table.column(name).combine_chunks() for name in wanted]
        if has_blanks:
            columns = [pc.utf8_ltrim(column, " ") for column in columns]
        return Block(columns, {}, share)

    def _by_rows(
        self, rows: Iterable[Row], places: Sequence[int], share: Callable[[], float]
    ) -> Iterator[Block]:
        rest = iter(rows)
        while True:
            found = list(islice(rest, self._size))
            is_last = len(found) < self._size
            yield _block(found, places, 1.0 if is_last else share())
            if is_last:
                return


class _Source:
    """A text as the bytes of its UTF-8, which most files have already, and then as lines."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self._bytes: Any = None
        if stream.encoding in UTF_8:
            self._bytes = stream.buffer
            if stream.encoding != "utf-8" and self._bytes.read(3) != codecs.BOM_UTF8:
                self._bytes.seek(0)

    def read(self, length: int) -> bytes:
        """Return the next bytes, or letters, as many as these or a few."""
        source = self._bytes
        found: bytes = source.read(length) if source else self._stream.read(length).encode()
        return found

    def line(self) -> bytes:
        """Return the rest of the line."""
        source = self._bytes
        found: bytes = source.readline() if source else self._stream.readline().encode()
        return found

    def __iter__(self) -> Iterator[str]:
        """Return the lines that are left."""
        return iter(self._stream)


_PRINTED = np.zeros(256, bool)  # letters of which none is a blank
_PRINTED[33:127] = True


def _block(rows: Sequence[Row], places: Sequence[int], share: float) -> Block:
    cells = ([None if row.fault else row.cells[at] for row in rows] for at in places)
    columns = [pa.array(column, pa.string()) for column in cells]
    faults = {at: f"line {row.line} {row.fault}" for at, row in enumerate(rows) if row.fault}
    return Block(columns, faults, share)


def _has_lone_return(text: bytes) -> bool:
    """Return whether a carriage return stands without a line feed behind it."""
    return b"\r" in text and text.count(b"\r") != text.count(b"\r\n")


def _begins(text: bytes, words: bytes) -> bool:
    """Return whether a line begins with the words."""
    return text.startswith(words) or b"\n" + words in text


def _begins_blank(text: bytes, mark: bytes) -> bool:
    """Return whether a cell begins with a blank."""
    if b" " not in text:
        return False
    letters = np.frombuffer(text, np.uint8)
    blanks = np.flatnonzero(letters == ord(" "))
    before = letters[blanks - 1]
    return bool(blanks[0] == 0 or ((before == ord("\n")) | (before == ord(mark))).any())


def _cut(text: bytes) -> tuple[bytes, bytes]:
    """Return the whole lines of a text, and the rest; a quoted cell may go over several lines."""
    end = text.rfind(b"\n") + 1
    quotes = text.count(b'"', 0, end) if b'"' in text else 0
    while quotes % 2 and end:
        before = text.rfind(b"\n", 0, end - 1) + 1
        quotes -= text.count(b'"', before, end)
        end = before
    return text[:end], text[end:]
