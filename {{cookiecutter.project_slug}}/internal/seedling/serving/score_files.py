"""Score files of rows, as CSV: each row as the service answers it.

The output begins with a line of column names: `file`, `row` (from 1 on), the entity key,
`prediction` and the other columns of the model's task, `model` and `version`. A file is read in
parts, so that it may be larger than memory.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seedling.config import Project
from seedling.data.scalars import plain
from seedling.errors import InputError, ProjectError, Unavailable
from seedling.serving import models, selection
from seedling.serving.protocols import MISSING, Wanted
from seedling.wording import counted

KINDS = (".csv", ".parquet")
PART_ROWS = 5_000  # read and answered at a time
UNKNOWN = MISSING | {"?"}  # the texts for a missing value in the CSV of a dataset
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # the first characters of a formula in a spreadsheet
BREAK = re.compile(r"[\r\n]")
AT_ROW = re.compile(r"instances\[(\d+)\](?:\.|: )")


class Part(NamedTuple):
    """Some rows of a file; `read` is the share of the file up to their end, from 0 to 1."""

    names: list[str]
    rows: list[Sequence[Any]]
    read: float
    is_text: bool


class Scorer:
    """Answers the rows of files by one registered model, each by the version it is routed to."""

    def __init__(self, project: Project, model: str | None = None) -> None:
        """
        Args:
            project: the project whose registered models are used; SERVED_MODELS selects some.
            model: the name of the model that answers; the first unless given.

        Raises:
            ProjectError: it is not registered, or one of its versions cannot be loaded.
        """
        config = selection.config(project)
        if not config.models:
            raise Unavailable("No model is registered: run train.")
        name = model or config.models[0].model
        entries = [one for one in config.models if one.model == name and not one.shadow]
        if not entries:
            known = ", ".join(dict.fromkeys(one.model for one in config.models))
            raise ProjectError(f"There is no registered model {name!r}; there are: {known}.")
        versions = [models.load(project, entry) for entry in entries]
        champion = next(version for version in versions if version.registered.is_champion)
        fitting = [version for version in versions if models.can_share(version, champion)]
        self._served = models.ServedModel(name, models.lineup(champion, fitting))
        self._reader = self._served.lineup.reader
        self._wanted = Wanted(self._reader.names, (), list(self._reader.columns.values()))
        self._keys = list(champion.dataset.entity_key)
        self._task = champion.task
        answered = self._task.batch_columns(dict(champion.answer(())))
        self.columns = ["file", "row", *self._keys, *answered, "model", "version"]

    def lines(self, path: Path) -> Iterator[tuple[str, float]]:
        """Yield the scored CSV of a file in chunks, with progress from 0 to 1.

        Raises:
            InputError: a row cannot be answered; with the file, the row and the column.
        """
        yield _text([self.columns]), 0
        first = 1
        for part in _parts(path):
            self._wanted.among(part.names, path.name)
            try:
                answered = self._answer(part, first)
                text = _text([path.name, *row] for row in answered)
            except InputError as error:
                raise InputError(f"{path.name}, {_in_file(str(error), first)}") from None
            yield text, part.read
            first += len(part.rows)

    def _answer(self, part: Part, first: int) -> Iterator[list[Any]]:
        """Yield the lines of some rows, without the name of the file."""
        places = [part.names.index(name) for name in self._reader.names]
        parsers = (column.parse for column in self._wanted.columns)
        parsed = list(zip(places, parsers, strict=True))
        if part.is_text:
            rows = [[_parsed(row[at], parse) for at, parse in parsed] for row in part.rows]
        else:
            rows = [[plain(row[at]) for at in places] for row in part.rows]
        values = self._reader.values(self._reader.instances(self._wanted.restored(rows)))
        keys = [self._key(part.names, row) for row in part.rows]
        for at, key in enumerate(keys):
            if any(isinstance(value, str) and BREAK.search(value) for value in key):
                raise InputError(f"instances[{at}]: its key has a line break in it.")
        turns = [() if None in key else key for key in keys]
        answer = self._served.answer_values(self._served.lineup, values, turns)
        cells = self._task.batch_cells(answer)
        versions = answer.get("versions") or [answer["version"]] * len(rows)
        for at, key in enumerate(keys):
            yield [first + at, *key, *cells[at], answer["model"], versions[at]]

    def _key(self, names: list[str], row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the entity key of a row, with None for parts that the file does not have."""
        found = (row[names.index(name)] if name in names else None for name in self._keys)
        return tuple(None if value in UNKNOWN else plain(value) for value in found)


def tables(source: Path) -> list[Path]:
    """Return the files to score, sorted: one file, or all files of a folder.

    Raises:
        ProjectError: there is none, or one is neither CSV nor Parquet.
    """
    if not source.exists():
        raise ProjectError(f"There is no file or folder {source}.")
    found = sorted(source.iterdir()) if source.is_dir() else [source]
    files = [path for path in found if not path.name.startswith(".")]
    for path in files:
        if path.suffix not in KINDS or not path.is_file():
            raise ProjectError(f"{path} is no .csv or .parquet file: nothing else can be scored.")
    if not files:
        raise ProjectError(f"There is no .csv or .parquet file in {source}.")
    return files


def refuse_target(source: Path, target: Path) -> None:
    """Refuse an output that would replace an input, or become one of the folder's next run.

    Args:
        source: the file to score, or the folder of files.
        target: the CSV to write.

    Raises:
        ProjectError: the target is a folder, the source itself, or a file in the source's folder.
    """
    if target.is_dir():
        raise ProjectError(f"{target} is a folder: name the file to write.")
    if target.exists() and source.exists() and target.samefile(source):
        raise ProjectError(f"{target} is the file to score: name another file to write.")
    if not source.is_dir():
        return
    if target.resolve().parent == source.resolve():
        raise ProjectError(f"{target} is in the folder to score: name a file outside of it.")
    if target.exists() and any(target.samefile(path) for path in tables(source)):
        raise ProjectError(f"{target} is one of the files to score: name another file to write.")


def _parts(path: Path) -> Iterator[Part]:
    """Yield the rows of a file in parts.

    Raises:
        InputError: the file cannot be read as a table.
    """
    reading = {".csv": _csv_parts, ".parquet": _parquet_parts}.get(path.suffix)
    if reading is None:
        raise InputError(f"{path.name} is no .csv or .parquet file.")
    try:
        yield from reading(path)
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not UTF-8 text.") from None


def _csv_parts(path: Path) -> Iterator[Part]:
    size = path.stat().st_size or 1
    with path.open("rb") as binary:
        stream = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
        heading = stream.readline()
        separator = max(",;\t|", key=heading.count)
        stream.seek(0)
        lines = csv.reader(stream, delimiter=separator, skipinitialspace=True, strict=True)
        try:
            names = next(lines, [])
            if not names:
                raise InputError(f"{path.name} is empty: expected column names, then rows.")
            rows: list[Sequence[Any]] = []
            for row in lines:
                if len(row) not in (0, len(names)):
                    raise InputError(
                        f"{path.name}, line {lines.line_num}: has {counted(len(row), 'value')} "
                        f"for {counted(len(names), 'column')}."
                    )
                if row:
                    rows.append(row)
                if len(rows) == PART_ROWS:
                    yield Part(names, rows, binary.tell() / size, True)
                    rows = []
            yield Part(names, rows, 1, True)
        except csv.Error as error:
            words = f"{path.name}, line {lines.line_num}: is not valid CSV: {error}."
            raise InputError(words) from None


def _parquet_parts(path: Path) -> Iterator[Part]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            names, count, done = file.schema_arrow.names, file.metadata.num_rows, 0
            for batch in file.iter_batches(PART_ROWS):
                done += batch.num_rows
                columns = [column.to_pylist() for column in batch.columns]
                yield Part(names, list(zip(*columns, strict=True)), done / count, False)
            if not count:
                yield Part(names, [], 1, False)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path.name} cannot be read as Parquet: {reason}") from None


def _parsed(text: str, parse: Any) -> Any:
    return None if text in UNKNOWN else parse(text)


def _text(rows: Iterable[Sequence[Any]]) -> str:
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


def _in_file(words: str, first: int) -> str:
    """Return an error message with the number of the row in the file, not in `instances`."""
    return AT_ROW.sub(lambda match: f"row {first + int(match[1])}, ", words, count=1)
