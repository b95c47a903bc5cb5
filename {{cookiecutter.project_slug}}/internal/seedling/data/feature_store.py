"""The feature store: a SQLite file by default, any SQLAlchemy URL, or Azure SQL with a token."""

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from urllib.request import url2pathname

from sqlalchemy import URL, Engine, Select, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from seedling import implementations
from seedling.config import FeatureStore, Project, expand
from seedling.data import read_only_sql as reading
from seedling.errors import ProjectError, Unavailable
from seedling.files import replacing
from seedling.settings import FEATURE_STORE_URL

if TYPE_CHECKING:  # looking a row up does without pandas
    import pandas as pd

Token = Callable[[], str]
REMEDIES = {
    "postgresql": "run init with the group `postgres`",
    "mssql": "run init with the group `azure`",
    "mysql": "add pymysql to pyproject.toml",
}
MAX_CONNECT_SECONDS = 5  # of PostgreSQL
SQL_COPT_SS_ACCESS_TOKEN = 1256  # the ODBC driver's connection attribute for an access token


class FeatureStoreUnavailable(Unavailable):
    """Report that the feature store did not respond, or refused a query."""


def connect(project: Project, read_only: bool = False) -> Engine:
    """Open the project's feature store: FEATURE_STORE_URL if it is set, else that of model.yaml.

    Args:
        project: has the settings in its model.yaml.
        read_only: refuse writes, as serving does.

    Raises:
        ProjectError: the URL is invalid, or its driver is not installed.
    """
    settings = project.config.feature_store
    url = FEATURE_STORE_URL.get() or settings.url
    if url:
        engine = open_url(expand(url, "feature_store.url"), project.root, read_only)
    else:
        token: Callable[[bool], str] = implementations.find("azure sql token")
        # A person may be asked to log in for a verb, and not for the service, which only reads.
        engine = azure_sql(settings, lambda: token(not read_only), read_only)
    return engine


def open_url(url: str, root: Path, read_only: bool = False) -> Engine:
    """Create an engine for a SQLAlchemy URL; a SQLite path is relative to the project's root.

    Raises:
        ProjectError: the URL is invalid, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ProjectError(
            "The database URL is not of the form dialect://user@host/name."
        ) from None
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        parsed = _sqlite(parsed, root, read_only)
    elif parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if read_only:
        parsed = reading.with_intent(parsed)
    is_postgresql = "psycopg" in parsed.drivername
    options = {"connect_timeout": MAX_CONNECT_SECONDS} if is_postgresql else {}
    try:
        engine = create_engine(
            parsed,
            pool_pre_ping=parsed.get_backend_name() != "sqlite",
            connect_args=options,
        )
    except NoSuchModuleError:
        raise ProjectError(f"SQLAlchemy knows no database called {parsed.drivername!r}.") from None
    except ImportError as error:
        remedy = REMEDIES.get(parsed.get_backend_name(), f"add {error.name} to pyproject.toml")
        raise ProjectError(f"{parsed.drivername} needs a driver: {remedy}.") from None
    if read_only and parsed.get_backend_name() == "postgresql":
        engine = engine.execution_options(postgresql_readonly=True)
    elif read_only and parsed.get_backend_name() != "sqlite":
        engine = reading.only(engine)
    return engine


def _sqlite(url: URL, root: Path, read_only: bool) -> URL:
    if url.database in (None, "", ":memory:"):
        return url
    path = root / str(url.database)
    if read_only:
        return url.set(database=path.as_uri(), query={"mode": "ro", "uri": "true"})
    path.parent.mkdir(parents=True, exist_ok=True)
    return url.set(database=str(path))


def azure_sql(settings: FeatureStore, token: Token, read_only: bool = False) -> Engine:
    """Create an engine for Azure SQL; each new connection calls `token` for an access token.

    Args:
        settings: name server and database.
        token: returns an access token.
        read_only: connect with the intent to read only, and refuse writes.

    Raises:
        ProjectError: the ODBC driver is not installed.
    """
    url = URL.create(
        "mssql+pyodbc",
        host=settings.server,
        port=1433,
        database=settings.database,
        query={"driver": "ODBC Driver 18 for SQL Server", "Encrypt": "yes"},
    )
    if read_only:
        url = reading.with_intent(url)
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except ImportError as error:
        raise ProjectError(
            "Azure SQL needs the group `azure` and Microsoft's ODBC driver 18 for SQL Server: "
            f"{error}."
        ) from None

    @event.listens_for(engine, "do_connect")
    def add_token(
        _dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]
    ) -> None:
        arguments[0] = arguments[0].replace(";Trusted_Connection=Yes", "")
        options["attrs_before"] = {SQL_COPT_SS_ACCESS_TOKEN: odbc_token(token())}

    return reading.only(engine) if read_only else engine


def odbc_token(token: str) -> bytes:
    """Encode an access token for the ODBC driver: its length in four bytes, then UTF-16."""
    encoded = token.encode("utf-16-le")
    return struct.pack(f"<I{len(encoded)}s", len(encoded), encoded)


def query(
    engine: Engine, sql: str | Select[Any], parameters: Mapping[str, Any] | None = None
) -> "pd.DataFrame":
    """Run a query and return its rows; `:name` in its text is replaced by that parameter.

    Raises:
        FeatureStoreUnavailable: the store did not respond, or refused the query.
    """
    import pandas as pd

    with _project_errors(engine), engine.connect() as connection:
        statement = text(sql) if isinstance(sql, str) else sql
        return pd.read_sql_query(statement, connection, params=dict(parameters or {}))


def first_row(engine: Engine, sql: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """Run a query and return its first row by column name, or None; for look-ups while serving.

    Raises:
        FeatureStoreUnavailable: the store did not respond, or refused the query.
    """
    with _project_errors(engine), engine.connect() as connection:
        row = connection.execute(text(sql), dict(parameters)).mappings().first()
    return dict(row) if row is not None else None


def fill(engine: Engine, tables: "Mapping[str, pd.DataFrame]") -> None:
    """Write the tables by their names in one transaction; existing tables are replaced.

    Raises:
        FeatureStoreUnavailable: the store did not respond, or refused to write.
    """
    with _project_errors(engine), engine.begin() as connection:
        for name, rows in tables.items():
            rows.to_sql(name, connection, if_exists="replace", index=False, chunksize=10_000)


def is_missing_sqlite(project: Project) -> Path | None:
    """Return the path of the project's SQLite store if that file does not exist yet, else None."""
    url = FEATURE_STORE_URL.get() or project.config.feature_store.url or ""
    if not url.startswith("sqlite:///"):
        return None
    path = project.root / url.removeprefix("sqlite:///")
    return None if path.exists() else path


def create_sqlite(path: Path, tables: "Mapping[str, pd.DataFrame]") -> None:
    """Create a SQLite file with these tables; it appears only once it is complete."""
    with replacing(path) as aside:
        engine = create_engine(URL.create("sqlite", database=str(aside)))
        fill(engine, tables)
        engine.dispose()


def _is_away(url: URL) -> bool:
    name = url.database or ":memory:"
    path = url2pathname(name.removeprefix("file://")) if name.startswith("file:") else name
    return name != ":memory:" and not Path(path).exists()


def shown(engine: Engine) -> str:
    """Return a store's name for messages to callers: no password, and no folder of a file."""
    if engine.url.get_backend_name() == "sqlite":
        return PurePath(unquote(str(engine.url.database).removeprefix("file://"))).name
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def _project_errors(engine: Engine) -> Iterator[None]:
    """Raise FeatureStoreUnavailable, with the reason's first line, for SQLAlchemy's errors."""
    try:
        yield
    except SQLAlchemyError as error:
        raise FeatureStoreUnavailable(
            f"Feature store {shown(engine)}: {_reason(engine, error)}"
        ) from error


def _reason(engine: Engine, error: SQLAlchemyError) -> str:
    if engine.url.get_backend_name() == "sqlite" and _is_away(engine.url):
        return (
            "there is no such file here: run create-local-datasets, or name in FEATURE_STORE_URL a "
            "store that is reached from here."
        )
    original = getattr(error, "orig", None) or error
    return str(original).strip().splitlines()[0]
