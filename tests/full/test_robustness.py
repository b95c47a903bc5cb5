"""What holds under fire: kills, outages, harmed files, time limits, changes while it runs."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from baking import run
from postgresql import PASSWORD, PostgreSQL
from serving import Server, ask, predict, running
from under_fire import (
    FOREST,
    LINEAR,
    REGISTERED,
    ROW,
    ROWS,
    Client,
    Load,
    change_settings,
    copied,
    logged,
    records,
    spooled,
    trained,
    until,
)

from benchmarks import hostile

pytestmark = pytest.mark.full

THREADS = 4  # of a worker, as gunicorn.conf.py says
EXPLODING = b"cos\nsystem\n(S'touch exploded'\ntR."  # a pickle that runs a command
FILL = """
import sys
from dataset_creation.sample_data import sample_tables
from seedling.data import feature_store
from seedling.config import Project
feature_store.fill(feature_store.open_url(sys.argv[1], Project.find().root), sample_tables())
"""
REQUESTS, WARM_UP = 30_000, 10_000
MOST_GROWTH = 4 * 1024  # KiB of a worker over all these requests
WRK = """
wrk.method = "POST"
wrk.body = '%s'
wrk.headers["Content-Type"] = "application/json"
"""


@pytest.fixture(scope="module")
def origin(installed: Callable[..., Path]) -> Path:
    return trained(installed)


@pytest.fixture
def project(origin: Path, tmp_path: Path) -> Path:
    return copied(origin, tmp_path)


def test_killed_workers_cost_no_wrong_answer_and_no_record(project: Path):
    victims = random.Random(0)  # noqa: S311
    with running(project) as server:
        load = Load(server.address)
        with load.going_on():
            for _ in range(10):
                time.sleep(1)
                assert until(lambda: len(server.workers()) == 2)
                os.kill(victims.choice(server.workers()), signal.SIGKILL)
        assert not load.wrong
        assert len(load.answered) > 100
        assert until(lambda: len(server.workers()) == 2)
        for _ in range(20):
            load.ask(Client(server.address), ROW)
        # What killed workers left is adopted by those that live.
        assert until(lambda: load.answered.keys() <= logged(project).keys())
        assert server.stop() == 0
    everything_is_logged(project, load)


def test_stopping_under_load_answers_what_was_asked(project: Path):
    sleep_in_run(project, 2)
    with running(project) as server:
        wait_until_ready(server)
        workers, load = server.workers(), Load(server.address)
        with load.going_on(), ThreadPoolExecutor(THREADS) as slow:
            ids = [uuid4().hex for _ in range(THREADS)]
            answers = [slow.submit(look_up, server, id) for id in ids]
            assert until(lambda: len(list(project.glob("asked-*"))) == THREADS)
            exit_code = server.stop()
            assert [answer.result()[0] for answer in answers] == [200] * THREADS
    assert exit_code == 0
    assert not load.wrong
    assert load.answered
    # Who had connected is answered; who sends on a connection as it is closed must send again.
    reset = [each for each in load.broken_new if type(each) is ConnectionResetError]
    assert not reset
    everything_is_logged(project, load)
    counts = logged(project)
    assert [counts[id] for id in ids] == [1] * THREADS
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_predictions_go_on_without_the_feature_store(project: Path, postgresql: PostgreSQL):
    python = project / ".venv" / "bin" / "python"
    run([python, "-c", FILL, postgresql.url], project)
    with running(project, FEATURE_STORE_URL=postgresql.url) as server:
        wait_until_ready(server)
        right = predict(server.address, LINEAR, [ROW])
        found = ask(f"{server.address}/run?person_id=1001")
        assert found[0] == 200
        with postgresql.away():
            for _ in range(4):
                status, answer = ask(f"{server.address}/run?person_id=1001")
                assert status == 503
                assert one_sentence(answer["error"]).startswith("Feature store postgresql")
                assert PASSWORD not in answer["error"]
                assert predict(server.address, LINEAR, [ROW]) == right
        for _ in range(8):  # enough for every worker, each of which had lost its connection
            status, answer = ask(f"{server.address}/run?person_id=1001")
            assert (status, answer["outputs"]) == (200, found[1]["outputs"])


def test_predictions_outlive_an_outage_of_their_log(project: Path, postgresql: PostgreSQL):
    def kept() -> list[str]:
        with psycopg.connect(postgresql.url) as connection:
            if not connection.execute("SELECT to_regclass('predictions')").fetchone()[0]:
                return []
            return [row[0] for row in connection.execute("SELECT request_id FROM predictions")]

    with running(project, PREDICTION_LOG=postgresql.url) as server:
        load = Load(server.address)
        with load.going_on(threads=2):
            assert until(lambda: load.answered)
            for _ in range(2):
                with postgresql.away():
                    before = len(load.answered)
                    time.sleep(2)
                    assert until(lambda before=before: len(load.answered) > before + 10)
                time.sleep(1)
        assert not load.wrong
        assert not load.broken
        assert until(lambda: load.answered.keys() <= set(kept()))
        assert server.stop() == 0
    assert until(lambda: not spooled(project))
    ids = kept()
    assert len(ids) == len(set(ids)) == len(load.answered) + len(ROWS)


@pytest.mark.parametrize("name", ["model.pkl", "compiled/form.json", "compiled/trees.onnx"])
@pytest.mark.parametrize("content", [EXPLODING, b"", None], ids=["exploding", "empty", "cut"])
def test_harmed_model_is_not_loaded_and_the_other_answers(
    project: Path, name: str, content: bytes | None
):
    path = project / "local_assets" / "models" / f"income-{FOREST}" / "1" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] if content is None else content)
    with running(project) as server:
        # Each of its processes says so, once serve.py is loaded as well.
        assert until(lambda: all(problems(server) == [FOREST] for _ in range(100)))
        status, answer = ask(f"{server.address}/ready")
        assert (status, answer["ready"]) == (503, False)
        assert list(answer["models"]) == [LINEAR]
        assert list(answer["problems"]) == [FOREST]
        words = answer["problems"][FOREST]
        assert f"income-{FOREST}" in words
        assert "hash differs" in words
        instances = {"payload": {"instances": [ROW]}}
        status, answer = ask(f"{server.address}/{FOREST}/predict", instances)
        assert (status, answer["payload"]["error"]) == (503, words)
        assert predict(server.address, LINEAR, [ROW])["version"] == "1"
    assert not list(project.rglob("exploded"))


def test_memory_stays_flat_over_many_requests(project: Path, tmp_path: Path):
    with running(project) as server:
        load(server, WARM_UP, tmp_path)
        workers = server.workers()
        before = [memory(worker) for worker in workers]
        load(server, REQUESTS, tmp_path)
        assert server.workers() == workers
        grown = [memory(worker) - was for worker, was in zip(workers, before, strict=True)]
    assert max(grown) < MOST_GROWTH, f"KiB: {before} grew by {grown}"


def test_memory_stays_flat_over_hostile_requests(project: Path):
    """200,000 are `python -m benchmarks.hostile`: here are enough for what grew before."""
    with running(project) as server:
        port = urlsplit(server.address).port
        assert until(lambda: ask(f"{server.address}/ready")[0] == 200)
        assert hostile.fire(port, LINEAR, ROW, 4_000, seed=1).total() >= 3_900
        before = hostile.memory(server.process.pid)
        seen = hostile.fire(port, LINEAR, ROW, 8_000, seed=2)
        after = hostile.memory(server.process.pid)
    assert not [word for word in seen if " " in word or word in ("silent", "500", "503")], seen
    assert before.keys() == after.keys()
    assert max(after[worker] - before[worker] for worker in before) < MOST_GROWTH
    assert "Traceback" not in server.log.read_text()


def test_worker_whose_calls_never_come_back_is_replaced(project: Path):
    sleep_in_run(project, 1000)
    change_settings(project, lambda settings: settings.update(serving={"time_limit": 0.2}))
    with running(project, WEB_CONCURRENCY="1") as server:
        wait_until_ready(server)
        (stuck,) = server.workers()
        words = []
        while server.workers() == [stuck] and len(words) < 30:
            status, answer = look_up(server, uuid4().hex)
            words.append(answer["error"])
            assert status == 503
        assert any("not returned" in told for told in words), words
        assert until(lambda: server.workers() not in ([], [stuck]))
        wait_until_ready(server)
        assert predict(server.address, LINEAR, [ROW])["version"] == "1"
        assert server.stop() == 0


def test_time_limit_is_told_in_words_and_holds_up_nobody_else(project: Path):
    sleep_in_run(project, 15)
    change_settings(project, lambda settings: settings.update(serving={"time_limit": 1}))
    with running(project) as server, ThreadPoolExecutor(3) as slow:
        wait_until_ready(server)
        started = time.monotonic()
        answers = [slow.submit(look_up, server, uuid4().hex) for _ in range(3)]
        assert until(lambda: len(list(project.glob("asked-*"))) == 3)
        assert predict(server.address, LINEAR, [ROW])["version"] == "1"
        assert ask(f"{server.address}/health")[0] == 200
        for answer in answers:
            status, told = answer.result()
            assert status == 503
            assert one_sentence(told["error"]).startswith("There was no answer within 1 second")
        assert 1 <= time.monotonic() - started < 15
        assert server.stop() == 0
    assert not [id for id, *_ in records(project) if id.startswith("slow")]


def test_entities_keep_their_version_while_shares_change_under_load(project: Path):
    for version in ("2", "3"):
        copy_version(project, version)
    with running(project) as server:
        load = Load(server.address)
        with load.going_on(threads=4):
            assert set(who_answers(server)) == {"1"}
            take_over(server, project, {"2": {"share": 0.5}})
            halves = who_answers(server)
            take_over(server, project, {"2": {"share": 0.5}, "3": {"share": 0.3}})
            thirds = who_answers(server)
            take_over(server, project, {"2": {"share": 0.5}, "3": {"share": 0.1}})
            fewer = who_answers(server)
            take_over(server, project, {})
            assert set(who_answers(server)) == {"1"}
        assert not load.wrong
        assert not load.broken
        assert server.stop() == 0
    assert set(halves) == {"1", "2"}
    assert set(thirds) == {"1", "2", "3"}
    for before, after in ((halves, thirds), (halves, fewer)):
        # Only what the champion had may have moved, and only to the newcomer.
        moved = {pair for pair in zip(before, after, strict=True) if len(set(pair)) > 1}
        assert moved <= {("1", "3")}
    assert {one for one, two in zip(fewer, thirds, strict=True) if two != "3"} == {"1", "2"}
    everything_is_logged(project, load)


def test_worker_that_takes_a_killed_ones_place_knows_the_shares(project: Path):
    copy_version(project, "2")
    with running(project) as server:
        take_over(server, project, {"2": {"share": 0.5}})
        expected = who_answers(server)
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
            assert until(lambda: len(server.workers()) == 2)
        assert who_answers(server) == expected


def test_clients_that_send_nothing_more_hold_up_nobody(project: Path):
    head = f"POST /{LINEAR}/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
    with running(project) as server, ExitStack() as stack:
        place = ("127.0.0.1", urlsplit(server.address).port)
        for text in (head, head + "\r\n{") * 10:
            client = stack.enter_context(socket.create_connection(place))
            client.sendall(text.encode())
        for _ in range(10):
            assert Client(server.address).send("GET", "/health")[0] == 200


def test_workers_end_without_a_crash(project: Path):
    for _ in range(3):
        with running(project) as server:
            assert predict(server.address, FOREST, [ROW])["version"] == "1"
            assert server.stop() == 0
        assert "was sent" not in server.log.read_text()


def test_pickles_that_were_loaded_before_the_fork_answer_after_it(project: Path):
    for model in (LINEAR, FOREST):
        path = project / "models" / model / "predict.py"
        path.write_text(path.read_text() + "\n# Edited: the compiled form is of another predict.\n")
    with running(project, OMP_NUM_THREADS="4") as server:
        for _ in range(3):
            for model in (LINEAR, FOREST):
                answer = predict(server.address, model, ROWS * 80)
                assert len(answer["predictions"]) == 3200
        assert server.stop() == 0
    assert server.log.read_text().count("answers by pandas and scikit-learn") >= 2


def test_idle_connection_does_not_hold_up_the_end(project: Path):
    with running(project) as server:
        for _ in range(2):
            client = Client(server.address)
            assert client.send("GET", "/health")[0] == 200
        server.process.terminate()
        assert server.process.wait(timeout=20) == 0  # not all of gunicorn's graceful_timeout
        client.close()


def test_every_route_asks_the_version_whose_turn_the_entity_is(project: Path):
    copy_version(project, "2")
    config = project / "model.yaml"
    text = config.read_text(encoding="utf-8")
    chosen = text.replace("\nserving:\n", f"\nserving:\n  model: {LINEAR}\n")
    config.write_text(chosen, encoding="utf-8")
    with running(project) as server:
        take_over(server, project, {"2": {"share": 0.5}})
        expected = who_answers(server)
        columns = list(ROWS[0])
        table = {"columns": columns, "data": [[row[name] for name in columns] for row in ROWS]}
        _, score = ask(f"{server.address}/{LINEAR}/score", {"input_data": table})
        assert score["versions"] == expected
        _, score = ask(f"{server.address}/score", {"data": ROWS})
        assert score["versions"] == expected
        client, body = Client(server.address), json.dumps({"dataframe_split": table}).encode()
        headers = {"Content_Type": "application/json", "X_Request_ID": "split"}
        assert client.send("POST", "/invocations", body, **headers)[0] == 200
        assert server.stop() == 0
    assert until(lambda: logged(project)["split"] == len(ROWS))
    kept = [(one, outputs) for id, _, one, outputs in records(project) if id == "split"]
    versions = [version for version, outputs in kept for _ in outputs["predictions"]]
    assert sorted(versions) == sorted(expected)


def test_shadow_changes_no_answer_and_is_logged(project: Path):
    copy_version(project, "2")
    with running(project) as server:
        load = Load(server.address)
        take_over(server, project, {"2": {"shadow": True}})
        with load.going_on(threads=4):
            time.sleep(3)
        assert not load.wrong
        assert not load.broken
        assert {version for _, version in load.versions} == {"1"}
        assert server.stop() == 0
    everything_is_logged(project, load)
    assert until(lambda: load.answered.keys() <= logged(project, "shadow").keys())
    shadows = {id: (version, outputs) for id, _, version, outputs in records(project, "shadow")}
    assert {version for version, _ in shadows.values()} == {"2"}
    for id, at in load.answered.items():
        assert shadows[id][1]["scores"] == load.right[at]


def test_nothing_but_the_probes_answers_without_the_key(project: Path):
    key = "correct-horse-battery"
    with running(project, API_KEY=key) as server:
        wait_until_ready(server)
        client = Client(server.address)
        for path in ("/health", "/healthcheck", "/ready", "/ping"):
            assert client.send("GET", path)[0] == 200, path
        asked = [("GET", path) for path in ("/", "/run", "/version", "/metrics", "/openapi.json")]
        asked += [("GET", "/docs/"), ("GET", "/nothing"), ("DELETE", "/run"), ("POST", "/run")]
        for route in ("predict", "score", "invocations"):
            asked += [("POST", f"/{LINEAR}/{route}"), ("POST", f"/nothing/{route}")]
        body = json.dumps({"payload": {"instances": [ROW]}}).encode()
        for method, path in asked:
            for headers in ({}, {"X_API_Key": key[:-1]}, {"Authorization": f"Bearer {key}x"}):
                status, found, text = client.send(method, path, body, **headers)
                client.close()  # as the service may, after a body that it did not read
                assert status == 401, (method, path, text)
                assert "www-authenticate" in found
                assert key not in text.decode()
        path = f"/{LINEAR}/predict"
        assert client.send("POST", path, body, X_API_Key=key)[0] == 200
        assert client.send("POST", path, body, Authorization=f"Bearer {key}")[0] == 200
        client.close()
        assert server.stop() == 0
    assert until(lambda: sum(logged(project).values()) == 2)
    assert key not in server.log.read_text()


def problems(server: Server) -> list[str]:
    """What keeps a worker, whichever is asked, from being ready."""
    return list(ask(f"{server.address}/ready")[1]["problems"])


def wait_until_ready(server: Server) -> None:
    """Until each worker has likely said so: serve.py is opened after the service answers."""
    for _ in range(20):
        assert until(lambda: ask(f"{server.address}/ready")[0] == 200)


def everything_is_logged(project: Path, load: Load) -> None:
    """Each prediction that was answered is in the log once, as it was answered."""
    assert until(lambda: not spooled(project)), spooled(project)
    counts = logged(project)
    assert {id: counts[id] for id in load.answered} == dict.fromkeys(load.answered, 1)
    kept = {id: outputs["scores"] for id, _, _, outputs in records(project)}
    for id, at in load.answered.items():
        assert kept[id] == load.right[at]


def sleep_in_run(project: Path, seconds: int) -> None:
    """Have serve.py note that it was asked, then take its time."""
    path = project / "serve" / "serve.py"
    first = "        if not user_inputs:\n"
    slow = "        import time, uuid\n"
    slow += f"        Path(f'asked-{{uuid.uuid4()}}').touch(); time.sleep({seconds})\n"
    text = path.read_text()
    assert text.count(first) == 1
    path.write_text(text.replace(first, slow + first))


def look_up(server: Server, id: str) -> tuple[int, Any]:
    status, _, text = Client(server.address).send("GET", "/run?person_id=1001", X_Request_ID=id)
    return status, json.loads(text)


def one_sentence(words: str) -> str:
    assert words.strip() == words
    assert "\n" not in words
    assert "Traceback" not in words
    return words


def copy_version(project: Path, version: str) -> None:
    home = project / "local_assets" / "models" / f"income-{LINEAR}"
    shutil.copytree(home / "1", home / version)


def take_over(server: Server, project: Path, others: dict[str, dict[str, Any]]) -> None:
    """Give the model these versions beside its first, and wait until every worker knows."""

    def change(settings: Any) -> None:
        champion = next(entry for entry in settings["models"] if entry["model"] == LINEAR)
        rest = [entry for entry in settings["models"] if entry["model"] != LINEAR]
        champion = {name: value for name, value in champion.items() if name != "version"}
        roles = {"1": {}, **others}
        versions = [champion | {"version": one} | role for one, role in roles.items()]
        settings["models"] = [
            {name: value for name, value in entry.items() if name not in ("share", "shadow")}
            | roles.get(entry["version"], {})
            for entry in versions
        ] + rest

    def times() -> int:
        return server.log.read_text().count("model.yaml was read again")

    before = times()
    change_settings(project, change, REGISTERED)
    assert until(lambda: times() >= before + len(server.workers())), server.log.read_text()


def who_answers(server: Server) -> list[str]:
    """The version that answers each row, whichever worker is asked, alone or with others."""
    answer = predict(server.address, LINEAR, ROWS)
    versions = answer.get("versions") or [answer["version"]] * len(ROWS)
    for _ in range(3):
        alone = [predict(server.address, LINEAR, [row])["version"] for row in ROWS]
        assert alone == versions
    return versions


def memory(process: int) -> int:
    """Resident memory in KiB."""
    words = ["ps", "-o", "rss=", "-p", str(process)]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def load(server: Server, count: int, folder: Path) -> None:
    """Ask for at least so many predictions: by wrk, or by threads of this process."""
    body = json.dumps({"payload": {"instances": [ROW]}})
    url = f"{server.address}/{LINEAR}/predict"
    if shutil.which("wrk"):
        script = folder / "post.lua"
        script.write_text(WRK % body)
        words = ["wrk", "-t1", "-c8", "-d10s", "-s", str(script), url]
        while count > 0:
            said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
            assert "Non-2xx" not in said, said
            count -= int(re.search(r"(\d+) requests in", said)[1])
        return

    def share(_: int) -> None:
        client = Client(server.address)
        for _ in range(count // 8):
            assert client.send("POST", f"/{LINEAR}/predict", body.encode())[0] == 200

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(share, range(8)))
