"""The rows of a file to score, in parts, so that it may be larger than memory.

A part is a batch of Arrow's columns: those that a model needs and its entity key. Parquet and Arrow
files have ranges that are read by themselves; any other file is read from its beginning to its end.
A column that a file does not have is the one that its folders say, such as `location=Ashby`.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from seedling.config import Reading
from seedling.config.reading import column_names, copies, refuse_copies
from seedling.data import arrow_tables, folder_names, json_rows, mixed_cells
from seedling.data.excel_rows import ExcelRows
from seedling.data.reading import kind_of
from seedling.data.text_rows import NotText, opened
from seedling.errors import InputError
from seedling.serving import whole_texts
from seedling.serving.text_blocks import Block, Lines, TextBlocks
from seedling.serving.whole_texts import Whole

MAX_COMPARED = 100  # names that are compared with a missing one
MOST = 2  # times as many rows as asked for may stand in a range


@dataclass(frozen=True)
class Part:
    """Some rows of a file, one after the other.

    Attributes:
        file: the file's name, behind those of the folders that say a column: `shop=1/rows.csv`.
        first: the number of the first row among the file's rows, which count from 1.
        batch: a row for each, with a text column for each in a text file; of a faulty row all
            cells are missing.
        faults: why a row is none, by its place in the batch.
        is_text: whether the cells are texts as they stand in the file.
        read: the share of the file up to the end of these rows, from 0 to 1.
        whole: the text of a file that is one row.
        copied: the column of scored rows with the text that a copy of this file has.
    """

    file: str
    first: int
    batch: pa.RecordBatch
    faults: Mapping[int, str] = field(default_factory=dict)
    is_text: bool = False
    read: float = 1.0
    whole: Whole | None = None
    copied: str = ""

    def copy(self, scored: pa.RecordBatch) -> bytes | None:
        """Return the content of the file's copy; None where it has none.

        Args:
            scored: the row, or none where it has no answer.
        """
        if self.whole is None or not self.copied or not scored.num_rows:
            return None
        return self.whole.copy(scored.column(self.copied)[0].as_py())


class Range(NamedTuple):
    """Rows of a file that can be read without those before: some of its row groups or batches."""

    groups: tuple[int, ...]  # their numbers, from 0 on
    first: int  # the number of the first row among the file's rows
    rows: int
    read: float  # the share of the file up to their end


class Needed(NamedTuple):
    """The names of the columns that a model needs, of its entity key, and of its target."""

    features: Sequence[str]
    keys: Sequence[str]
    target: str
    text: str = ""  # the feature that a .txt file holds as a whole
    copied: str = ""  # the column of scored rows with the text that a copy of such a file has

    def is_whole(self, path: Path) -> bool:
        """Return whether a file is one row, with all of its text in one feature."""
        return bool(self.text) and path.suffix.lower() == whole_texts.ENDING

    def are_in(self, names: Sequence[str]) -> bool:
        """Return whether all features are among these names."""
        return set(self.features) <= set(names)

    def beside(self, said: Mapping[str, str | None]) -> "Needed":
        """Return what is needed of a file whose folders say some columns: these may lack in it."""
        features = [name for name in self.features if name not in said]
        return self._replace(features=features, keys=[*self.keys, *(said.keys() & self.features)])

    def among(
        self, sent: Sequence[str], file: str, copies: Mapping[str, str] | None = None
    ) -> list[str]:
        """Return the names of a file's columns to read: the features, then the entity key.

        Args:
            sent: the names of all its columns.
            file: its name, for the message.
            copies: of these names those of columns whose own name stands before, with that name.

        Raises:
            InputError: a feature is missing or misspelt, or a column to read stands there again.
        """
        known = {*self.features, *self.keys, self.target}
        refuse_copies(copies or {}, [*self.features, *self.keys], known, file)
        for name in self.features:
            if name not in sent:
                others = [other for other in sent if other not in self.features]
                near = difflib.get_close_matches(name, others[:MAX_COMPARED], n=1)
                hint = f"; is it the one called {near[0]}?" if near else "."
                raise InputError(f"{file}: the column {name} is missing{hint}")
        also = [name for name in self.keys if name in sent and name not in self.features]
        return [*self.features, *also]


class Unread(NamedTuple):
    """Lines of a text file that `part` reads: later, and in any thread or process.

    Attributes:
        path: of the file.
        blocks: its rows.
        lines: some of them.
        names, places: of the columns that are read.
        first: the number of the first row among the file's rows.
        said: the columns that the file's folders say.
    """

    path: Path
    blocks: TextBlocks
    lines: Lines
    names: Sequence[str]
    places: Sequence[int]
    first: int
    said: Mapping[str, str | None]

    @property
    def read(self) -> float:
        """Return the share of the file up to the end of these lines, from 0 to 1."""
        return self.lines.read

    def part(self) -> Part:
        """Return the rows."""
        block = self.blocks.block(self.lines, self.places)
        return _with(self.path, _of_block(self.path, self.names, self.first, block), self.said)


def parts(path: Path, reading: Reading, needed: Needed, size: int) -> Iterator[Part]:
    """Yield the rows of a file in parts of about `size`, at least one.

    Args:
        path: a file of one of `reading.KINDS`.
        reading: how the file of the model's dataset is read. A text file in which the features are
            not found so is read with a header, or with the separator of its first line.
        needed: the names of the columns that are read.
        size: the rows of a part.

    Raises:
        InputError: the file cannot be read as a table, or has not all features.
        ProjectError: it is of no known kind.
        OSError: it cannot be read.
    """
    for each in unread(path, reading, needed, size):
        yield each.part() if isinstance(each, Unread) else each


def unread(path: Path, reading: Reading, needed: Needed, size: int) -> Iterator[Part | Unread]:
    """Yield what `parts` does, and lines that make a part in place of what takes time to read."""
    try:
        yield from _unread(path, reading, needed, size)
    except NotText as error:  # what scores has no option for an encoding
        raise InputError(
            f"{error.where}: mend it, or name its encoding as read: {{encoding: ...}} in "
            "model.yaml."
        ) from None


def _unread(path: Path, reading: Reading, needed: Needed, size: int) -> Iterator[Part | Unread]:
    said = _said(path, needed)
    beside = needed.beside(said)
    if needed.is_whole(path):
        yield _with(path, _whole(path, reading, beside), said)
        return
    if kind_of(path) == "text":
        fitting = _fitting(reading, beside, lambda way: _has(path, way, beside))
        yield from _text(path, fitting, beside, size, said)
        return
    for part in _parts(path, reading, beside, size):
        yield _with(path, part, said)


def _parts(path: Path, reading: Reading, needed: Needed, size: int) -> Iterator[Part]:
    kind = kind_of(path)
    if kind == "excel":
        yield from _excel(path, reading, needed, size)
    elif kind == "json":
        yield from _json(path, reading, needed, size)
    else:
        first = 1
        for batch, share in arrow_tables.batches(path, size, needed.features):
            yield _of_batch(path, first, batch, needed, share)
            first += batch.num_rows


def ranges(path: Path, reading: Reading, needed: Needed, size: int) -> list[Range] | None:
    """Return the ranges of a file, each of which `read_range` reads by itself.

    Args:
        path, reading, needed: as in `parts`.
        size: the rows of a range, about; a file with much larger row groups has none.

    Returns:
        None where the file can only be read from its beginning, by `parts`.

    Raises:
        InputError: the file cannot be read as Parquet or Arrow.
    """
    if kind_of(path) not in ("parquet", "arrow"):
        return None
    counts = arrow_tables.group_rows(path)
    if not counts or max(counts) > MOST * size:
        return None
    found, first, groups = list[Range](), 1, list[int]()
    for number in range(len(counts)):
        groups.append(number)
        rows = sum(counts[groups[0] : number + 1])
        if rows >= size or number == len(counts) - 1:
            found.append(Range(tuple(groups), first, rows, (number + 1) / len(counts)))
            first, groups = first + rows, []
    return found


def read_range(path: Path, reading: Reading, needed: Needed, found: Range) -> Part:
    """Return the rows of one of a file's `ranges`.

    Raises:
        InputError: the file cannot be read, or has not all features.
    """
    said = _said(path, needed)
    needed = needed.beside(said)
    batch = arrow_tables.groups(path, found.groups, needed.features)
    return _with(path, _of_batch(path, found.first, batch, needed, found.read), said)


def _said(path: Path, needed: Needed) -> dict[str, str | None]:
    """Return the needed columns that the folders of a file say, with their text."""
    names = {*needed.features, *needed.keys}
    return {name: text for name, text in folder_names.above(path).items() if name in names}


def _with(path: Path, part: Part, said: Mapping[str, str | None]) -> Part:
    """Add the columns to a part that its file has not, and its folders say; name them too."""
    batch = part.batch
    for name, text in said.items():
        if name not in batch.schema.names:
            cells = pa.repeat(pa.scalar(text, pa.string()), batch.num_rows)
            batch = batch.append_column(name, cells)
    return replace(part, file=folder_names.label(path), batch=batch)


def _of_batch(path: Path, first: int, batch: pa.RecordBatch, needed: Needed, read: float) -> Part:
    given = sent = batch.schema.names
    if again := copies(Reading(), given):
        sent, _ = column_names(Reading(), given)
    names = needed.among(sent, path.name, again)
    places = [sent.index(name) for name in names]
    chosen = pa.RecordBatch.from_arrays([batch.column(at) for at in places], names)
    return Part(path.name, first, chosen, read=read)


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


def _text(
    path: Path, reading: Reading, needed: Needed, size: int, said: Mapping[str, str | None]
) -> Iterator[Part | Unread]:
    blocks, first = TextBlocks(path, reading, size), 1
    names = needed.among(blocks.names, path.name, blocks.copies)
    places = [blocks.names.index(name) for name in names]
    for each in blocks.unread(places):
        if isinstance(each, Lines):
            yield Unread(path, blocks, each, names, places, first, said)
        else:
            yield _with(path, _of_block(path, names, first, each), said)
        first += each.rows


def _of_block(path: Path, names: Sequence[str], first: int, block: Block) -> Part:
    batch = pa.RecordBatch.from_arrays(block.columns, list(names))
    return Part(path.name, first, batch, block.faults, True, block.read)


def _whole(path: Path, reading: Reading, needed: Needed) -> Part:
    """Return the only row of a file: its text, and its name without the ending as the key."""
    whole = whole_texts.read(path, reading.encoding)
    cells = {needed.text: "" if whole.fault else whole.text}
    if len(needed.keys) == 1:
        cells = {needed.keys[0]: path.stem, **cells}
    names = needed.among(list(cells), path.name)
    arrays = [pa.array([cells[name]], pa.string()) for name in names]
    batch = pa.RecordBatch.from_arrays(arrays, names)
    faults = {0: whole.fault} if whole.fault else {}
    return Part(path.name, 1, batch, faults, whole=whole, copied=needed.copied)


def _excel(path: Path, reading: Reading, needed: Needed, size: int) -> Iterator[Part]:
    fits = _fitting(reading, needed, lambda way: needed.are_in(ExcelRows(path, way).names))
    sheet = ExcelRows(path, fits)
    names = needed.among(sheet.names, path.name, sheet.copies)
    places, rows = [sheet.names.index(name) for name in names], [cells for _, cells in sheet]
    for start in range(0, len(rows) or 1, size):
        some = rows[start : start + size]
        columns = [mixed_cells.array([row[at] for row in some]) for at in places]
        batch = pa.RecordBatch.from_arrays(columns, names)
        yield Part(path.name, start + 1, batch, read=min(1.0, (start + size) / (len(rows) or 1)))


def _json(path: Path, reading: Reading, needed: Needed, size: int) -> Iterator[Part]:
    rest, first, names = json_rows.rows(path, reading), 1, list[str]()
    while found := list(islice(rest, size)):
        sent = dict.fromkeys(name for row, _ in found for name in row.values)
        # A name that the first part has may lack in a later one: its values are missing there.
        names = list({**sent, **dict.fromkeys(one for one in needed.features if one in names)})
        wanted = needed.among(names, path.name)
        columns = [mixed_cells.array([row.values.get(name) for row, _ in found]) for name in wanted]
        faults = {at: row.fault for at, (row, _) in enumerate(found) if row.fault}
        batch = pa.RecordBatch.from_arrays(columns, wanted)
        yield Part(path.name, first, batch, faults, False, found[-1][1])
        first += len(found)
    if first == 1:
        raise InputError(f"{path.name} is empty: expected a JSON object on each line.")
