"""The prediction log in a SQLite file or a PostgreSQL database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seedling.errors import ProjectError
from seedling.serving.stores import Record, RecordRefused, StoreUnavailable, time_text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

CREATION_LOCK = 7_305_826_112  # PostgreSQL's advisory lock for the creation of the table
BUSY_MILLISECONDS = 10_000  # to wait for another process that writes to the SQLite file
PAGE_RECORDS = 200  # read at a time; a record may have 256 KiB


class SqlStore:
    """The table `predictions`, created when the first record is added."""

    def __init__(self, url: str, root: Path) -> None:
        """
        Args:
            url: a SQLAlchemy URL of SQLite or PostgreSQL.
            root: the folder from which a SQLite path counts.

        Raises:
            ProjectError: the URL is wrong, or its driver is not installed.
        """
        from seedling.data.feature_store import open_url, shown

        self._engine = _prepared(open_url(url, root))
        self._name = shown(self._engine)
        mark = "?" if self._engine.dialect.name == "sqlite" else "%s"
        self._insert = _insert_statement(mark)
        self._ready = False  # whether the table is known to be there

    def add(self, records: Sequence[Record]) -> None:
        """Keep these records, all or none of them; see Store."""
        rows = [(*record[:2], time_text(record.time), *record[3:]) for record in records]
        with self._own_errors(), self._engine.begin() as connection:
            if not self._ready:
                _create(connection, _table())
            connection.exec_driver_sql(self._insert, rows)  # half the time of a Core statement
        self._ready = True

    def create(self) -> None:
        """Create the table, where it is to be there before the first record."""
        with self._own_errors(), self._engine.begin() as connection:
            _create(connection, _table())

    def close(self) -> None:
        """Close the connections; a SQLite database is then its file alone."""
        self._engine.dispose()

    def read(
        self,
        start: datetime,
        end: datetime,
        *,
        model: str | None = None,
        version: str | None = None,
        role: str | None = None,
        route: str | None = None,
    ) -> Iterator[Record]:
        """Yield the records of a time window, oldest first; see Store."""
        from sqlalchemy import inspect, select, tuple_

        table = _table()
        time, key = table.c.time, tuple_(table.c.time, table.c.id)
        query = select(table).where(time >= time_text(start), time < time_text(end))
        given = {"model": model, "version": version, "role": role, "route": route}
        for name, value in given.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        query = query.order_by(time, table.c.id).limit(PAGE_RECORDS)
        with self._own_errors():
            if not inspect(self._engine).has_table(table.name):
                return
        page = query
        while True:
            # One transaction for each page, so that a long reading does not block writers.
            with self._own_errors(), self._engine.connect() as connection:
                rows = connection.execute(page).all()
            for row in rows:
                yield Record(*row)._replace(time=datetime.fromisoformat(row.time))
            if len(rows) < PAGE_RECORDS:
                return
            last = rows[-1]
            page = query.where(time >= last.time, key > tuple_(last.time, last.id))

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        """Raise the database's errors as a Store's, without the values of the statement."""
        from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError

        try:
            yield
        except (DataError, IntegrityError, UnicodeError) as error:
            raise RecordRefused(f"Prediction log {self._name}: {type(error).__name__}.") from None
        except SQLAlchemyError as error:
            original = getattr(error, "orig", None)
            if isinstance(error, StatementError) and isinstance(original, ValueError):
                words = f"Prediction log {self._name}: {type(original).__name__}."
                raise RecordRefused(words) from None
            reason = str(original or error).strip().partition("\n")[0]
            self._ready = False  # the database may have been replaced by an empty one
            raise StoreUnavailable(f"Prediction log {self._name}: {reason}") from None


def _prepared(engine: "Engine") -> "Engine":
    """Return the engine with the settings of the prediction log.

    Raises:
        ProjectError: it is of another database.
    """
    from sqlalchemy import event

    backend = engine.dialect.name
    if backend not in ("sqlite", "postgresql"):
        raise ProjectError(
            f"serving.prediction_log.url: predictions are kept in SQLite or PostgreSQL, "
            f"not in {backend}."
        )
    engine.hide_parameters = True
    if backend == "sqlite":

        @event.listens_for(engine, "connect")
        def settle(connection: "Connection", _record: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            cursor.execute("PRAGMA journal_mode = WAL")  # readers do not wait for writers
            # As safe as the spool: kept when the process is killed, not in a power cut.
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.close()

    return engine


def _table() -> "Table":
    from sqlalchemy import Column, Index, MetaData, Table, Text

    columns = [
        Column(name, Text, primary_key=name == "id", nullable=False) for name in Record._fields
    ]
    table = Table("predictions", MetaData(), *columns)
    Index("predictions_by_time", table.c.time)
    return table


def _insert_statement(mark: str) -> str:
    names, marks = ", ".join(Record._fields), ", ".join(mark for _ in Record._fields)
    return f"INSERT INTO predictions ({names}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - our own names


def _create(connection: "Connection", table: "Table") -> None:
    """Create the table where it is missing, in one process at a time.

    An account that may only insert needs no right to create tables, once the table is there.
    """
    from sqlalchemy import func, inspect, select

    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    if inspect(connection).has_table(table.name):
        return
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(CREATION_LOCK)))
    table.create(connection, checkfirst=True)
