"""The feature store: read-only where it serves, plain words where it does not answer."""

import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from seedling.config import FeatureStore, Project
from seedling.data import feature_store, read_only_sql
from seedling.errors import ProjectError, Unavailable


def test_what_is_filled_in_can_be_queried(tmp_path: Path) -> None:
    engine = feature_store.open_url("sqlite:///store.db", tmp_path)
    feature_store.fill(engine, {"pets": pd.DataFrame({"id": [1, 2], "age": [3, 4]})})
    rows = feature_store.query(engine, "SELECT age FROM pets WHERE id = :id", {"id": 2})
    assert rows["age"].tolist() == [4]


def test_a_read_only_store_refuses_writes(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    feature_store.create_sqlite(path, {"pets": pd.DataFrame({"id": [1]})})
    engine = feature_store.open_url(f"sqlite:///{path.as_posix()}", tmp_path, read_only=True)
    with pytest.raises(Unavailable, match="readonly"):
        feature_store.fill(engine, {"pets": pd.DataFrame({"id": [2]})})


def test_a_wrong_query_is_told_in_a_line(tmp_path: Path) -> None:
    engine = feature_store.open_url("sqlite:///store.db", tmp_path)
    with pytest.raises(Unavailable, match="no such table: pets") as caught:
        feature_store.query(engine, "SELECT * FROM pets")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "oracle9i://host/db"])
def test_a_url_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ProjectError):
        feature_store.open_url(url, tmp_path)


def test_the_environment_goes_before_model_yaml(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEATURE_STORE_URL", "sqlite:///elsewhere.db")
    engine = feature_store.connect(project)
    assert Path(str(engine.url.database)) == project.root / "elsewhere.db"


def test_a_token_is_packed_as_the_odbc_driver_takes_it() -> None:
    assert feature_store.odbc_token("ab") == b"\x04\x00\x00\x00a\x00b\x00"


def test_a_missing_file_is_told_in_words_that_say_what_to_set(tmp_path: Path) -> None:
    engine = feature_store.open_url("sqlite:///store.db", tmp_path, read_only=True)
    with pytest.raises(Unavailable) as caught:
        feature_store.first_row(engine, "SELECT 1", {})
    assert "Feature store store.db: there is no such file here" in str(caught.value)
    assert "FEATURE_STORE_URL" in str(caught.value)


class NoServer(Exception):
    """What the driver raises where nobody is there."""


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connection strings that a driver for ODBC is given, which reaches nobody."""
    given: list[str] = []

    def connect(words: str, **_options: object) -> None:
        given.append(words)
        raise NoServer("08001")

    driver = ModuleType("pyodbc")
    driver.__dict__.update(connect=connect, Error=NoServer, Cursor=object)
    driver.__dict__.update(paramstyle="qmark", version="5.2.0")
    monkeypatch.setitem(sys.modules, "pyodbc", driver)
    return given


@pytest.mark.parametrize("read_only", [True, False])
def test_azure_sql_is_entered_with_the_intent_to_read_only(
    connected: list[str], read_only: bool
) -> None:
    settings = FeatureStore(server="beds.database.windows.net", database="beds")
    engine = feature_store.azure_sql(settings, lambda: "token", read_only)
    with pytest.raises(Unavailable):
        feature_store.query(engine, "SELECT 1")
    assert ("ApplicationIntent=ReadOnly" in connected[0].split(";")) is read_only


@pytest.mark.parametrize(
    "url",
    [
        "mssql+pyodbc://host/db?driver=x",
        "mssql+pyodbc:///?odbc_connect=Driver%3Dx%3BServer%3Dhost",
        "mssql+pyodbc:///?odbc_connect=Driver%3Dx%3BApplicationIntent%3DReadOnly",
    ],
)
def test_a_url_of_sql_server_says_that_intent_too(
    connected: list[str], tmp_path: Path, url: str
) -> None:
    engine = feature_store.open_url(url, tmp_path, read_only=True)
    with pytest.raises(Unavailable):
        feature_store.query(engine, "SELECT 1")
    assert connected[0].count("ApplicationIntent=ReadOnly") == 1


READS = """
SELECT 1
WITH a AS (SELECT 1 AS one) SELECT one FROM a -- delete from a
SELECT 'drop table x; it''s', [update], "insert" FROM t /* truncate */
SELECT a.x FROM a INNER MERGE JOIN b ON a.x = b.x OPTION (MERGE JOIN)
SELECT REPLACE(name, 'a', 'b'), updated_at, created, deleted FROM t WHERE created > :day
"""
WRITES = """
INSERT: insert into t values (1)
UPDATE: SELECT 1; UPDATE t SET a = 1
DELETE: WITH a AS (SELECT 1 AS one) DELETE FROM a
INTO: SELECT * INTO other FROM t
EXEC: EXEC sp_rename 'a', 'b'
MERGE: MERGE t USING s ON t.a = s.a WHEN MATCHED THEN DELETE;
DROP: SELECT 'a' /* b */ ; drop table t
DELETE: SELECT 1 /*! DELETE FROM t */
"""


@pytest.mark.parametrize("statement", READS.strip().splitlines())
def test_a_statement_that_reads_is_let_through(statement: str) -> None:
    assert read_only_sql.writing_word(statement) == ""


@pytest.mark.parametrize("line", WRITES.strip().splitlines())
def test_a_statement_that_writes_is_known_by_its_word(line: str) -> None:
    word, _, statement = line.partition(": ")
    assert read_only_sql.writing_word(statement) == word


def test_a_read_only_session_writes_nothing_whatever_is_tried(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    feature_store.create_sqlite(path, {"pets": pd.DataFrame({"id": [1]})})
    engine = read_only_sql.only(create_engine(f"sqlite:///{path.as_posix()}"))
    for statement in ("INSERT INTO pets VALUES (2)", "DELETE FROM pets", "DROP TABLE pets"):
        with engine.begin() as connection, pytest.raises(Unavailable, match="only read from here"):
            connection.execute(text(statement))
    with engine.begin() as connection:  # what gets past the words is taken back
        assert connection.connection.cursor().execute("INSERT INTO pets VALUES (3)")
    with engine.connect() as connection:
        with pytest.raises(Unavailable, match="no AUTOCOMMIT"):
            connection.execution_options(isolation_level="AUTOCOMMIT")
        assert connection.execute(text("SELECT id FROM pets")).scalars().all() == [1]
    with pytest.raises(Unavailable, match="no AUTOCOMMIT"):
        engine.execution_options(isolation_level="AUTOCOMMIT")


@pytest.mark.parametrize(
    ("row", "may_write"),
    [
        (("READ_WRITE", 0), False),
        (("READ_WRITE", 3), True),
        (("READ_ONLY", 3), False),
        (None, False),
    ],
)
def test_a_login_that_may_write_is_noticed(row: tuple[str, int] | None, may_write: bool) -> None:
    class Connection:
        rolled_back = False

        def cursor(self) -> "Connection":
            return self

        def execute(self, statement: str) -> "Connection":
            assert read_only_sql.writing_word(statement) == ""
            return self

        def fetchone(self) -> tuple[str, int] | None:
            return row

        def rollback(self) -> None:
            self.rolled_back = True

    connection = Connection()
    assert read_only_sql._may_write(connection) is may_write
    assert connection.rolled_back
