"""The real exporter against a stand-in for Azure Monitor's ingestion on this machine.

No real Azure Monitor was tried: that what arrives here shows up in its tables rests on the
exporter, which is Microsoft's own.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import warm
from baking import environment, python_of
from serving import free_port

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Cloud"}
VARIABLE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
# Any will do, but always the same: it stands in the names of tests, which workers compare.
KEY = "6f1c7d5e-0f5b-4f7e-9d0f-3a4f6a1b2c3d"
# Everything that a service does with its telemetry, and the addresses that it then connects to.
SERVICE = """
import json, logging, os, socket, sys, time
from seedling.config import Project
from seedling.serving import logs, monitor

asked, connect, resolve = set(), socket.socket.connect, socket.getaddrinfo

def connects(self, address):
    asked.add(str(address[0]))
    return connect(self, address)

def resolves(host, *arguments, **options):
    asked.add(str(host))
    return resolve(host, *arguments, **options)

socket.socket.connect, socket.getaddrinfo = connects, resolves
logs.configure("info")
log = logging.getLogger("seedling.serving.app")
began = time.perf_counter()
telemetry = monitor.open_telemetry(Project.find().config)
opened = time.perf_counter() - began
if telemetry is None:
    print(json.dumps({"opened": None}))
    sys.exit()
took, started = [], time.time_ns()
for at in range(int(sys.argv[1])):
    logs.REQUEST_ID.set(f"r-{at}")
    began = time.perf_counter()
    facts = {"model": "m", "version": "3"}
    status = 500 if at == 1 else 200
    ended = started + 3_000_000
    telemetry.request("/<model>/predict", "POST", status, started, ended, f"r-{at}", facts)
    took.append(time.perf_counter() - began)
began = time.perf_counter()
logs.REQUEST_ID.set("r-0")
log.info("nothing to tell")
log.warning("The feature store is %s", "away")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("It failed")
logged = time.perf_counter() - began
time.sleep(float(sys.argv[2]))
began = time.perf_counter()
telemetry.stop()
stopped = time.perf_counter() - began
took.sort()
print(json.dumps({
    "opened": opened, "median": took[len(took) // 2], "longest": took[-1], "logged": logged,
    "stopped": stopped, "asked": sorted(asked),
}))
"""

# The numbers of a model of which one column has moved.
FOUND = """
from seedling import implementations
from seedling.errors import ProjectError
from seedling.monitoring import findings
from seedling.monitoring.drift import Drift

drifts = [
    Drift("age", "numbers", "feature", 500, 5000, "severe", 0.6),
    Drift("hours", "numbers", "feature", 500, 5000, "steady", 0.01),
]
window = findings.Window("2026-11-01", "2026-11-08", 500, verdict="severe", drifts=drifts)
found = findings.Findings(
    "Cloud", "m", "3", "rows", "income", "2026-11-08", windows=[window], verdict="severe"
)
try:
    implementations.find("azure monitor metrics")(found)
except ProjectError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def cloud(installed) -> Path:
    return installed(ANSWERS, "train,serve,dev,azure")


def connection(port: int) -> str:
    return f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{port}/"


def serve(
    project: Path, string: str, requests: int = 3, wait: float = 0, **variables: str
) -> tuple[dict[str, Any], str]:
    """What the service above found out, and its log."""
    words = ["-c", SERVICE, str(requests), str(wait)]
    known = environment() | {VARIABLE: string, "LOG_FORMAT": "json"} | variables
    done = warm.call(python_of(project), words, project, known, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@contextmanager
def ingestion(hold: Event | None = None) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A port that takes telemetry as Azure Monitor does, and the envelopes that came to it."""
    envelopes: list[dict[str, Any]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            if hold is not None:
                hold.wait(60)
            came = json.loads(body)
            envelopes.extend(came)
            answer = {"itemsReceived": len(came), "itemsAccepted": len(came), "errors": []}
            words = json.dumps(answer).encode()
            self.send_response(200 if self.path.endswith("/v2.1/track") else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.handle_error = lambda *_: None  # the service may be gone before it is answered
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, envelopes
    finally:
        if hold is not None:
            hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


def of(envelopes: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in envelopes if one["data"]["baseType"] == kind]


def test_requests_and_warnings_arrive_with_the_id_of_the_request(cloud: Path):
    with ingestion() as (port, envelopes):
        found, _ = serve(cloud, connection(port))
    requests = [one["data"]["baseData"] for one in of(envelopes, "RequestData")]
    assert [one["properties"]["request_id"] for one in requests] == ["r-0", "r-1", "r-2"]
    for request in requests:
        assert request["name"] == "POST /<model>/predict"
        assert request["properties"]["model"] == "m"
        assert request["properties"]["version"] == "3"
        assert request["duration"] == "0.00:00:00.003"
    assert [one["responseCode"] for one in requests] == ["200", "500", "200"]
    assert [one["success"] for one in requests] == [True, False, True]
    (warning,) = (one["data"]["baseData"] for one in of(envelopes, "MessageData"))
    assert warning["message"] == "The feature store is away"
    assert warning["severityLevel"] == 2
    assert warning["properties"]["request_id"] == "r-0"
    (error,) = (one["data"]["baseData"] for one in of(envelopes, "ExceptionData"))
    assert error["exceptions"][0]["typeName"] == "ZeroDivisionError"
    assert error["properties"]["request_id"] == "r-0"
    first, *_ = (one["tags"]["ai.operation.id"] for one in of(envelopes, "RequestData"))
    for kind in ("MessageData", "ExceptionData"):
        assert of(envelopes, kind)[0]["tags"]["ai.operation.id"] == first
    assert {one["tags"]["ai.cloud.role"] for one in envelopes} == {"Cloud"}
    assert len(envelopes) == 5
    assert found["asked"] == ["127.0.0.1"]  # nobody else is told anything


def test_telemetry_is_sent_while_the_service_runs(cloud: Path):
    with ingestion() as (port, envelopes):
        serve(cloud, connection(port), wait=7)
        sent = [one["time"] for one in envelopes]
    assert len(sent) == 5


def test_a_share_of_the_requests_is_told_of(cloud: Path):
    with ingestion() as (port, envelopes):
        serve(cloud, connection(port), requests=400, OTEL_TRACES_SAMPLER_ARG="0.25")
    requests = of(envelopes, "RequestData")
    assert 50 < len(requests) < 150
    assert {one["sampleRate"] for one in requests} == {25}  # so that each counts as four
    assert len(of(envelopes, "MessageData")) == 1


def away() -> Iterator[int]:
    yield free_port()


def hangs() -> Iterator[int]:
    with ingestion(Event()) as (port, _):
        yield port


@pytest.mark.parametrize("endpoint", [away, hangs])
def test_an_ingestion_that_does_not_answer_costs_nothing(
    cloud: Path, endpoint: Callable[[], Iterator[int]]
):
    with contextmanager(endpoint)() as port:
        found, log = serve(cloud, connection(port), requests=5_000, wait=6)
    assert found["median"] < 0.000_5
    assert found["logged"] < 0.1
    assert found["opened"] < 10
    assert found["stopped"] < 7
    assert "Traceback (most recent call last)" not in re.sub("(?m)^.*ZeroDivision.*$", "", log)
    assert len(log.splitlines()) < 30


@pytest.mark.parametrize(
    ("string", "variables", "reason"),
    [
        ("nonsense", {}, "Invalid connection string"),
        ("InstrumentationKey=1", {}, "It should be a valid UUID"),
        (connection(1), {"OTEL_TRACES_SAMPLER_ARG": "often"}, "OTEL_TRACES_SAMPLER_ARG is 'often'"),
    ],
)
def test_a_wrong_setting_is_one_line_and_the_service_goes_on(
    cloud: Path, string: str, variables: dict[str, str], reason: str
):
    found, log = serve(cloud, string, **variables)
    assert found == {"opened": None}
    (line,) = (json.loads(line) for line in log.splitlines())
    assert line["level"] == "WARNING"
    assert reason in line["message"]


def test_without_the_connection_string_nothing_is_loaded(cloud: Path):
    found, log = serve(cloud, "")
    assert (found, log) == ({"opened": None}, "")


def test_without_the_group_azure_a_line_says_so(installed: Callable[..., Path]):
    project = installed(ANSWERS, "train,serve,dev")
    found, log = serve(project, connection(1))
    assert found == {"opened": None}
    (line,) = (json.loads(line) for line in log.splitlines())
    assert "run init with the group `azure`" in line["message"]


def test_findings_are_metrics_on_which_an_alert_can_stand(cloud: Path):
    def sent(port: int) -> str:
        variables = environment() | {VARIABLE: connection(port)}
        done = warm.call(python_of(cloud), ["-c", FOUND], cloud, variables, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with ingestion() as (port, envelopes):
        assert sent(port) == ""
    numbers = {
        (metric["name"], one["properties"].get("column", "")): metric["value"]
        for envelope in of(envelopes, "MetricData")
        for one in [envelope["data"]["baseData"]]
        for metric in one["metrics"]
        if one["properties"]["model"] == "m" and one["properties"]["version"] == "3"
    }
    assert numbers == {
        ("model_verdict", ""): 3,
        ("model_rows", ""): 500,
        ("model_drift_effect", "age"): 0.6,
        ("model_drift_effect", "hours"): 0.01,
    }
    assert sent(free_port()) == "Azure Monitor does not answer: no metric is sent.\n"
