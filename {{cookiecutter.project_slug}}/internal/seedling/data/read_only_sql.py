"""Only read from a database that knows no read-only session, as SQL Server knows none.

What bounds a login in the end is its rights: give it `db_datareader` and no more. Beside that, a
connection says its intent, so that a read-only replica answers where there is one; a statement that
writes is refused before it is sent; and nothing is ever committed.
"""

import logging
import re
from typing import Any

from sqlalchemy import URL, Connection, Engine, event

from seedling.errors import Unavailable

log = logging.getLogger(__name__)

SQL_SERVER, MYSQL = "mssql", ("mysql", "mariadb")
INTENT = {"ApplicationIntent": "ReadOnly"}  # of the ODBC driver for SQL Server
# Comments, texts and quoted names: what stands in them is not a word of the statement. MySQL runs
# what stands in a comment that begins with an exclamation mark.
ASIDE = re.compile(
    r"""--[^\n]*|/\*(?!!).*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|`[^`]*`""", re.S
)
WRITES = re.compile(
    r"\b(insert|update|delete|merge(?!\s+(?:join|union))|truncate|drop|alter|create|into|grant|deny|"
    r"revoke|exec|execute|call|bulk|backup|restore|commit)\b",
    re.I,
)
RIGHTS = """
SELECT CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS varchar(20)),
    COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'INSERT'), 0)
    + COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UPDATE'), 0)
    + COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'DELETE'), 0)
"""


def with_intent(url: URL) -> URL:
    """Return a URL whose connections say that they only read; other drivers' URLs as they are."""
    if url.drivername != "mssql+pyodbc":
        return url
    words = url.query.get("odbc_connect")
    if words is None:
        return url.update_query_dict(INTENT)
    text = words if isinstance(words, str) else words[-1]
    if "applicationintent" in text.lower():
        return url
    ((name, value),) = INTENT.items()
    return url.update_query_dict({"odbc_connect": f"{text.rstrip(';')};{name}={value}"})


def writing_word(statement: str) -> str:
    """Return the first word of an SQL text that writes, in capitals; empty where it only reads."""
    found = WRITES.search(ASIDE.sub(" ", statement))
    return found[1].upper() if found else ""


def only(engine: Engine) -> Engine:
    """Let an engine's connections read and never write; return the engine."""
    backend, name = engine.url.get_backend_name(), engine.url.host or engine.url.get_backend_name()

    @event.listens_for(engine, "before_cursor_execute")
    def refuse_writing(
        _connection: Connection, _cursor: Any, statement: str, *_others: Any
    ) -> None:
        word = writing_word(statement)
        if word:
            raise Unavailable(
                f"The feature store {name} is only read from here, and the statement has {word}."
            )

    @event.listens_for(engine, "commit")
    def undo(connection: Connection) -> None:
        connection.connection.rollback()

    @event.listens_for(engine, "set_connection_execution_options")
    @event.listens_for(engine, "set_engine_execution_options")
    def refuse_autocommit(_of: Any, options: dict[str, Any]) -> None:
        if options.get("isolation_level") == "AUTOCOMMIT":
            raise Unavailable(f"The feature store {name} is only read from here: no AUTOCOMMIT.")

    @event.listens_for(engine, "connect")
    def begin(connection: Any, _record: Any) -> None:
        if backend in MYSQL:
            connection.cursor().execute("SET SESSION TRANSACTION READ ONLY")

    @event.listens_for(engine, "connect", once=True)
    def warn(connection: Any, _record: Any) -> None:
        if backend == SQL_SERVER and _may_write(connection):
            log.warning(
                "The login of the feature store %s may write there: give it db_datareader and no "
                "other role.",
                name,
            )

    return engine


def _may_write(connection: Any) -> bool:
    """Ask SQL Server whether this login may write to this database."""
    try:
        (updateability, rights) = connection.cursor().execute(RIGHTS).fetchone()
    except Exception as error:  # a database that does not say it is read all the same
        log.debug("The rights in the feature store are not known: %s", error)
        return False
    finally:
        connection.rollback()
    return bool(updateability != "READ_ONLY" and rights)
