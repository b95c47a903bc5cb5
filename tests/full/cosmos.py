"""A stand-in for Cosmos DB on loopback: as much of its REST API as the prediction log uses."""

import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote

from serving import Stoppable

DATABASE, CONTAINER = "ward", "predictions"
COLLECTION = f"/dbs/{DATABASE}/colls/{CONTAINER}"
KEY = "c2VlZGxpbmc="  # base64, as Azure's keys are
PARTITION_KEY = {"paths": ["/model"], "kind": "Hash", "version": 2}
QUERY = re.compile(r"SELECT .+ FROM c WHERE (?P<where>.+) ORDER BY c\.time")
CONDITION = re.compile(r"c\.(\w+) (>=|<|=) (@\w+)")
RANGES = (("", "80"), ("80", "FF"))  # of the hashes of the partition key, on two machines
ORDERED = 'SELECT c._rid, [{"item": c.time}] AS orderByItems, c AS payload'
FILTER = " AND ({documentdb-formattableorderbyquery-filter}) ORDER BY"
CROSS_PARTITION = "1004"  # the sub-status of a query that the client has to distribute itself
CODES = {400: "BadRequest", 404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}


class Cosmos(Stoppable):
    """An account with one container; `trouble` gives the share of creations it fails at random.

    Attributes:
        documents: what is kept, by id and partition key.
        answers: how many creations were answered with which status.
        pages: how many pages of query results were sent.
        trouble: a status and the share of creations it is answered with; 200 breaks the
            connection off once the document is kept.
        refused: ids that are refused for good.
    """

    def __init__(self, seed: int = 0) -> None:
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.answers: Counter[int] = Counter()
        self.pages = 0
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

    def query(
        self, body: dict[str, Any], headers: Mapping[str, str | None]
    ) -> tuple[int, Any, dict[str, str]]:
        """Answer a query ordered by time: the status, the body and the headers."""
        text = body["query"]
        if headers.get("x-ms-cosmos-is-query-plan-request"):
            return 200, _plan(text), {}
        partition = headers.get("x-ms-documentdb-partitionkey")
        number = headers.get("x-ms-documentdb-partitionkeyrangeid")
        if partition is None and number is None:
            return 400, None, {"x-ms-substatus": CROSS_PARTITION}
        found = QUERY.search(text.replace(" AND (true)", ""))
        assert found, text
        values = {each["name"]: each["value"] for each in body["parameters"]}
        with self._lock:
            documents = list(self.documents.values())
        for name, operator, parameter in CONDITION.findall(found["where"]):
            fits = {">=": str.__ge__, "<": str.__lt__, "=": str.__eq__}[operator]
            value = values[parameter]
            documents = [each for each in documents if fits(each[name], value)]
        if partition is not None:
            documents = [each for each in documents if [each["model"]] == json.loads(partition)]
        else:
            documents = [each for each in documents if _range_of(each["model"]) == int(number)]
        documents.sort(key=lambda document: document["time"])
        start = int(headers.get("x-ms-continuation") or 0)
        most = int(headers.get("x-ms-max-item-count") or 100)
        page = documents[start : start + most]
        if number is not None:
            page = [
                {"_rid": "AQ==", "orderByItems": [{"item": each["time"]}], "payload": each}
                for each in page
            ]
        more = start + most < len(documents)
        self.pages += 1
        answer = {"_rid": "AQ==", "Documents": page, "_count": len(page)}
        return 200, answer, {"x-ms-continuation": str(start + most)} if more else {}


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
            elif path == f"{COLLECTION}/pkranges" and self.headers["If-None-Match"]:
                self._answer(304, headers={"etag": '"1"'})  # a feed of changes, of which none came
            elif path == f"{COLLECTION}/pkranges":
                ranges = [
                    {"id": str(at), "minInclusive": low, "maxExclusive": high, "_rid": "AQ=="}
                    for at, (low, high) in enumerate(RANGES)
                ]
                self._answer(
                    200,
                    {"_rid": "AQ==", "PartitionKeyRanges": ranges, "_count": 2},
                    {"etag": '"1"'},
                )
            else:
                self._answer(404)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if cosmos._server is None:  # stopped, but the connection is still open
                self.close_connection = True
            elif unquote(self.path).rstrip("/") != f"{COLLECTION}/docs":
                self._answer(404)
            elif "query" in body:  # no record has such a field
                self._answer(*cosmos.query(body, self.headers))
            else:
                key = self.headers["x-ms-documentdb-partitionkey"]
                status, lost = cosmos.create(body, key)
                if lost:
                    self.close_connection = True
                else:
                    self._answer(status)

        def _answer(
            self, status: int, body: Any = None, headers: Mapping[str, str] | None = None
        ) -> None:
            if body is None and status >= 400:
                body = {"code": CODES.get(status, "Error"), "message": "as the test wants it"}
            data = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
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


def _range_of(model: str) -> int:
    """Return the number of the partition range that holds the documents of a model."""
    return len(model) % len(RANGES)


def _plan(text: str) -> dict[str, Any]:
    """Return how the client is to distribute a query over the ranges, as the gateway plans it."""
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": {
            "distinctType": "None",
            "top": None,
            "offset": None,
            "limit": None,
            "orderBy": ["Ascending"],
            "orderByExpressions": ["c.time"],
            "aggregates": [],
            "hasSelectValue": False,
            "rewrittenQuery": text.replace("SELECT *", ORDERED).replace(" ORDER BY", FILTER),
        },
        "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
    }
