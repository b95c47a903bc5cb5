"""Any bytes to any route: refused in one sentence, or answered; and logged only if answered."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from serving import Server, running
from under_fire import FOREST, LINEAR, ROW, Client, copied, logged, spooled, trained, until

pytestmark = pytest.mark.full

JSON, CSV = "application/json", "text/csv"
PREDICT = [f"/{LINEAR}/predict", f"/{FOREST}/predict"]
SCORE = ["/score", f"/{LINEAR}/score", f"/{FOREST}/score"]
INVOCATIONS = ["/invocations", f"/{LINEAR}/invocations", f"/{FOREST}/invocations"]
ROUTES = [*PREDICT, *SCORE, *INVOCATIONS, "/run"]
DEEP = 100_000
VALUES = {  # of a number
    "infinity": "Infinity",
    "minus infinity": "-Infinity",
    "1e400": "1e400",
    "-1e400": "-1e400",
    "400 digits": "9" * 400,
    "above every int64": "9223372036854775808",
    "3e38 written out": "3" + "0" * 38,
    "fraction": "39.5",
    "true": "true",
    "list": "[39]",
    "object": "{}",
    "half a character": '"\\ud800"',
    "deep": "[" * DEEP + "]" * DEEP,
    "deep objects": '{"a":' * DEEP + "1" + "}" * DEEP,
}
BODIES = {
    "nothing": b"",
    "null": b"null",
    "text": b'"age"',
    "list": b"[]",
    "number": b"1e400",
    "cut off": b'{"payload": {"instances": [',
    "more than one value": b"{}{}",
    "deep": b"[" * DEEP,
    "deep objects": b'{"payload":' * DEEP,
    "no UTF-8": b'{"payload": "\xff\xfe\x80"}',
    "a NUL byte": b'{"payload": "\x00"}',
    "zeroes": bytes(1000),
    "digits": b"9" * 100_000,
    "10 MB of spaces": b" " * (10 << 20),
    "10 MB of brackets": b"[" * (10 << 20),
}
STRANGE_IDS = ["x" * 10_000, "a b", "\u00e4", "a,b", "", "../../etc", "%0d%0a"]
REST = urlencode({name: value for name, value in ROW.items() if name not in ("age", "education")})
QUERIES = {
    "": 400,
    "person_id=": 400,
    "person_id=1001": 200,
    "person_id=1001&person_id=x": 200,
    "person_id=-1": 400,
    "person_id=1e3": 400,
    "person_id=999999999": 404,
    "person_id=" + "9" * 400: 400,
    "person_id=%00": 400,
    "person_id=%ED%A0%80": 400,
    "person_id=1%20OR%201=1": 400,
    "person_id=%D9%A1": 400,
    "age=NaN": 400,  # missing, as in JSON, and required
    "age=Infinity": 400,
    "age=1e400": 400,
    "age=39.5": 400,
    "age=39": 400,  # the others are required too
    f"age=39&education=Masters&{REST}": 200,
    f"age=NaN&education=Masters&{REST}": 400,
    f"age=39&education=%00&{REST}": 200,
    "nothing=1": 400,
    "%00=1": 400,
    "age": 400,
    "a[]=1&a[b]=2": 400,
    "%": 400,
    "=&=&&==": 400,
}


class Fire(NamedTuple):
    """A service under fire, and how many predictions it answered to which request."""

    project: Path
    server: Server
    answered: dict[str, int]

    def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of an answer that is fit for a person, whatever was sent."""
        id = headers.setdefault("X_Request_ID", uuid4().hex)
        if body is not None:
            headers.setdefault("Content_Type", JSON)
        client = Client(self.server.address)
        status, found, text = client.send(method, path, body, **headers)
        client.close()
        answer = json.loads(text)
        if status == 200:
            self.answered[id] = rows_of(answer)
        else:
            assert status < 500, answer
            words = answer["payload"]["error"] if "payload" in answer else answer["error"]
            assert words
            assert "\n" not in words
            assert "Traceback" not in words
        assert found["content-type"] == JSON
        return status, found, answer


def rows_of(answer: Any) -> int:
    """How many predictions an answer holds."""
    if "user_inputs" in answer:
        return 1
    return len(answer.get("payload", answer)["predictions"])


@pytest.fixture(scope="module")
def origin(installed: Callable[..., Path]) -> Path:
    return trained(installed)


@pytest.fixture(scope="module")
def fire(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fire]:
    project = copied(origin, tmp_path_factory.mktemp("fire"))
    with running(project) as server:
        found = Fire(project, server, {})
        assert until(lambda: Client(server.address).send("GET", "/ready")[0] == 200)
        yield found


def body_for(route: str, row: str) -> bytes:
    """One row's text in the shape that the route takes."""
    if route == "/run":
        return row.encode()
    key = "dataframe_records" if route.endswith("invocations") else "data"
    found = f'{{"{key}": [{row}]}}'
    if route.endswith("predict"):
        found = f'{{"payload": {{"instances": [{row}]}}}}'
    return found.encode()


def test_service_keeps_what_its_openapi_document_says(origin: Path, tmp_path: Path):
    project = copied(origin, tmp_path)
    with running(project) as server:
        assert until(lambda: Client(server.address).send("GET", "/ready")[0] == 200)
        program = Path(sys.executable).with_name("schemathesis")
        # A valid request may still ask for what is not there: a table's ragged rows, /run's person.
        words = "--checks all --exclude-checks positive_data_acceptance"
        words += f" --exclude-tag {FOREST}"  # its routes take and answer what the other's do
        words += " --max-examples 12 --phases examples,fuzzing --generation-deterministic"
        words += " --request-timeout 60 --workers 2 --no-color"
        url = f"{server.address}/openapi.json"
        done = subprocess.run(
            [program, "run", url, *words.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
        assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()
    assert not (project / "local_assets" / "spool" / "rejected.jsonl").exists()


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("value", VALUES)
def test_value_that_is_no_number_is_refused_by_name(fire: Fire, route: str, value: str):
    row = json.dumps(ROW | {"age": "HERE"}).replace('"HERE"', VALUES[value])
    status, _, answer = fire.send("POST", route, body_for(route, row))
    words = answer.get("payload", answer)["error"]
    assert status == 400
    if value in ("fraction", "true", "object", "above every int64", "3e38 written out"):
        assert "age" in words


@pytest.mark.parametrize("route", ROUTES)
def test_nan_is_a_missing_value(fire: Fire, route: str):
    row = json.dumps(ROW | {"workclass": float("nan")})
    assert fire.send("POST", route, body_for(route, row))[0] == 200
    row = json.dumps(ROW | {"age": float("nan")})
    status, _, answer = fire.send("POST", route, body_for(route, row))
    assert status == 400
    assert "age" in answer.get("payload", answer)["error"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_number_may_be_spelled(fire: Fire, route: str):
    row = json.dumps(ROW | {"age": "39"})
    assert fire.send("POST", route, body_for(route, row))[0] == 200


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", BODIES)
def test_body_that_is_no_json_object_of_rows_is_refused(fire: Fire, route: str, body: str):
    assert fire.send("POST", route, BODIES[body])[0] == 400


@pytest.mark.parametrize("route", ROUTES)
def test_text_in_another_encoding_than_utf_8_is_refused(fire: Fire, route: str):
    text = body_for(route, json.dumps(ROW)).decode()
    assert fire.send("POST", route, text.encode("utf-8-sig"))[0] == 200  # as Windows writes it
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        assert fire.send("POST", route, text.encode(encoding))[0] == 400, encoding
    assert fire.send("POST", route, gzip.compress(text.encode()), Content_Encoding="gzip")[0] in (
        400,
        415,
    )
    found = fire.send("POST", route, text.encode(), Content_Type="application/json; charset=utf-16")
    assert found[0] == (415 if route.endswith("invocations") else 200)


@pytest.mark.parametrize("route", ROUTES)
def test_strange_text_is_an_unknown_category(fire: Fire, route: str):
    for text in (
        "\0",
        "\0" * 100,
        "x" * 1_000_000,
        "😀",
        "\u202e",
        "'; DROP TABLE predictions; --",
    ):
        row = json.dumps(ROW | {"occupation": text})
        assert fire.send("POST", route, body_for(route, row))[0] == 200
        row = json.dumps(ROW | {text: 1})
        assert fire.send("POST", route, body_for(route, row))[0] in (200, 400)


@pytest.mark.parametrize("route", ROUTES)
def test_key_that_stands_twice_does_no_harm(fire: Fire, route: str):
    row = json.dumps(ROW)[:-1] + ', "age": 40}'
    assert fire.send("POST", route, body_for(route, row))[0] in (200, 400)
    row = json.dumps(ROW)[:-1] + ', "age": "forty"}'
    assert fire.send("POST", route, body_for(route, row))[0] == 400


@pytest.mark.parametrize("route", ROUTES)
def test_body_above_the_limit_is_413(fire: Fire, route: str):
    for size in (17, 64):
        status, *_ = fire.send("POST", route, b" " * (size << 20))
        assert status == 413
    chunks = (b" " * (1 << 20) for _ in range(20))
    assert fire.send("POST", route, chunks)[0] == 413


@pytest.mark.parametrize("route", ROUTES)
def test_body_in_chunks_is_read(fire: Fire, route: str):
    body = body_for(route, json.dumps(ROW))
    chunks = (body[at : at + 7] for at in range(0, len(body), 7))
    assert fire.send("POST", route, chunks)[0] == 200


@pytest.mark.parametrize("route", ROUTES[:-1])
def test_more_rows_than_the_limit_are_422(fire: Fire, route: str):
    row = json.dumps([*ROW.values()])
    if not route.endswith("predict"):
        row = json.dumps(ROW)
    for count, expected in ((10_000, 200), (10_001, 422)):
        status, _, answer = fire.send("POST", route, body_for(route, ", ".join([row] * count)))
        assert status == expected
    assert "10,000" in answer.get("payload", answer)["error"]
    if route.endswith("predict"):
        small = body_for(route, ", ".join(["[" + ",".join(["null"] * len(ROW)) + "]"] * 100_000))
        assert fire.send("POST", route, small)[0] == 400  # a row of nothing, which is read first


@pytest.mark.parametrize("route", ROUTES)
def test_wrong_method_is_405_and_names_the_right_ones(fire: Fire, route: str):
    methods = ["DELETE", "PUT", "PATCH"] + (["GET"] if route != "/run" else [])
    for method in methods:
        status, headers, _ = fire.send(method, route)
        assert status == 405
        assert "POST" in headers["allow"]


@pytest.mark.parametrize("query", QUERIES)
def test_query_of_run_is_answered_or_refused(fire: Fire, query: str):
    assert fire.send("GET", f"/run?{query}")[0] == QUERIES[query]


def test_long_address_is_refused(fire: Fire):
    assert fire.send("POST", f"/{'x' * 3000}/predict", b"{}")[0] == 404
    assert fire.send("GET", "/run?" + "x" * 100_000)[0] == 414  # gunicorn reads none as long


@pytest.mark.parametrize("id", STRANGE_IDS)
def test_strange_request_id_is_replaced(fire: Fire, id: str):
    client, body = Client(fire.server.address), body_for(PREDICT[0], json.dumps(ROW))
    status, headers, text = client.send("POST", PREDICT[0], body, X_Request_ID=id)
    client.close()
    if status == 200:
        assert headers["x-request-id"] != id
        fire.answered[headers["x-request-id"]] = rows_of(json.loads(text))
    else:  # gunicorn reads no header that is as long
        assert status in (400, 431)


@pytest.mark.parametrize("content_type", ["", "text/plain", "image/png", "a/b; charset", "x" * 999])
def test_content_type_that_is_not_read_is_415(fire: Fire, content_type: str):
    body = body_for("/invocations", json.dumps(ROW))
    assert fire.send("POST", "/invocations", body, Content_Type=content_type)[0] == 415


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n",
        b"age\n",
        b"a,b\n1,2\n",
        b'"',
        b"\x00",
        b"\xff\xfea",
        ",".join(ROW).encode() + b"\n1\n",
        ",".join(ROW).encode() + b"\n" + b"x," * 9 + b"x\n",
        (",".join(ROW) + "\n").encode() + b'"' + b"x" * 1_000_000,
    ],
    ids=range(10),
)
def test_table_that_cannot_be_meant_is_refused(fire: Fire, text: bytes):
    assert fire.send("POST", "/invocations", text, Content_Type=CSV)[0] == 400


def test_log_holds_what_was_answered_and_nothing_else(fire: Fire):
    body = body_for(PREDICT[0], json.dumps(ROW))
    for _ in range(8):
        assert fire.send("POST", PREDICT[0], body)[0] == 200
    assert until(lambda: fire.answered.keys() <= logged(fire.project).keys())
    assert fire.server.stop() == 0
    assert until(lambda: not spooled(fire.project)), spooled(fire.project)
    answered = {id: count for id, count in fire.answered.items() if count}
    counts = logged(fire.project)
    assert {id: count for id, count in counts.items() if count} == answered
    assert "Traceback" not in fire.server.log.read_text()
