"""What GET /metrics tells: labels that no caller can add to, sums over all workers."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from seedling.processes import free_port
from seedling.serving.metrics import Metrics

MODELS = {"risk": ["low", "high"], "flag": [0, 1], "miles": []}
ROUTES = {"/<model>/predict", "/run"}
WORKER = f"""
import os, signal, sys
from seedling.serving.metrics import Metrics

metrics = Metrics(lambda: 7, {MODELS}, {ROUTES})
for _ in range(int(sys.argv[1])):
    metrics.answered("/run", "POST", 200, "risk", 0.003)
    metrics.predicted("risk", "1", ["low", "high", "high"])
if "die" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
if "tell" in sys.argv:
    print(metrics.text()[0].decode())
"""
APP = f"""
import os
from seedling.serving.metrics import Metrics

metrics = Metrics(lambda: 7, {MODELS}, {ROUTES})
metrics.answered("/run", "GET", 200, "", 0.001)  # by the master, before it forks

def app(environ, start):
    if environ["PATH_INFO"] == "/metrics":
        body, kind = metrics.text()
    else:
        metrics.answered("/run", "POST", 200, "risk", 0.001)
        body, kind = str(os.getpid()).encode(), "text/plain"
    start("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
"""
CONFIGURATION = """
from seedling.serving import gunicorn_hooks as hooks

hooks.share_metrics()
preload_app, workers = True, 2
child_exit, on_exit, logger_class = hooks.child_exit, hooks.on_exit, hooks.JsonLogger
control_socket_disable = True
"""

needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run here")


def read(text: str) -> dict[str, float]:
    """The samples by name and labels, as they stand in the text."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def samples(metrics: Metrics) -> dict[str, float]:
    return read(metrics.text()[0].decode())


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(lambda: 7, MODELS, ROUTES)


def test_a_request_is_counted_and_timed(metrics: Metrics) -> None:
    for seconds in (0.0001, 0.003, 20):
        metrics.answered("/run", "POST", 200, "risk", seconds)
    found = samples(metrics)
    count = 'http_request_duration_seconds_count{model="risk",route="/run"}'
    of_time = {key: value for key, value in found.items() if "duration" in key}
    assert found['http_requests_total{method="POST",route="/run",status="200"}'] == 3
    assert of_time[count] == 3
    assert [value for key, value in of_time.items() if 'le="0.0002"' in key] == [1]
    assert [value for key, value in of_time.items() if 'le="0.005"' in key] == [2]
    assert [value for key, value in of_time.items() if 'le="+Inf"' in key] == [3]


def test_predictions_are_counted_by_class(metrics: Metrics) -> None:
    metrics.predicted("risk", "1", ["low"])
    metrics.predicted("risk", "1", ["low", "high", "low"])
    metrics.predicted("flag", "2", [0, 1.0, True])  # as JSON and models write the class 1
    found = samples(metrics)
    assert found['predictions_total{model="risk",prediction="low",version="1"}'] == 3
    assert found['predictions_total{model="risk",prediction="high",version="1"}'] == 1
    assert found['predictions_total{model="flag",prediction="1",version="2"}'] == 2


def test_numbers_are_counted_without_a_class(metrics: Metrics) -> None:
    metrics.predicted("miles", "1", [1.5])
    metrics.predicted("miles", "1", [2.5, float("nan"), None, [3]])
    assert samples(metrics)['predictions_total{model="miles",prediction="",version="1"}'] == 5


def test_no_rows_count_nothing(metrics: Metrics) -> None:
    metrics.predicted("risk", "1", [])
    metrics.predicted("miles", "1", [])
    assert not any(
        value for name, value in samples(metrics).items() if name.startswith("predictions_total")
    )


def test_a_caller_adds_no_labels(metrics: Metrics) -> None:
    for at in range(50):
        metrics.answered(f"/.env{at}", f"BREW{at}", 404, f"model{at}", 0.001)
        metrics.answered("other", f"BREW{at}", 405, "", 0.001)
        metrics.predicted("risk", "1", [f"class{at}"])
        metrics.predicted("risk", "1", [[at], "low"])
        metrics.predicted(f"model{at}", "1", ["low"])
    found = samples(metrics)
    assert found['http_requests_total{method="other",route="other",status="404"}'] == 50
    assert found['predictions_total{model="risk",prediction="other",version="1"}'] == 150
    assert len([name for name in found if name.startswith("http_requests_total")]) == 2
    assert len(metrics._answered) + len(metrics._predicted) == 1  # neither does memory grow


def test_a_model_may_join_later() -> None:
    metrics = Metrics(lambda: 0)
    metrics.add_model("risk", ["low"])
    metrics.predicted("risk", "1", ["low"])
    assert samples(metrics)['predictions_total{model="risk",prediction="low",version="1"}'] == 1


def test_a_route_may_join_later() -> None:
    metrics = Metrics(lambda: 0)
    metrics.add_routes(["/run"])
    metrics.answered("/run", "POST", 200, "", 0.001)
    assert samples(metrics)['http_requests_total{method="POST",route="/run",status="200"}'] == 1


def test_the_prediction_log_tells_its_length_at_each_scrape() -> None:
    waiting = 3
    metrics = Metrics(lambda: waiting, MODELS, ROUTES)
    metrics.refused()
    metrics.refused(2)
    assert samples(metrics)["prediction_log_waiting_records"] == 3
    waiting = 4
    assert samples(metrics)["prediction_log_waiting_records"] == 4
    assert samples(metrics)["prediction_log_refused_total"] == 3


def test_a_prediction_log_that_cannot_tell_leaves_the_rest() -> None:
    def waiting() -> float:
        raise OSError("the disk is gone")

    found = samples(Metrics(waiting, MODELS, ROUTES))
    assert "prediction_log_waiting_records" not in found
    assert found["prediction_log_refused_total"] == 0


def test_two_services_in_one_process_count_apart(metrics: Metrics) -> None:
    metrics.refused()
    assert samples(Metrics(lambda: 0, MODELS, ROUTES))["prediction_log_refused_total"] == 0


def worker(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    command = [sys.executable, "-c", WORKER, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@needs_fork
def test_workers_are_summed_up_and_a_killed_one_keeps_its_counts(tmp_path: Path) -> None:
    (tmp_path / "counter_0.db").touch()  # of a worker that was killed as it opened it
    assert worker(tmp_path, "3").returncode == 0
    assert worker(tmp_path, "40", "die").returncode == -signal.SIGKILL
    told = worker(tmp_path, "500", "tell")
    assert told.returncode == 0, told.stderr
    found = read(told.stdout)
    assert found['http_requests_total{method="POST",route="/run",status="200"}'] == 543
    assert found['predictions_total{model="risk",prediction="high",version="1"}'] == 1086
    count = 'http_request_duration_seconds_count{model="risk",route="/run"}'
    assert found[count] == 543
    assert found["prediction_log_waiting_records"] == 7


@contextmanager
def gunicorn(folder: Path) -> Iterator[tuple[Callable[[str], str], "subprocess.Popen[bytes]"]]:
    """A function that asks a small app behind gunicorn, and gunicorn's process."""
    (folder / "small_app.py").write_text(APP)
    (folder / "gunicorn.conf.py").write_text(CONFIGURATION)
    (folder / "temporary").mkdir()
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "gunicorn", "--bind", address, "small_app:app"]
    environment = os.environ | {"TMPDIR": str(folder / "temporary")}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)

    def ask(path: str) -> str:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urlopen(f"http://{address}{path}", timeout=10) as response:
                    answer: str = response.read().decode()
                    return answer
            except OSError:
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)

    try:
        yield ask, server
    finally:
        server.terminate()
        server.wait(timeout=30)


@needs_fork
def test_gunicorn_sums_its_workers_up_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as (ask, server):
        workers = [ask("/") for _ in range(20)]
        os.kill(int(workers[-1]), signal.SIGKILL)
        time.sleep(0.3)  # for the master to fork the next one
        workers += [ask("/") for _ in range(20)]
        server.send_signal(signal.SIGHUP)  # reads the configuration again, replaces the workers
        time.sleep(1)
        workers += [ask("/") for _ in range(20)]
        found = read(ask("/metrics"))
        assert len(list((tmp_path / "temporary").glob("metrics-*"))) == 1
    assert len(set(workers)) >= 3
    assert found['http_requests_total{method="POST",route="/run",status="200"}'] == 60
    assert found['http_requests_total{method="GET",route="/run",status="200"}'] == 1
    assert found["prediction_log_waiting_records"] == 7
    assert list((tmp_path / "temporary").iterdir()) == []
    log = (tmp_path / "log").read_text()
    assert re.search(r'"message": "Worker \(pid:\d+\) was sent SIGKILL', log)


@needs_fork
def test_an_app_that_cannot_be_loaded_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text(CONFIGURATION)
    (tmp_path / "temporary").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "no_such_app:app"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert done.returncode != 0
    assert list((tmp_path / "temporary").iterdir()) == []
