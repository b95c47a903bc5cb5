"""Where predictions are kept: SQLite, PostgreSQL, or Cosmos DB."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from seedling import implementations
from seedling.config import Config, PredictionLog, Project, expand
from seedling.errors import ProjectError, Unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

ONE_AT_A_TIME = 7_305_826_112  # PostgreSQL's advisory lock under which the table is made
BUSY = 10_000  # milliseconds to wait for another process that writes to the SQLite file


class StoreUnavailable(Unavailable):
    """The store did not take the records now; the same call may succeed later."""


class RecordRefused(ProjectError):
    """The store will never take one of these records as it is."""


class Record(NamedTuple):
    """What one version answered to one request; `inputs`, `features`, `outputs` are JSON text.

    `features` is a list with an object for each row; `inputs`, likewise, what the caller sent
    beside them, such as the entity's key; `outputs` has the answer.
    For /run they are what serve.py was given and answered.
    """

    id: str
    request_id: str
    time: datetime
    route: str
    model: str
    version: str
    role: str  # served, or shadow
    inputs: str
    features: str
    outputs: str


class Store(Protocol):
    def add(self, records: Sequence[Record]) -> None:
        """Keep these records; one whose id is there already is left as it is.

        Raises:
            StoreUnavailable: some may not have been kept, and all can be given again.
            RecordRefused: one of them can never be kept.
        """


def log_settings(config: Config) -> PredictionLog | None:
    """The prediction log of model.yaml; PREDICTION_LOG, a URL or `off`, goes before it."""
    given = os.environ.get("PREDICTION_LOG")
    if given:
        return None if given == "off" else PredictionLog(url=given)
    settings = config.serving.prediction_log
    return None if settings == "off" else settings


def spool_of(project: Project) -> Path:
    """Where accepted lines wait: SPOOL_FOLDER, or local_assets/spool/."""
    given = os.environ.get("SPOOL_FOLDER")
    return Path(given) if given else project.assets / "spool"


def open_store(project_root: Path, settings: PredictionLog) -> Store:
    """The store that model.yaml names; whether it answers shows when records are added.

    Raises:
        ProjectError: the URL, or a driver is not right.
    """
    if settings.url:
        return SqlStore(expand(settings.url, "serving.prediction_log.url"), project_root)
    open_cosmos = implementations.find("cosmos db")
    store: Store = open_cosmos(settings.endpoint, settings.database, settings.container)
    return store


class SqlStore:
    """The table `predictions` of a SQLite file or a PostgreSQL database, made when missing."""

    def __init__(self, url: str, root: Path) -> None:
        from seedling.data.feature_store import open_url, shown

        self._engine = _prepared(open_url(url, root))
        self._name = shown(self._engine)
        self._insert = _insert("?" if self._engine.dialect.name == "sqlite" else "%s")
        self._ready = False

    def add(self, records: Sequence[Record]) -> None:
        """Keep these records, all or none of them; see Store."""
        rows = [(*record[:2], record.time.isoformat(), *record[3:]) for record in records]
        with self._told(), self._engine.begin() as connection:
            if not self._ready:
                _create(connection, _table())
            connection.exec_driver_sql(self._insert, rows)  # half of what a statement of Core costs
        self._ready = True

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the database says, without the values that it was given."""
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
            self._ready = False  # what answers next time may be an empty database
            raise StoreUnavailable(f"Prediction log {self._name}: {reason}") from None


def _prepared(engine: "Engine") -> "Engine":
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
            cursor.execute(f"PRAGMA busy_timeout = {BUSY}")
            cursor.execute("PRAGMA journal_mode = WAL")  # those who read do not wait
            # As safe as the spool: kept when the process is killed, not in a power cut.
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.close()

    return engine


def _table() -> "Table":
    from sqlalchemy import Column, Index, MetaData, Table, Text

    columns = [Column(name, Text, primary_key=name == "id") for name in Record._fields]
    for column in columns:
        column.nullable = False
    table = Table("predictions", MetaData(), *columns)
    Index("predictions_by_time", table.c.time)
    return table


def _insert(mark: str) -> str:
    names, marks = ", ".join(Record._fields), ", ".join(mark for _ in Record._fields)
    return f"INSERT INTO predictions ({names}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - our own names


def _create(connection: "Connection", table: "Table") -> None:
    """The table, unless it is there, by one process at a time.

    Whoever may only insert needs no right to create it.
    """
    from sqlalchemy import func, inspect, select

    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    if inspect(connection).has_table(table.name):
        return
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    table.create(connection, checkfirst=True)
