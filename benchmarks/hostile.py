"""What hostile callers do to the service: `python -m benchmarks.hostile PROJECT [--requests N]`.

Requests that nobody means well by, of about forty kinds, are sent to the service of a project that
has a registered model: bad heads, framing that lies, headers of other systems, names that no two
requests share, bodies that are cut, nested, infinite or large. Printed are how many were answered
with which status, the answers that were not JSON, the silent ones, and the memory of the workers
after each tenth. The same seed gives the same requests.
"""

import argparse
import json
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

PATIENCE = 15.0  # seconds until a request counts as silent
CLIENTS = 8
PARTS = 10  # of all requests, with a look at the memory after each
UNFINISHED, LARGE = 0.0002, 0.0022  # the first share of the requests, and that of both
LARGE_BYTES = 4 << 20
TEXTS = ("\0", "😀", "\u202e", "'; DROP TABLE predictions; --", "{{7*7}}", "%0d%0a", "../../x")
CONSTANTS = (b"NaN", b"Infinity", b"-Infinity", b"1e400", b'"\\ud800"', b"9" * 400, b"true", b"{}")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "A B", "Ü")
ROUTES = ("predict", "score", "invocations")
SERVICE = (
    "/run",
    "/score",
    "/invocations",
    "/ready",
    "/ping",
    "/",
    "/docs",
    "/metrics",
    "/static/x",
)
TYPES = ("application/json", "text/csv", "application/vnd.apache.parquet", "text/plain", "a/b; c")
MAPPED = (  # what a proxy may set, and some servers map into WSGI's own names
    *("SCRIPT_NAME", "PATH_INFO", "SCRIPT-NAME", "PATH-INFO", "REMOTE_USER", "REQUEST_METHOD"),
    *("X-Forwarded-For", "X_Forwarded_For", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded"),
    *("X-Forwarded-Host", "X-Script-Name", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-SSL"),
    *(
        "X-HTTP-Method-Override",
        "Upgrade",
        "Connection",
        "Expect",
        "TE",
        "Trailer",
        "Host",
        "Origin",
    ),
    *(
        "Authorization",
        "X-API-Key",
        "Accept",
        "Cookie",
        "Range",
        "X-Request-ID",
        "Content-Encoding",
    ),
)

Json = dict[str, object]


class Caller:
    """Makes hostile requests, as bytes.

    Args:
        seed: of the choices.
        model: the name of a model that is served.
        row: a row that the model answers.
        unfinished: the share of requests that never come whole, each of which takes ten seconds.
    """

    def __init__(self, seed: int, model: str, row: Json, unfinished: float = UNFINISHED) -> None:
        self._chosen = random.Random(seed)  # noqa: S311
        self._model, self._row = model, row
        self._unfinished_share = unfinished

    def requests(self, count: int) -> Iterator[bytes]:
        """Yield so many requests."""
        kinds: list[Callable[[], bytes]] = [
            *(self._head, self._framing, self._header, self._header, self._path, self._path),
            *(self._query, self._names, self._names, self._value, self._value, self._broken_body),
            *(self._bytes, self._table, self._content),
        ]
        for _ in range(count):
            chance = self._chosen.random()
            if chance < self._unfinished_share:
                yield self._unfinished()
            else:
                yield (self._large if chance < LARGE else self._chosen.choice(kinds))()

    def _name(self) -> str:
        """Return a name that no other request has."""
        word = "".join(self._chosen.choices("abcdefghijklmnopqrstuvwxyz", k=12))
        return self._chosen.choice((word, word * 20, word + self._chosen.choice(TEXTS)))

    def _route(self) -> str:
        own = f"/{self._model}/{self._chosen.choice(ROUTES)}"
        return self._chosen.choice((own, own, *SERVICE))

    def _head(self) -> bytes:
        """Return a request whose head is wrong."""
        method, path = self._chosen.choice(METHODS), self._route()
        lines = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            f"GET {path} HTTP/1.1\nHost: localhost\n\n",
            f"GET {path} HTTP/1.1\r\nHost: localhost\nA: b\r\n\r\n",
            f"GET {path}\r\n\r\n",
            f"GET {path} HTTP/{self._chosen.choice(('0.9', '2.0', '1.10', 'x'))}\r\n\r\n",
            f"GET /{'x' * self._chosen.choice((5000, 20_000))} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nA : b\r\n\r\n",
            f"GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            f"GET http://localhost{path} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "\r\n\r\nGET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{'A: b' * 1}\r\n"
            + "A: b\r\n" * 200
            + "\r\n",
        )
        return self._chosen.choice(lines).encode()

    def _framing(self) -> bytes:
        """Return a request whose length or coding is a lie."""
        headers = (
            "Content-Length: -1",
            "Content-Length: x",
            "Content-Length: 2\r\nContent-Length: 3",
            "Content-Length: 2\r\nTransfer-Encoding: chunked",
            "Content-Length: \u00b2",
            "Transfer-Encoding: x",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\r\nTrailer: A",
            "Content-Length: 5\r\nExpect: x",
        )
        bodies = (
            "zz\r\n{}\r\n",
            "-1\r\n",
            "2;a=b\r\n{}\r\n0\r\nA: b\r\n\r\n",
            "2\r\n{}\r\n0\r\nA\r\n\r\n",
        )
        body = self._chosen.choice(bodies)
        return self._post(self._route(), body.encode(), self._chosen.choice(headers))

    def _unfinished(self) -> bytes:
        """Return a request whose head or body never comes whole."""
        path = self._route()
        requests = (
            f"GET {path} HTTP/1.1\r\nHost",
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{}}",
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {'9' * 20}\r\n\r\n{{}}",
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2",
        )
        return self._chosen.choice(requests).encode()

    def _header(self) -> bytes:
        """Return a request with a header of another system, or one that is strange."""
        name = self._chosen.choice((*MAPPED, self._name()))
        given = (
            "/x",
            "https",
            self._name(),
            "x" * self._chosen.choice((100, 9000)),
            "100-continue",
        )
        more = ("a\0b", "websocket", "close, upgrade", "Bearer a.b.c", "Basic !", "\u00e4", "")
        value = self._chosen.choice((*given, *more))
        return self._post(self._route(), self._good(), f"{name}: {value}", framed=True)

    def _path(self) -> bytes:
        name = self._name()
        quoted = self._chosen.choice((quote(name), name.replace("\0", "").replace(" ", "")))
        paths = (f"/{quoted}/predict", f"/{quoted}", f"/{self._model}/{quoted}", f"//{quoted}")
        return self._post(self._chosen.choice(paths), self._good(), framed=True)

    def _query(self) -> bytes:
        query = f"{quote(self._name())}={quote(self._name())}&" * self._chosen.choice((1, 9))
        return f"GET /run?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    def _names(self) -> bytes:
        """Return a request with a feature, a category or a model that nobody knows."""
        feature = self._chosen.choice(list(self._row))
        rows = (
            {self._name(): 1},
            self._row | {self._name(): 1},
            self._row | {feature: self._name()},
        )
        return self._rows(json.dumps(self._chosen.choice(rows)).encode())

    def _value(self) -> bytes:
        row = json.dumps(self._row | {self._chosen.choice(list(self._row)): "HERE"}).encode()
        deep = b"[" * 2000 + b"]" * 2000
        return self._rows(row.replace(b'"HERE"', self._chosen.choice((*CONSTANTS, deep)), 1))

    def _broken_body(self) -> bytes:
        good = self._good()
        cut = good[: self._chosen.randrange(len(good))]
        nested = b'{"payload":' * self._chosen.choice((10, 5000))
        bodies = (cut, nested, b"[" * 5000, good + good, b"\xff\xfe" + good, b"null", b"1e400", b"")
        return self._post(self._route(), self._chosen.choice(bodies), framed=True)

    def _bytes(self) -> bytes:
        body = self._chosen.randbytes(self._chosen.choice((1, 100, 5000)))
        return self._post(self._route(), body, framed=True)

    def _table(self) -> bytes:
        header = ",".join(self._row)
        lines = (
            f"{header}\n1,2",
            f'"{header}',
            f"{self._name()},{header}\n",
            f"{header}\n" + "x," * 50,
        )
        text = self._chosen.choice(lines).encode(errors="replace")
        return self._post("/invocations", text, "Content-Type: text/csv", framed=True)

    def _content(self) -> bytes:
        kind = self._chosen.choice((*TYPES, self._name().replace("\0", "")))
        return self._post("/invocations", self._good(), f"Content-Type: {kind}", framed=True)

    def _large(self) -> bytes:
        size = self._chosen.randrange(LARGE_BYTES)
        bodies = (b" " * size, b"[" * size, b"[0," * (size // 3), json.dumps("x" * size).encode())
        return self._post(self._route(), self._chosen.choice(bodies), framed=True)

    def _good(self) -> bytes:
        return json.dumps({"dataframe_records": [self._row]}).encode()

    def _rows(self, row: bytes) -> bytes:
        route = self._chosen.choice(ROUTES)
        frame = {"predict": b'{"instances": [%b]}', "score": b'{"data": [%b]}'}
        body = frame.get(route, b'{"dataframe_records": [%b]}') % row
        return self._post(f"/{self._model}/{route}", body, framed=True)

    def _post(self, path: str, body: bytes, header: str = "", framed: bool = False) -> bytes:
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", *([header] if header else [])]
        if "Content-Type" not in header:
            lines.append("Content-Type: application/json")
        if framed:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines)
        return head.encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


def answer_to(port: int, request: bytes) -> bytes:
    """Return all that the service answers to the only request of a connection; b"" if silent."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(request)
            while not is_whole(found):
                more = connection.recv(65_536)
                if not more:
                    break
                found += more
        except OSError:  # reset, or silent for too long
            pass
    return found


def is_whole(answer: bytes) -> bool:
    """Return whether an answer has all the bytes that its head promises."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    if head.startswith(b"HTTP/1.1 100"):
        return is_whole(body)
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
    return len(body) >= int(fields.get(b"content-length", b"0"))


def verdict(answer: bytes) -> str:
    """Return an answer's status, with a remark where the answer is none that it should be."""
    while answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return "silent"
    status = head.split(b" ")[1].decode()
    if status >= "400" and body:
        try:
            said = json.loads(body)
        except ValueError:
            return f"{status} not JSON"
        if not (said.get("error") or said.get("payload", {}).get("error")) and "ready" not in said:
            return f"{status} without words"
    return status


def fire(
    port: int, model: str, row: Json, count: int, seed: int, unfinished: float = 0
) -> Counter[str]:
    """Send about so many requests at the same time as CLIENTS callers; count the verdicts."""

    def share(number: int) -> Counter[str]:
        caller = Caller(seed * CLIENTS + number, model, row, unfinished)
        return Counter(verdict(answer_to(port, one)) for one in caller.requests(count // CLIENTS))

    with ThreadPoolExecutor(CLIENTS) as clients:
        return sum(clients.map(share, range(CLIENTS)), Counter())


def memory(process: int) -> dict[int, int]:
    """Return the resident memory in KiB of each worker of gunicorn's master, by process id."""
    words = ["ps", "-o", "pid=,rss=", "--ppid", str(process)]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return {int(pid): int(size) for pid, size in (line.split() for line in lines)}


def main(arguments: list[str] | None = None) -> None:
    """Print what came of the requests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="a project with a trained model")
    parser.add_argument("--requests", type=int, default=200_000, help="default: 200,000")
    parser.add_argument("--seed", type=int, default=13)
    options = parser.parse_args(arguments)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "seedling", "serve-local", "--port", str(port)]
    log = options.project / "hostile.log"
    with log.open("w", encoding="utf-8") as stream:
        service = subprocess.Popen(command, cwd=options.project, stdout=stream, stderr=stream)
    try:
        model, row = _asked(port, service)
        seen: Counter[str] = Counter()
        print(f"KiB of each worker at the start: {sorted(memory(service.pid).values())}")
        for number in range(PARTS):
            began = time.monotonic()
            part, seed = options.requests // PARTS, options.seed + number
            seen += fire(port, model, row, part, seed, UNFINISHED)
            sizes = sorted(memory(service.pid).values())
            seconds = time.monotonic() - began
            print(f"{seen.total():>9,} requests, {seconds:4.0f} s, KiB: {sizes}", flush=True)
        for word, count in sorted(seen.items()):
            print(f"{word:>20}: {count:,}")
        text = log.read_text(encoding="utf-8")
        print(f"Tracebacks in the log: {text.count('Traceback')}; its size: {len(text):,}")
    finally:
        service.terminate()
        service.wait(timeout=60)


def _asked(port: int, service: subprocess.Popen[bytes]) -> tuple[str, Json]:
    """Return a served model's name and a row of its, once the service is ready."""
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = answer_to(port, b"GET /openapi.json HTTP/1.0\r\nHost: localhost\r\n\r\n")
            document = json.loads(answer.partition(b"\r\n\r\n")[2])
            break
        except (OSError, ValueError):
            if service.poll() is not None or time.monotonic() > deadline:
                sys.exit("Error: the service did not start; hostile.log says why.")
            time.sleep(0.2)
    (path, *_) = (path for path in document["paths"] if path.endswith("/predict"))
    name = path.strip("/").partition("/")[0]
    return name, document["components"]["schemas"][f"{name}.Features"]["examples"][0]


if __name__ == "__main__":
    main()
