"""Rows of a database to score, and predictions in a table of one.

A table knows no ranges that stay: rows come and go, and without an order each query may return
them in another. So a query's rows are first written beside the parts, in one transaction, and what
is scored, and gone on with after an interruption, are these rows.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seedling.config import Project, expand
from seedling.data import blobs
from seedling.errors import ProjectError, Unavailable
from seedling.masking import masked
from seedling.scoring import durable, formats
from seedling.scoring.chunk import Done
from seedling.scoring.inputs import Input
from seedling.wording import listed

if TYPE_CHECKING:
    import pyarrow as pa

NOTE = "read.json"
PART = "part"  # the column with the name of a row's part


class Table(NamedTuple):
    """A table of a database, which a URL names: `postgresql://host/db#schema.table`."""

    url: str
    name: str

    @property
    def words(self) -> str:
        """Return what a message calls it: its name and the database, without a password."""
        return f"{self.name} of {masked(self.url)}"


def is_database(text: str) -> bool:
    """Return whether an input or output is a query file or a SQL URL."""
    return not blobs.is_file(text)


def table_of(text: str) -> Table:
    """Return the table that a SQL URL names.

    Raises:
        ProjectError: it names none.
    """
    url, _, name = expand(text, "the table's URL").partition("#")
    if not name or "://" not in url:
        raise ProjectError("A SQL URL needs its table behind a #: postgresql://host/db#visits.")
    return Table(url, name)


def rows_of(project: Project, source: str, folder: Path, size: int) -> tuple[list[Input], str]:
    """Return the files with the rows of a query, and a sentence where they were read before.

    Args:
        project: has the feature store, which query files ask.
        source: a query file, or a SQL URL with its table.
        folder: where the files are written, unless they stand there.
        size: the rows of a file.

    Raises:
        ProjectError: the query is missing, or writes, or the database refuses it.
    """
    import sqlalchemy

    from seedling.data import feature_store

    if source.endswith(".sql") and "://" not in source:
        path = Path(source)
        if not path.is_file():
            raise ProjectError(f"The query {source} is missing.")
        query, label = path.read_text(encoding="utf-8"), path.stem
        engine = feature_store.connect(project, read_only=True)
        statement: Any = sqlalchemy.text(query)
    else:
        table = table_of(source)
        engine = feature_store.open_url(table.url, project.root, read_only=True)
        schema, _, name = table.name.rpartition(".")
        named = sqlalchemy.table(name, schema=schema or None)
        statement = sqlalchemy.select(sqlalchemy.text("*")).select_from(named)
        query, label = str(statement), table.name
    asked = hashlib.sha256(f"{engine.url!r} {query} {size}".encode()).hexdigest()
    try:
        note = json.loads((folder / NOTE).read_bytes())
    except (OSError, ValueError):
        note = {}
    remark = ""
    if note.get("asked") == asked:
        remark = f"Goes on with the rows of {label} that were read at {note['read']}."
    else:
        note = {"asked": asked, "read": datetime.now(UTC).isoformat(timespec="seconds")}
        note["before"] = _write_rows(engine, statement, folder, size)
        durable.write(folder / NOTE, json.dumps(note).encode())
    engine.dispose()
    found = [Input(_file(folder, at), label, before) for at, before in enumerate(note["before"])]
    return found, remark


def _file(folder: Path, at: int) -> Path:
    return folder / f"{at:06}.arrow"


def _write_rows(engine: Any, statement: Any, folder: Path, size: int) -> list[int]:
    """Write the rows of a query to files; return for each how many are before it."""
    import pyarrow as pa

    from seedling.data import feature_store

    before, count = list[int](), 0
    with _one_line(feature_store.shown(engine)), engine.connect() as connection:
        options = {"stream_results": True, "yield_per": size}
        result = connection.execute(statement, execution_options=options)
        names = list(result.keys())
        for rows in _at_least_one(result.partitions(size)):
            columns = list(zip(*rows, strict=True)) or [()] * len(names)
            batch = pa.RecordBatch.from_arrays([_array(column) for column in columns], names)
            durable.write(_file(folder, len(before)), formats.ARROW.encode(batch))
            before.append(count)
            count += len(rows)
    return before


def _at_least_one(parts: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Yield parts of rows, an empty one where there are none: the names of the columns stand."""
    empty = True
    for part in parts:
        empty = False
        yield part
    if empty:
        yield []


def _array(cells: Sequence[Any]) -> "pa.Array":
    """Return cells as a column; as text where they are of several kinds, as SQLite's may be."""
    import pyarrow as pa

    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise Unavailable(f"The database {name}: {reason}") from None


def write(
    project: Project, table: Table, folder: Path, parts: Sequence[Done], schema: "pa.Schema"
) -> None:
    """Write parts to a table, each in one transaction that also removes what it had of the part.

    So a row is there once, however often its part is written. What the table has of these files
    from earlier runs is removed at the end; rows of files of other names stay.

    Args:
        project: a SQLite path is relative to its root.
        table: is created unless it is there.
        folder: of the parts.
        parts: of the output.
        schema: of the scored rows.

    Raises:
        ProjectError: there is a table of this name with other columns.
        Unavailable: the database refuses it.
    """
    import sqlalchemy

    from seedling.data import feature_store

    engine = feature_store.open_url(table.url, project.root)
    place, _, name = table.name.rpartition(".")
    columns = [sqlalchemy.Column(each.name, _kind(each.type)) for each in schema]
    marked = sqlalchemy.Column(PART, sqlalchemy.String(32), index=True)
    into = sqlalchemy.Table(name, sqlalchemy.MetaData(), marked, *columns, schema=place or None)
    with _one_line(feature_store.shown(engine)):
        into.create(engine, checkfirst=True)
        found = sqlalchemy.inspect(engine).get_columns(name, place or None)
        there = {each["name"] for each in found}
        lacking = [each.name for each in into.columns if each.name not in there]
        if lacking:
            raise ProjectError(
                f"{table.words} has no column {listed(lacking)}: it is another table, or another "
                "model's. Name a table that is not there yet."
            )
        for part in parts:
            with engine.begin() as connection:
                connection.execute(into.delete().where(into.c[PART] == part.name))
                for batch in formats.batches(folder / f"{part.name}{formats.ARROW.ending}"):
                    rows = [{**row, PART: part.name} for row in batch.to_pylist()]
                    if rows:
                        connection.execute(into.insert(), rows)
        kept = [part.name for part in parts]
        for file in sorted({part.file for part in parts}):
            with engine.begin() as connection:
                earlier = connection.execute(
                    sqlalchemy.select(into.c[PART]).where(into.c.file == file).distinct()
                ).scalars()
                for old in {*earlier} - {*kept}:
                    connection.execute(into.delete().where(into.c[PART] == old))
    engine.dispose()


def _kind(kind: "pa.DataType") -> Any:
    import pyarrow as pa
    import sqlalchemy

    if pa.types.is_integer(kind):
        return sqlalchemy.BigInteger()
    if pa.types.is_floating(kind):
        return sqlalchemy.Double()
    return sqlalchemy.Boolean() if pa.types.is_boolean(kind) else sqlalchemy.Text()
