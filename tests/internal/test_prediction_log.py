"""The prediction log: what was accepted is kept once, whatever dies or goes away."""

import errno
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from seedling.config import PredictionLog as Settings
from seedling.config import Project
from seedling.errors import ProjectError, Unavailable
from seedling.serving import drain, prediction_log, sql_store, stores
from seedling.serving.prediction_log import PredictionLog
from seedling.serving.records import records_of
from seedling.serving.sql_store import SqlStore
from seedling.serving.stores import Record, RecordRefused, StoreUnavailable

WHEN = datetime(2026, 3, 4, 5, 6, 7, 250_000, UTC)
FEATURES = ["age", "sex"]
ROW = {"bed": 12, "age": 51, "sex": "female"}
APPEND = """
import sys
from pathlib import Path
from uuid import uuid4
from seedling.serving import drain, prediction_log
from seedling.serving.sql_store import SqlStore
drain.ROUND_SECONDS = 0.02
root = Path(sys.argv[1])
store = SqlStore("sqlite:///log.db", root)
log = prediction_log.PredictionLog(root / "spool", lambda: store)
text = sys.stdin.read()
while True:
    id = uuid4().hex
    log.append(text.replace("ID", id).encode())
    print(id, flush=True)
"""
FORK = """
import os, sys
from pathlib import Path
from seedling.serving.prediction_log import PredictionLog
log = PredictionLog(Path(sys.argv[1]), lambda: None)
log.stop()
log.append(b"a line")
if os.fork() == 0:
    sys.exit()
os.wait()
print(flush=True)
sys.stdin.read()
"""


class Memory:
    """A store that does what the test says."""

    def __init__(self) -> None:
        self.kept: dict[str, Record] = {}
        self.away = False
        self.refused: set[str] = set()
        self.calls = 0

    def add(self, records: Sequence[Record]) -> None:
        self.calls += 1
        if self.away:
            raise StoreUnavailable("The store is away.")
        if any(record.id in self.refused for record in records):
            raise RecordRefused("Not this one.")
        for record in records:
            self.kept.setdefault(record.id, record)


@pytest.fixture
def store() -> Memory:
    return Memory()


@pytest.fixture
def log(tmp_path: Path, store: Memory) -> PredictionLog:
    """A log whose rounds the test calls itself."""
    log = PredictionLog(tmp_path / "spool", lambda: store)
    log.stop()
    return log


def line(id: str = "1", **others: Any) -> bytes:
    value = {
        "id": id,
        "request_id": f"request {id}",
        "time": WHEN.timestamp(),
        "route": "/m/predict",
        "model": "m",
        "version": "3",
        "rows": [ROW],
        "inputs": None,
        "features": FEATURES,
        "outputs": {"predictions": [1], "scores": [[0.25, 0.75]], "labels": ["no", "yes"]},
    }
    return json.dumps(value | others).encode()


def rows_of(path: Path) -> list[dict[str, Any]]:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute("SELECT * FROM predictions ORDER BY id")]
    connection.close()
    return found


def a_dead_process_of(spool: Path, content: bytes) -> Path:
    folder = spool / uuid4().hex
    folder.mkdir(parents=True)
    (folder / "00000001.open").write_bytes(content)
    return folder


def test_a_request_becomes_a_record() -> None:
    (record,) = records_of(line("a"))
    assert (record.id, record.request_id, record.time) == ("a", "request a", WHEN)
    assert (record.route, record.model, record.version) == ("/m/predict", "m", "3")
    assert record.role == "served"
    assert json.loads(record.inputs) == [{"bed": 12}]
    assert json.loads(record.features) == [{"age": 51, "sex": "female"}]
    assert json.loads(record.outputs) == {
        "predictions": [1],
        "scores": [[0.25, 0.75]],
        "labels": ["no", "yes"],
    }


def test_the_rows_of_each_version_are_a_record() -> None:
    outputs = {"predictions": [1.5, 2.5, 3.5], "scores": [], "labels": []}
    found = records_of(line("a", rows=[ROW] * 3, versions=["3", "2", "3"], outputs=outputs))
    assert [(record.id, record.version) for record in found] == [("a", "3"), ("a-1", "2")]
    answered = [json.loads(record.outputs)["predictions"] for record in found]
    assert answered == [[1.5, 3.5], [2.5]]


def test_very_many_rows_become_records_that_any_store_takes() -> None:
    rows = [{"bed": number, "age": 51, "sex": "x" * 100} for number in range(5000)]
    found = records_of(line("a", rows=rows, outputs={"predictions": list(range(5000))}))
    assert max(len(record.features) for record in found) < 200_000
    beds = [each["bed"] for record in found for each in json.loads(record.inputs)]
    assert beds == list(range(5000))


def test_a_run_becomes_one_record_with_what_it_was_asked() -> None:
    value = json.loads(line("a", route="/run", inputs={"bed": "12"}, outputs=[{"any": "thing"}]))
    del value["rows"]
    (record,) = records_of(json.dumps(value | {"row": {"age": 51}}).encode())
    assert json.loads(record.inputs) == {"bed": "12"}
    assert json.loads(record.features) == {"age": 51}
    assert json.loads(record.outputs) == [{"any": "thing"}]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        line(rows=[ROW, ROW], versions=["3", "2"]),
        line(time=1e300),
        line(versions=[]) + b"}",
        line(rows=[1]),
    ],
)
def test_what_is_no_line_is_told_apart(broken: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's words differ
        records_of(broken)


def test_sqlite_keeps_what_was_accepted(tmp_path: Path) -> None:
    settings = Settings(url="sqlite:///kept/log.db")
    log = PredictionLog(tmp_path / "spool", lambda: stores.open_store(tmp_path, settings))
    log.start()
    for number in range(3):
        log.append(line(str(number)))
    log.stop()
    found = rows_of(tmp_path / "kept" / "log.db")
    assert [row["id"] for row in found] == ["0", "1", "2"]
    assert found[0]["time"] == "2026-03-04T05:06:07.250000+00:00"
    assert log.waiting() == 0
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_record_that_is_there_already_is_left_as_it_is(tmp_path: Path) -> None:
    store = SqlStore("sqlite:///log.db", tmp_path)
    store.add(records_of(line("a")))
    store.add(records_of(line("a", version="4")) + records_of(line("b")))
    assert [(row["id"], row["version"]) for row in rows_of(tmp_path / "log.db")] == [
        ("a", "3"),
        ("b", "3"),
    ]


def test_a_database_that_cannot_be_opened_is_told_without_the_data(tmp_path: Path) -> None:
    (tmp_path / "log.db").mkdir()
    store = SqlStore("sqlite:///log.db", tmp_path)
    with pytest.raises(StoreUnavailable, match=r"Prediction log .*unable to open") as caught:
        store.add(records_of(line()))
    assert "female" not in str(caught.value)


def test_text_that_no_database_takes_is_refused_for_good(tmp_path: Path) -> None:
    (record,) = records_of(line())
    store = SqlStore("sqlite:///log.db", tmp_path)
    with pytest.raises(RecordRefused):
        store.add([record._replace(request_id="\ud800")])


def answered(number: int, **others: Any) -> Record:
    """A record of this number, half a second after the one before."""
    (record,) = records_of(line(f"{number:03}", time=WHEN.timestamp() + number / 2))
    return record._replace(**others)


def test_a_window_is_read_in_pages_oldest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_store, "PAGE_RECORDS", 3)
    store = SqlStore("sqlite:///log.db", tmp_path)
    records = [answered(number) for number in range(20)]
    store.add(records[10:] + records[:10])
    end = WHEN.astimezone(timezone(timedelta(hours=5))) + timedelta(seconds=7)
    assert list(store.read(WHEN, end)) == records[:14]
    assert list(store.read(end, end + timedelta(days=1))) == records[14:]
    assert list(store.read(end, WHEN)) == []


def test_many_records_of_one_moment_are_read_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_store, "PAGE_RECORDS", 3)
    store = SqlStore("sqlite:///log.db", tmp_path)
    records = [answered(number, time=WHEN) for number in range(10)]
    store.add(records)
    assert list(store.read(WHEN, WHEN + timedelta(seconds=1))) == records


def test_records_are_read_by_model_version_and_role(tmp_path: Path) -> None:
    store = SqlStore("sqlite:///log.db", tmp_path)
    others: list[dict[str, Any]] = [{"model": "n"}, {"version": "4"}, {"role": "shadow"}]
    records = [answered(at, **each) for at, each in enumerate([{}, *others])]
    store.add(records)
    end = WHEN + timedelta(days=1)
    first, of_n, of_version, shadow = records
    assert list(store.read(WHEN, end, model="n")) == [of_n]
    assert list(store.read(WHEN, end, model="m", version="3")) == [first, shadow]
    assert list(store.read(WHEN, end, model="m", version="3", role="served")) == [first]
    assert list(store.read(WHEN, end, version="4")) == [of_version]


def test_reading_holds_up_nobody_who_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_store, "PAGE_RECORDS", 2)
    store = SqlStore("sqlite:///log.db", tmp_path)
    store.add([answered(number) for number in range(4)])
    reading = store.read(WHEN, WHEN + timedelta(days=1))
    assert next(reading).id == "000"
    SqlStore("sqlite:///log.db", tmp_path).add([answered(4)])
    assert [record.id for record in reading] == ["001", "002", "003", "004"]


def test_a_store_without_records_yields_none(tmp_path: Path) -> None:
    store = SqlStore("sqlite:///log.db", tmp_path)
    assert list(store.read(WHEN, WHEN + timedelta(days=1))) == []
    with pytest.raises(ValueError, match="no time zone"):
        list(store.read(datetime(2026, 1, 1), WHEN))


def test_reading_a_database_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "log.db").mkdir()
    store = SqlStore("sqlite:///log.db", tmp_path)
    with pytest.raises(StoreUnavailable, match=r"Prediction log .*unable to open"):
        list(store.read(WHEN, WHEN + timedelta(days=1)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(url="nonsense"), "not of the form"),
        (Settings(url="${NO_SUCH_LOG}"), "NO_SUCH_LOG"),
    ],
)
def test_a_store_that_is_none_is_one_sentence(
    tmp_path: Path, settings: Settings, words: str
) -> None:
    with pytest.raises(ProjectError, match=words):
        stores.open_store(tmp_path, settings)


def test_lines_wait_until_a_round(log: PredictionLog, store: Memory) -> None:
    assert log.waiting() == 0
    for number in range(5):
        log.append(line(str(number)))
    assert (log.waiting(), store.kept) == (5, {})
    log.drain()
    assert (log.waiting(), len(store.kept)) == (0, 5)


def test_nothing_is_lost_while_the_store_is_away(
    log: PredictionLog, store: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    store.away = True
    pauses = []
    for number in range(9):
        log.append(line(str(number)))
        pauses.append(log._round())
    assert log.waiting() == 9
    assert pauses == sorted(pauses)
    assert pauses[-1] == drain.MAX_PAUSE_SECONDS
    assert store.calls == 9
    store.away = False
    assert log._round() == drain.ROUND_SECONDS
    assert log._round() == drain.ROUND_SECONDS
    assert (log.waiting(), len(store.kept)) == (0, 9)
    words = [record.getMessage() for record in caplog.records]
    assert len(words) == 2
    assert "until their store is back. The store is away." in words[0]
    assert "is back" in words[1]


def test_large_segments_are_sealed_while_the_store_is_away(
    log: PredictionLog, store: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "MAX_SEGMENT_BYTES", 100)
    store.away = True
    for number in range(3):
        log.append(line(str(number)))
        log._round()
    assert len(list(log.folder.rglob("*-1.jsonl"))) == 3


def test_a_crash_between_store_and_spool_doubles_nothing(
    log: PredictionLog, tmp_path: Path, store: Memory
) -> None:
    store.add(records_of(line("a")))
    a_dead_process_of(log.folder, line("a") + b"\n" + line("b") + b"\n")
    log.drain()
    assert list(store.kept) == ["a", "b"]


def test_a_dead_process_leaves_its_lines_to_another(
    log: PredictionLog, store: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    a_dead_process_of(log.folder, line("a") + b"\n" + line("cut off")[:-9])
    assert log.waiting() == 1
    log.drain()
    assert list(store.kept) == ["a"]
    assert list(log.folder.iterdir()) == []
    assert [record.getMessage().count("cut off") for record in caplog.records] == [1]
    assert "female" not in caplog.text


def test_a_living_process_keeps_its_lines(log: PredictionLog, store: Memory) -> None:
    other = PredictionLog(log.folder, lambda: store)
    other.stop()
    other.append(line("a"))
    log.drain()
    assert (store.kept, log.waiting()) == ({}, 1)


def test_what_cannot_be_read_is_set_aside(
    log: PredictionLog, store: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    for data in (line("a"), b'{"age": 51, "sex": ', line("b")):
        log.append(data)
    store.away = True
    log._round()
    store.away = False
    log._round()
    assert list(store.kept) == ["a", "b"]
    (rejected,) = (log.folder / "rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected)["line"] == '{"age": 51, "sex": '
    assert '"age"' not in caplog.text


def test_what_the_store_refuses_is_set_aside(log: PredictionLog, store: Memory) -> None:
    store.refused = {"3", "7"}
    for number in range(10):
        log.append(line(str(number)))
    log.drain()
    assert len(store.kept) == 8
    entries = (log.folder / "rejected.jsonl").read_text().splitlines()
    assert [json.loads(entry)["record"]["id"] for entry in entries] == ["3", "7"]
    assert log.waiting() == 0


def test_a_full_disk_refuses_the_line_and_spoils_no_other(
    log: PredictionLog, store: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(line("a"))
    write, truncate = os.write, os.ftruncate
    for answers in (half_written, no_space):
        monkeypatch.setattr(os, "write", answers(write))
        with pytest.raises(Unavailable, match="No space left") as caught:
            log.append(line("b"))
        assert "\n" not in str(caught.value)
        monkeypatch.setattr(os, "write", write)
        log.append(line(f"after {answers.__name__}"))
    monkeypatch.setattr(os, "write", half_written(write))
    monkeypatch.setattr(os, "ftruncate", no_space(truncate))
    with pytest.raises(Unavailable):
        log.append(line("b"))
    monkeypatch.undo()
    log.append(line("c"))
    log.drain()
    assert list(store.kept) == ["a", "after half_written", "after no_space", "c"]


def half_written(write: Any) -> Any:
    return lambda file, data: write(file, data[: len(data) // 2])


def no_space(_write: Any) -> Any:
    def refuse(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    return refuse


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, store: Memory) -> None:
    (tmp_path / "spool").write_text("a file")
    log = PredictionLog(tmp_path / "spool", lambda: store)
    with pytest.raises(Unavailable, match=r"The prediction log cannot write to .*spool"):
        log.append(line())


class Shadow:
    """A fourth version that answers as the third did, or fails."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def refresh(self) -> bool:
        return True

    def records(self, line: Mapping[str, Any]) -> Iterable[Record]:
        if self.fails:
            raise TypeError(f"cannot take {line['rows']}")
        for record in records_of(json.dumps(line).encode()):
            yield record._replace(id=f"{record.id}-4", version="4", role="shadow")


def test_shadows_are_kept_beside_what_was_served(tmp_path: Path, store: Memory) -> None:
    log = PredictionLog(tmp_path / "spool", lambda: store, Shadow())
    log.append(line("a"))
    log.stop()
    found = [(record.id, record.version, record.role) for record in store.kept.values()]
    assert found == [("a", "3", "served"), ("a-4", "4", "shadow")]


def test_a_shadow_that_fails_is_told_once_and_holds_nothing_up(
    tmp_path: Path, store: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    log = PredictionLog(tmp_path / "spool", lambda: store, Shadow(fails=True))
    for number in range(3):
        log.append(line(str(number)))
    log.stop()
    assert len(store.kept) == 3
    (told,) = (record.getMessage() for record in caplog.records)
    assert told.startswith("The shadow of m failed: TypeError in test_prediction_log.py, line ")


def test_stopping_twice_is_stopping_and_it_can_start_again(
    log: PredictionLog, store: Memory
) -> None:
    log.append(line("a"))
    log.stop()
    log.stop()
    assert log.waiting() == 1
    log.start()
    log.append(line("b"))
    log.stop()
    assert list(store.kept) == ["a", "b"]
    assert log.waiting() == 0


def test_stopping_leaves_on_disk_what_a_store_that_is_away_did_not_take(
    tmp_path: Path, store: Memory
) -> None:
    store.away = True
    log = PredictionLog(tmp_path / "spool", lambda: store)
    log.append(line("a"))
    log.stop()
    later = PredictionLog(tmp_path / "spool", lambda: store)
    assert later.waiting() == 1
    store.away = False
    later.drain()
    assert list(store.kept) == ["a"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_a_session_of_its_own(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path / "spool", lambda: SqlStore("sqlite:///log.db", tmp_path))
    log.append(line("parent"))
    child = os.fork()
    if child == 0:
        log.append(line("child"))
        log.stop()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    log.append(line("parent again"))
    log.stop()
    found = [row["id"] for row in rows_of(tmp_path / "log.db")]
    assert found == ["child", "parent", "parent again"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_session_is_held_by_the_process_that_began_it_alone(
    log: PredictionLog, store: Memory
) -> None:
    log.append(line("a"))
    child = os.fork()
    if child == 0:
        log.append(line("b"))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    other = PredictionLog(log.folder, lambda: store)
    other.drain()
    assert list(store.kept) == ["b"]
    assert other.waiting() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_session_is_held_when_a_forked_process_ends(log: PredictionLog) -> None:
    """filelock before version 4 lets go of the lock then."""
    command = [sys.executable, "-c", FORK, str(log.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        log.drain()
        assert log.waiting() == 1
        process.kill()
    log._adopt_at = 0
    log.drain()
    assert log.waiting() == 0


def test_lines_outlive_kills(tmp_path: Path) -> None:
    """What processes said they had accepted is in the store once, though they were killed."""
    moments = random.Random(0)  # noqa: S311
    command = [sys.executable, "-c", APPEND, str(tmp_path)]
    said: list[str] = []
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        children = [stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(3)]
        for child in children:
            child.stdin.write(line("ID").decode())
            child.stdin.close()
        for child in children:
            said.append(child.stdout.readline().strip())
            time.sleep(moments.uniform(0, 0.2))
            child.kill()
            said += child.stdout.read().split()
    log = PredictionLog(tmp_path / "spool", lambda: SqlStore("sqlite:///log.db", tmp_path))
    log.drain()
    kept = [row["id"] for row in rows_of(tmp_path / "log.db")]
    assert len(kept) == len(set(kept))
    assert {id for id in said if len(id) == 32} <= set(kept)
    assert log.waiting() == 0


def test_the_spool_may_stand_elsewhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stores.spool_of(project) == project.assets / "spool"
    monkeypatch.setenv("SPOOL_FOLDER", "/data/spool")
    assert stores.spool_of(project) == Path("/data/spool")
