"""The prediction log under fire: processes killed at random moments, stores that come and go.

SQLite and PostgreSQL are real. Cosmos DB is a stand-in on loopback that the real azure-cosmos
client speaks to (see cosmos.py): no real Cosmos DB was tried.
"""

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from baking import call, environment, python_of, run
from cosmos import CONTAINER, DATABASE, KEY, Cosmos
from postgresql import PASSWORD, PostgreSQL
from serving import free_port

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "healthcare", "project_name": "Wardlog", "models": "logistic_regression"}
GROUPS = "serve,postgres,azure"
ROUNDS, THREADS, ROWS = 24, 3, 2
COMMON = """
import json, sys, time
from pathlib import Path
from seedling.config import PredictionLog as Settings
from seedling.serving import drain, prediction_log
from seedling.serving.stores import open_store

drain.ROUND_SECONDS, prediction_log.ADOPT_SECONDS, drain.MAX_PAUSE_SECONDS = 0.02, 0.1, 0.2
root, settings = Path(sys.argv[1]), Settings(**json.loads(sys.argv[2]))
store = open_store(root, settings)
log = prediction_log.PredictionLog(root / "spool", lambda: store)
"""
APPEND = f"""{COMMON}
import os
from threading import Thread
from uuid import uuid4

def append():
    row = {{"csn": 1, "age": 40, "sex": "female"}}
    while True:
        id = uuid4().hex
        outputs = {{"predictions": [0] * {ROWS}, "scores": [], "labels": []}}
        line = {{"id": id, "request_id": id, "time": time.time(), "route": "/m/predict",
                 "model": "m", "version": "1", "rows": [row] * {ROWS}, "inputs": None,
                 "features": ["age", "sex"], "outputs": outputs}}
        log.append(json.dumps(line).encode())
        os.write(1, f"{{id}}\\n".encode())
        time.sleep(0.01)

for _ in range({THREADS}):
    Thread(target=append).start()
"""
FINISH = f"""{COMMON}
until = time.monotonic() + 60
log.start()
time.sleep(0.5)
while log.waiting() and time.monotonic() < until:
    time.sleep(0.1)
log.stop()
print(log.waiting())
"""
ADD = f"""{COMMON}
from datetime import UTC, datetime
from seedling.errors import ProjectError
from seedling.serving.stores import Record
for id in sys.argv[3:]:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    record = Record(id, "r", when, "/m/predict", "m", "1", "served", '{{"a": 1}}', "{{}}", "[1]")
    started = time.monotonic()
    try:
        store.add([record])
        print("kept")
    except ProjectError as error:
        print(type(error).__name__, error)
    assert time.monotonic() - started < 15
"""


READ = f"""{COMMON}
from datetime import UTC, datetime, timedelta, timezone
from seedling.azure import cosmos
from seedling.serving import sql_store
from seedling.serving.stores import Record
cosmos.PAGE_RECORDS = sql_store.PAGE_RECORDS = 7
start = datetime(2026, 1, 2, tzinfo=UTC)
records = [
    Record(f"{{at:02}}", "r", start + at * timedelta(seconds=0.5), "/m/predict",
           "m" if at % 3 else "other", str(at % 2), "shadow" if at % 5 else "served",
           '[{{"bed":1}}]', '[{{"name":"\u00e9"}}]', '{{"predictions":[1.5]}}')
    for at in range(40)
]
store.add(records[20:])
store.add(records[:20])
end = (start + timedelta(seconds=17.5)).astimezone(timezone(timedelta(hours=-7)))
assert list(store.read(start, end)) == records[:35]
assert list(store.read(end, start)) == []
wanted = [one for one in records[:35] if (one.model, one.version, one.role) == ("m", "1", "shadow")]
assert len(wanted) > 7
assert list(store.read(start, end, model="m", version="1", role="shadow")) == wanted
assert list(store.read(start, end, version="0")) == records[0:35:2]
print("read")
"""


class Place(NamedTuple):
    """A store: how model.yaml names it, how it goes away, and the ids that it has."""

    settings: dict[str, str]
    away: Callable[[], AbstractContextManager[None]]
    ids: Callable[[], list[str]]


@pytest.fixture(scope="module")
def ward(installed) -> Path:
    return installed(ANSWERS, GROUPS)


@pytest.fixture
def cosmos(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cosmos]:
    monkeypatch.setenv("COSMOS_KEY", KEY)
    stand_in = Cosmos()
    stand_in.start()
    yield stand_in
    stand_in.stop()


def test_kills_lose_and_double_nothing_in_sqlite(ward: Path, tmp_path: Path):
    def ids() -> list[str]:
        code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1])"
        code += "; print(*(row[0] for row in c.execute('SELECT id FROM predictions')))"
        return run([python_of(ward), "-c", code, tmp_path / "log.db"], ward).split()

    place = Place({"url": "sqlite:///log.db"}, nullcontext, ids)
    lines_outlive_kills(ward, tmp_path, place, seed=1)


def test_kills_lose_and_double_nothing_in_postgresql(
    ward: Path, tmp_path: Path, postgresql: PostgreSQL
):
    def ids() -> list[str]:
        with psycopg.connect(postgresql.url) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM predictions")]

    place = Place({"url": postgresql.url}, postgresql.away, ids)
    lines_outlive_kills(ward, tmp_path, place, seed=2)


def test_kills_lose_and_double_nothing_in_cosmos(ward: Path, tmp_path: Path, cosmos: Cosmos):
    cosmos.trouble = {429: 0.05, 500: 0.01, 503: 0.01, 200: 0.01}
    place = Place(in_cosmos(cosmos), cosmos.away, lambda: [id for id, _ in cosmos.documents])
    lines_outlive_kills(ward, tmp_path, place, seed=3)
    assert set(cosmos.answers) >= {201, 409, 429, 500}


def lines_outlive_kills(ward: Path, root: Path, place: Place, seed: int) -> None:
    """Every line that a killed process had accepted is in the store, and nothing twice."""
    moments, said = random.Random(seed), root / "said"  # noqa: S311
    settings = json.dumps(place.settings)
    for number in range(ROUNDS):
        with ExitStack() as stack:
            if number % 6 == 3:
                stack.enter_context(place.away())
            before = said.stat().st_size if said.exists() else 0
            with said.open("ab") as output:
                command = [python_of(ward), "-c", APPEND, root, settings]
                child = subprocess.Popen(command, cwd=ward, env=environment(), stdout=output)
            until = time.monotonic() + 60
            while said.stat().st_size == before and time.monotonic() < until:
                assert child.poll() is None
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.6))
            child.kill()
            child.wait()
    waiting = run([python_of(ward), "-c", FINISH, root, settings], ward)
    assert waiting.splitlines()[-1] == "0", waiting
    kept, accepted = place.ids(), said.read_text().split()
    assert len(accepted) > ROUNDS
    assert len(kept) == len(set(kept))
    missing = {*accepted} - set(kept)
    assert not missing
    # Written, and killed before that could be said: one a thread at most.
    assert len(kept) <= len(accepted) + ROUNDS * THREADS
    # A lock whose holder was killed while it came or went is removed a minute later.
    assert [path.name for path in (root / "spool").iterdir() if path.suffix != ".lock"] == []


def test_postgresql_table_is_made_once_by_many(ward: Path, postgresql: PostgreSQL):
    with psycopg.connect(postgresql.url) as connection:
        connection.execute("DROP TABLE IF EXISTS predictions")
    command = [python_of(ward), "-c", ADD, ward, json.dumps({"url": postgresql.url})]
    children = [
        subprocess.Popen([*command, f"{n}"], stdout=subprocess.PIPE, cwd=ward, text=True)
        for n in range(4)
    ]
    assert [child.communicate()[0] for child in children] == ["kept\n"] * 4


def test_postgresql_that_is_away_is_told_without_its_password(ward: Path, postgresql: PostgreSQL):
    with postgresql.away():
        words = add(ward, {"url": postgresql.url}, "a")
    assert words.startswith("StoreUnavailable Prediction log postgresql")
    assert PASSWORD not in words
    assert len(words.splitlines()) == 1


def test_what_postgresql_never_takes_is_refused(ward: Path, postgresql: PostgreSQL):
    code = ADD.replace('"r", when', "chr(0), when")
    command = [python_of(ward), "-c", code, ward, json.dumps({"url": postgresql.url}), "nul"]
    assert run(command, ward).startswith("RecordRefused ")


def test_cosmos_keeps_documents_once(ward: Path, cosmos: Cosmos):
    assert add(ward, in_cosmos(cosmos), "a", "a", "b").split() == ["kept"] * 3
    assert cosmos.answers == {201: 2, 409: 1}
    document = cosmos.documents["a", "m"]
    assert document["time"] == "2026-01-02T00:00:00.000000+00:00"
    assert (document["inputs"], document["outputs"]) == ({"a": 1}, [1])


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 503])
def test_cosmos_that_does_not_take_it_now_is_away(ward: Path, cosmos: Cosmos, status: int):
    cosmos.trouble = {status: 1}
    words = add(ward, in_cosmos(cosmos), "a")
    assert words.startswith("StoreUnavailable Prediction log http://127.0.0.1")
    assert KEY not in words
    assert len(words.splitlines()) == 1


def test_cosmos_that_is_not_there_is_away(ward: Path, cosmos: Cosmos):
    cosmos.stop()
    words = add(ward, in_cosmos(cosmos), "a")
    assert words.startswith("StoreUnavailable Prediction log http://127.0.0.1")
    assert len(words.splitlines()) == 1


def test_what_cosmos_never_takes_is_refused(ward: Path, cosmos: Cosmos):
    cosmos.refused = {"b"}
    words = add(ward, in_cosmos(cosmos), "a", "b", "c").splitlines()
    assert [line.split()[0] for line in words] == ["kept", "RecordRefused", "kept"]


def test_cosmos_without_a_credential_is_away_in_one_line(
    ward: Path, cosmos: Cosmos, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("COSMOS_KEY")
    for name in os.environ:
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "prod")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{free_port()}")
    words = add(ward, in_cosmos(cosmos), "a")
    assert words.startswith("StoreUnavailable ")
    assert len(words.splitlines()) == 1


def test_postgresql_yields_a_window_in_pages(ward: Path, postgresql: PostgreSQL):
    with psycopg.connect(postgresql.url) as connection:
        connection.execute("DROP TABLE IF EXISTS predictions")
    assert read(ward, {"url": postgresql.url}) == "read\n"


def test_cosmos_yields_a_window_in_pages_over_all_partitions(ward: Path, cosmos: Cosmos):
    assert read(ward, in_cosmos(cosmos)) == "read\n"
    assert cosmos.pages > 35 / 7


def in_cosmos(cosmos: Cosmos) -> dict[str, str]:
    return {"endpoint": cosmos.endpoint, "database": DATABASE, "container": CONTAINER}


def add(ward: Path, settings: dict[str, str], *ids: str) -> str:
    """A line for each id: `kept`, or what the store raised."""
    done = call([python_of(ward), "-c", ADD, ward, json.dumps(settings), *ids], ward)
    assert done.returncode == 0, done.stdout
    return done.stdout


def read(ward: Path, settings: dict[str, str]) -> str:
    """What the script prints that adds records and reads them back."""
    return run([python_of(ward), "-c", READ, ward, json.dumps(settings)], ward)
