"""A stand-in for Cosmos DB on loopback: as much of its REST API as creating documents asks for."""

import json
import random
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote

from serving import Stoppable

DATABASE, CONTAINER = "ward", "predictions"
COLLECTION = f"/dbs/{DATABASE}/colls/{CONTAINER}"
KEY = "c2VlZGxpbmc="  # base64, as Azure's keys are
PARTITION_KEY = {"paths": ["/model"], "kind": "Hash", "version": 2}
CODES = {400: "BadRequest", 404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}


class Cosmos(Stoppable):
    """An account with one container; `trouble` gives the share of creations it fails at random.

    Attributes:
        documents: what is kept, by id and partition key.
        answers: how many creations were answered with which status.
        trouble: a status and the share of creations it is answered with; 200 breaks the
            connection off once the document is kept.
        refused: ids that are refused for good.
    """

    def __init__(self, seed: int = 0) -> None:
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.answers: Counter[int] = Counter()
        self.trouble: dict[int, float] = {}
        self.refused: set[str] = set()
        self._random = random.Random(seed)  # noqa: S311
        self._lock = Lock()
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        self._server = Server(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def create(self, document: dict[str, Any], partition_key: str) -> tuple[int, bool]:
        """The status of the answer, and whether it reaches the client."""
        with self._lock:
            status, lost = self._create(document, partition_key)
            self.answers[status] += 1
        return status, lost

    def _create(self, document: dict[str, Any], partition_key: str) -> tuple[int, bool]:
        if json.loads(partition_key) != [document["model"]] or document["id"] in self.refused:
            return 400, False
        dice = self._random.random()
        for status, share in self.trouble.items():
            dice -= share
            if dice < 0 and status != 200:
                return status, False
            if dice < 0:
                break
        key = document["id"], document["model"]
        if key in self.documents:
            return 409, dice < 0
        self.documents[key] = document
        return 201, dice < 0


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *words: object) -> None:
        """A client that was killed is what the tests are about."""


def _handler(cosmos: Cosmos) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(self.path).rstrip("/")
            if cosmos._server is None:
                self.close_connection = True
            elif path == "":
                self._answer(200, _account(cosmos.endpoint))
            elif path == COLLECTION:
                self._answer(200, {"id": CONTAINER, "_rid": "AQ==", "partitionKey": PARTITION_KEY})
            elif path == f"{COLLECTION}/pkranges":
                whole = {"id": "0", "minInclusive": "", "maxExclusive": "FF", "_rid": "AQ=="}
                self._answer(200, {"_rid": "AQ==", "PartitionKeyRanges": [whole], "_count": 1})
            else:
                self._answer(404)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if cosmos._server is None:  # stopped, but the connection is still open
                self.close_connection = True
            elif unquote(self.path).rstrip("/") != f"{COLLECTION}/docs":
                self._answer(404)
            else:
                key = self.headers["x-ms-documentdb-partitionkey"]
                status, lost = cosmos.create(body, key)
                if lost:
                    self.close_connection = True
                else:
                    self._answer(status)

        def _answer(self, status: int, body: Any = None) -> None:
            if body is None and status >= 400:
                body = {"code": CODES.get(status, "Error"), "message": "as the test wants it"}
            data = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if status == 429:
                self.send_header("x-ms-retry-after-ms", "20")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    return Handler


def _account(endpoint: str) -> dict[str, Any]:
    here = [{"name": "here", "databaseAccountEndpoint": endpoint}]
    return {
        "id": "stand-in",
        "writableLocations": here,
        "readableLocations": here,
        "enableMultipleWriteLocations": False,
        "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
    }
