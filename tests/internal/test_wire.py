"""Bytes on the wire: what is no request of HTTP, what lies, and what asks for another route."""

import json
import os
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Thread
from typing import Any, NamedTuple

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from benchmarks.hostile import MAPPED, Caller, answer_to, is_whole, verdict
from seedling.config import Project
from seedling.serving.app import create_app
from seedling.serving.gunicorn_hooks import Worker
from seedling.testing import first_model

HOST = b"Host: localhost\r\n"
PING = b"GET /ping HTTP/1.1\r\n" + HOST
REFUSED = {
    "words": (b"hello\r\n\r\n", 400, "first line is not one of HTTP"),
    "a lower-case method": (b"get /ping HTTP/1.1\r\n" + HOST + b"\r\n", 400, "method"),
    "another version": (b"GET /ping HTTP/3.0\r\n" + HOST + b"\r\n", 400, "version of HTTP"),
    "a long address": (b"GET /run?" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "4,094 bytes"),
    "a long header": (PING + b"A: " + b"x" * 9000 + b"\r\n\r\n", 431, "8,190 bytes"),
    "many headers": (PING + b"A: b\r\n" * 101 + b"\r\n", 431, "at most 100"),
    "a line without a colon": (PING + b"secret-word\r\n\r\n", 400, "`name: value`"),
    "a space before the colon": (PING + b"A : b\r\n\r\n", 400, "name of a header"),
    "a folded header": (PING + b"A: b\r\n c\r\n\r\n", 400, "put it into one"),
    "NUL in a header": (PING + b"A: b\0c\r\n\r\n", 400, "without controls"),
    "a negative length": (PING + b"Content-Length: -1\r\n\r\n", 400, "Content-Length is wrong"),
    "two lengths": (PING + b"Content-Length: 1\r\n" * 2 + b"\r\na", 400, "more than once"),
    "two hosts": (PING + HOST + b"\r\n", 400, "Host is wrong"),
    "a length and chunks": (
        PING + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        "Content-Length",
    ),
    "an unknown coding": (PING + b"Transfer-Encoding: x\r\n\r\n", 501, "may only be chunked"),
    "an unknown expectation": (PING + b"Expect: x\r\n\r\n", 417, "100-continue"),
    "lines that end in LF": (PING.replace(b"\r", b"") + b"\n", 400, "CR LF"),
    "LF among CR LF": (PING + b"A: b\nC: d\r\n\r\n", 400, "`name: value`"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00", 400, "https://"),
    "a chunk that is none": (
        b"POST /run HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        400,
        "did not arrive whole",
    ),
    "a chunk's size without an end": (
        b"POST /run HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 200_000,
        400,
        "did not arrive whole",
    ),
    "a trailer that is none": (
        b"POST /run HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nno\r\n\r\n",
        400,
        "did not arrive whole",
    ),
}
VALUES = ("/x", "/ping", "https", "GET", "evil.example:80", "127.0.0.1", "a" * 300)
# What a WSGI server may say about the same request twice.
CHANGING = {"wsgi.input", "wsgi.errors", "wsgi.early_hints", "gunicorn.socket", "REMOTE_PORT"}
# A body of 24 MB comes and goes, then bodies of which something small stays.
GROWTH = """
import sys
from seedling.serving.memory import return_large_blocks

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20

if sys.argv[1] == "bound":
    assert return_large_blocks()
bytearray(24 << 20)
before = resident()
bodies = [(bytearray(300 << 10), bytearray(600)) for _ in range(100)]
kept = [small for _, small in bodies]
del bodies
print(resident() - before)
"""


class Wire(NamedTuple):
    """A worker of gunicorn with the service's app: its port, and what the app was last asked."""

    port: int
    asked: list[dict[str, Any]]

    def send(self, data: bytes, answers: int = 1, ended: bool = False) -> list[bytes]:
        """The answers to these bytes, read until there are so many of them or the end.

        Args:
            data: what is sent.
            answers: how many are waited for.
            ended: say that nothing more will be sent.
        """
        found, parts = b"", [b""]
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(data)
            if ended:
                connection.shutdown(socket.SHUT_WR)
            while len(parts) < answers or not is_whole(parts[-1]):
                more = connection.recv(65_536)
                if not more:
                    break
                found += more
                parts = re.split(rb"(?<!^)(?=HTTP/1\.1 \d{3} )", found)
        return parts


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


def said(answer: bytes) -> Any:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    return json.loads(body)


@pytest.fixture(scope="module")
def wire(trained: Project) -> Iterator[Wire]:
    app, asked = create_app(trained, environment=""), []

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        asked[:] = [dict(environ)]
        return app(environ, start_response)

    listener = socket.create_server(("127.0.0.1", 0))
    cfg = Config()
    cfg.set("threads", 4)
    worker = Worker(0, os.getppid(), [listener], None, 30, cfg, Logger(cfg))
    worker.wsgi = application
    worker.tpool, worker.poller = ThreadPoolExecutor(4), selectors.DefaultSelector()
    worker.method_queue.init()
    thread = Thread(target=worker.run, daemon=True)
    thread.start()
    yield Wire(listener.getsockname()[1], asked)
    worker.alive = False
    thread.join(timeout=10)
    app.extensions["service"].stop()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_of_http_is_refused_in_json_at_once(wire: Wire, name: str) -> None:
    data, expected, words = REFUSED[name]
    began = time.monotonic()
    answer = wire.send(data)[0]
    assert time.monotonic() - began < 3
    assert status(answer) == expected
    assert words in said(answer)["error"]
    assert b"secret-word" not in answer


def test_a_head_that_ends_early_is_refused_in_words(wire: Wire) -> None:
    assert "ended before its head" in said(wire.send(PING, ended=True)[0])["error"]


def test_a_body_shorter_than_its_length_is_not_answered_as_if_whole(wire: Wire) -> None:
    request = b"POST /run HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n{}"
    assert "did not arrive whole" in said(wire.send(request, ended=True)[0])["error"]


@pytest.mark.parametrize("route", ["/ping", "/nothing", "/run"])
def test_who_sends_a_large_body_in_vain_still_gets_an_answer(wire: Wire, route: str) -> None:
    body = b" " * (18 << 20)
    head = f"POST {route} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    (answer,) = wire.send(head.encode() + body)
    assert status(answer) in (404, 405, 413)
    assert said(answer)["error"]


@pytest.mark.parametrize("name", sorted({*MAPPED, "QUERY_STRING", "SERVER_NAME", "HTTP_HOST"}))
def test_no_header_of_a_caller_changes_what_the_app_is_asked(wire: Wire, name: str) -> None:
    def told() -> dict[str, Any]:
        (asked,) = wire.asked
        return {
            key: value
            for key, value in asked.items()
            if key not in CHANGING and (not key.startswith("HTTP_") or key == "HTTP_HOST")
        }

    request = b"GET /run/x?a=b HTTP/1.1\r\n" + HOST
    wire.send(request + b"\r\n")
    plain = told()
    for value in VALUES:
        wire.asked.clear()
        answer = wire.send(request + f"{name}: {value}\r\n\r\n".encode())[0]
        if wire.asked:
            assert told() == plain
        else:  # gunicorn itself refuses a second Host, or an expectation
            assert status(answer) in (400, 417)


def test_a_refused_client_that_stays_holds_up_nobody(wire: Wire) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", wire.port)))
            client.sendall(b"hello\r\n\r\n")
            assert client.recv(65_536)
        began = time.monotonic()
        assert status(wire.send(PING + b"\r\n")[0]) == 200
        assert time.monotonic() - began < 10  # two seconds for each in gunicorn's own loop


def test_an_offered_upgrade_is_ignored(wire: Wire) -> None:
    for protocol in (b"websocket", b"h2c", b"TLS/1.0"):
        offered = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
        assert status(wire.send(PING + offered)[0]) == 200


def test_requests_sent_without_waiting_are_answered_in_order(wire: Wire, trained: Project) -> None:
    body = b'{"payload": {"instances": []}}'
    route = f"POST /{first_model(trained)}/predict HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
    posts = (route.encode() + HOST + b"\r\n" + body) * 2
    answers = wire.send(
        (PING + b"\r\n") * 8 + posts + b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n", 11
    )
    assert [status(answer) for answer in answers] == [200] * 10 + [404]
    assert said(answers[9])["payload"]["predictions"] == []


def test_a_line_break_before_a_request_is_no_request(wire: Wire) -> None:
    assert [status(one) for one in wire.send(b"\r\n" + PING + b"\r\n")] == [200]


def test_an_address_in_utf_8_is_read_as_utf_8(wire: Wire) -> None:
    answer = wire.send("GET /ünï HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())[0]
    assert said(answer)["error"] == "There is no /ünï here: /docs lists what there is."


def test_hostile_requests_are_answered_in_words_and_never_by_a_failure(
    wire: Wire, trained: Project
) -> None:
    document = json.loads(
        answer_to(wire.port, b"GET /openapi.json HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")[2]
    )
    name = first_model(trained)
    row = document["components"]["schemas"][f"{name}.Features"]["examples"][0]
    caller = Caller(7, name, row, unfinished=0)
    seen = {verdict(answer_to(wire.port, one)) for one in caller.requests(600)}
    assert not {word for word in seen if " " in word or word == "silent" or word[:2] == "50"} - {
        "501"
    }
    assert {"200", "400", "404"} <= seen


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_large_blocks_that_were_freed_do_not_stay_with_the_process() -> None:
    grown = {}
    for how in ("bound", "left alone"):
        command = [sys.executable, "-c", GROWTH, how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        grown[how] = int(done.stdout)
    assert grown["left alone"] > 20 > 3 > grown["bound"]  # MB
