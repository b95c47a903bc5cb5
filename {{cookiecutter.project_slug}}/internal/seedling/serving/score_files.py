"""Score files of rows, as CSV: each row as the service answers it, or why it does not.

The output begins with a line of column names: `file`, `row` (from 1 on), the entity key,
`prediction` and the other columns of the model's task, `model` and `version`. A file is read in
parts, as the file of the model's dataset is: by `read` of model.yaml.
"""

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seedling.columns.protocol import Column, parser
from seedling.config import Project
from seedling.data import csv_lines, spelled
from seedling.data.reading import kind_of
from seedling.data.scalars import label_text, plain
from seedling.data.spelled import Marks
from seedling.errors import InputError, ProjectError, Unavailable
from seedling.serving import assets, models, selection, unnamed
from seedling.serving.inputs import Values
from seedling.serving.protocols import Wanted
from seedling.serving.score_parts import Needed, Part, parts

PART_ROWS = 5_000  # read and answered at a time
BREAK = re.compile(r"[\r\n]")
REJECT_COLUMNS = ("file", "row", "column", "reason")


class Reject(NamedTuple):
    """A row that is not answered: its number in the file, the faulty column if it is one's."""

    row: int
    column: str
    reason: str

    def error(self, path: Path) -> InputError:
        """Return the error of a file that may have no such row."""
        column = f", {self.column}" if self.column else ""
        return InputError(f"{path.name}, row {self.row}{column}: {self.reason}.")


class Found(NamedTuple):
    """A row of a file: its number, its entity key, and its features as JSON values."""

    number: int
    key: tuple[Any, ...]
    cells: list[Any]


class Scored(NamedTuple):
    """Some rows of a file as lines of CSV, those that are not answered, and the share read."""

    text: str
    rows: int  # in the text
    rejects: list[Reject]
    read: float


class Scorer:
    """Answers the rows of files by one registered model, each by the version it is routed to."""

    def __init__(self, project: Project, model: str | None = None) -> None:
        """
        Args:
            project: the project whose registered models are used; SERVED_MODELS selects some.
            model: the name of the model that answers; the best unless given.

        Raises:
            ProjectError: it is not registered, or one of its versions cannot be loaded.
        """
        config = selection.config(project)
        name = model or unnamed.here(project, config)
        if name is None or not config.models:
            raise Unavailable("No model is registered: run train.")
        entries = [one for one in config.models if one.model == name and not one.shadow]
        if not entries:
            known = ", ".join(dict.fromkeys(one.model for one in config.models))
            raise ProjectError(f"There is no registered model {name!r}; there are: {known}.")
        for entry in entries:
            assets.fetch(project, entry)
        versions = [models.load(project, entry) for entry in entries]
        champion = next(version for version in versions if version.registered.is_champion)
        fitting = [version for version in versions if models.can_share(version, champion)]
        self._served = models.ServedModel(name, models.lineup(champion, fitting))
        self._reader = self._served.lineup.reader
        self._wanted = Wanted(self._reader.names, (), list(self._reader.columns.values()))
        self._keys = list(champion.dataset.entity_key)
        named = (one.read for one in project.config.datasets if one.name == champion.dataset.name)
        self._reading = next(named, champion.dataset.read)
        self._missing = self._reading.missing
        self._needed = Needed(self._reader.names, champion.dataset.target.name)
        self._task = champion.task
        answered = self._task.batch_columns(dict(champion.answer(())))
        self.columns = ["file", "row", *self._keys, *answered, "model", "version"]

    def scored(self, path: Path) -> Iterator[Scored]:
        """Yield the scored CSV of a file in chunks, its line of column names first.

        Raises:
            InputError: the file cannot be read as a table, or has not all features.
            ProjectError: it is of no known kind.
        """
        yield Scored(csv_lines.text([self.columns]), 0, [], 0)
        for part in parts(path, self._reading, self._needed, PART_ROWS):
            self._wanted.among(part.names, path.name, whole=True)
            lines, rejects = self._answer(part)
            text = csv_lines.text([path.name, *line] for line in lines)
            yield Scored(text, len(lines), rejects, part.read)

    def _answer(self, part: Part) -> tuple[list[list[Any]], list[Reject]]:
        """Return the lines of some rows, without the name of the file, and the other rows."""
        rejects = [Reject(row.number, "", row.fault) for row in part.rows if row.fault]
        found: list[Found] = []
        places = [part.names.index(name) for name in self._reader.names]
        readers = [self._cell_reader(column, part.is_text) for column in self._wanted.columns]
        taken = list(zip(places, readers, strict=True))
        for row in part.rows:
            if row.fault:
                continue
            key = self._key(part.names, row.cells)
            broken = [isinstance(value, str) and BREAK.search(value) is not None for value in key]
            if any(broken):
                name = self._keys[broken.index(True)]
                rejects.append(Reject(row.number, name, "has a line break in it"))
            else:
                cells = [read(row.cells[at]) for at, read in taken]
                found.append(Found(row.number, key, cells))
        self._wanted.restored([row.cells for row in found], self._reader.names)
        try:
            values = self._values([row.cells for row in found])
        except InputError:
            found, values, faulty = self._one_by_one(found)
            rejects += faulty
        turns = [() if None in row.key else row.key for row in found]
        answer = self._served.answer_values(self._served.lineup, values, turns)
        answered = self._task.batch_cells(answer)
        versions = answer.get("versions") or [answer["version"]] * len(found)
        lines = [
            [row.number, *row.key, *answered[at], answer["model"], versions[at]]
            for at, row in enumerate(found)
        ]
        return lines, sorted(rejects)

    def _values(self, rows: list[list[Any]]) -> list[Values]:
        return self._reader.values(self._reader.instances(rows))

    def _one_by_one(self, found: list[Found]) -> tuple[list[Found], list[Values], list[Reject]]:
        """Return the rows that can be read, their values, and the other rows."""
        kept, values, rejects = [], [], []
        for row in found:
            try:
                values += self._values([row.cells])
                kept.append(row)
            except InputError as error:
                rejects.append(self._reject(row, str(error)))
        return kept, values, rejects

    def _reject(self, row: Found, words: str) -> Reject:
        """Return a row whose one column is faulty, with the value of the cell."""
        words = words.removeprefix("instances[0]").removeprefix(".")
        names = [name for name in self._reader.names if words.startswith(f"{name}: ")]
        if not names:
            return Reject(row.number, "", words.lstrip(": ").rstrip("."))
        name = max(names, key=len)
        reason = words.removeprefix(f"{name}: ").rstrip(".")
        value = row.cells[self._reader.names.index(name)]
        shown = value is not None and repr(value) not in reason
        return Reject(row.number, name, f"{reason}: {value}" if shown else reason)

    def _cell_reader(self, column: Column, is_text: bool) -> Callable[[Any], Any]:
        """Return what turns a cell of the file into a JSON value of the column, None if missing."""
        missing, is_words = self._missing, column.json_type() is str
        parse = parser(column, Marks(self._reading.decimal, self._reading.thousands))

        def read_text(text: str) -> Any:
            if text in missing or text.isspace():
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

    def _key(self, names: list[str], row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the entity key of a row, with None for parts that the file does not have."""
        found = (row[names.index(name)] if name in names else None for name in self._keys)
        return tuple(None if value in self._missing else plain(value) for value in found)


def tables(source: Path) -> list[Path]:
    """Return the files to score, sorted: one file, or all files of a folder.

    Raises:
        ProjectError: there is none, or one is of a kind that is not read.
    """
    if not source.exists():
        raise ProjectError(f"There is no file or folder {source}.")
    found = sorted(source.iterdir()) if source.is_dir() else [source]
    files = [path for path in found if not path.name.startswith(".")]
    for path in files:
        if not path.is_file():
            raise ProjectError(f"{path} is a folder: nothing in it is scored.")
        kind_of(path)
    if not files:
        raise ProjectError(f"There is no file in {source}.")
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
