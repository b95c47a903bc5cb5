"""A stand-in for the REST interface of Azure Repos: pull requests, and the threads on them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PROJECT, REPOSITORY = "my-project", "my-repository"
TOKEN = "a-token-of-this-build"  # noqa: S105
HOME = f"/{PROJECT}/_apis/git/repositories/{REPOSITORY}"


class AzureRepos:
    """What one repository holds beside its commits.

    Attributes:
        address: what `System.CollectionUri` is.
        threads: by pull request, in the order in which they were made.
        pull_requests: in that order too.
        may_contribute: whether the build's identity has the right to.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.threads: dict[str, list[dict[str, Any]]] = {}
        self.pull_requests: list[dict[str, Any]] = []
        self.may_contribute = True

    def comments(self, pull_request: str) -> list[str]:
        """The texts of the comments of a pull request."""
        return [
            comment["content"]
            for thread in self.threads.get(pull_request, [])
            for comment in thread["comments"]
        ]

    def variables(self) -> dict[str, str]:
        """What a step finds in its environment, but for the number of the pull request."""
        return {
            "SYSTEM_COLLECTIONURI": self.address,
            "SYSTEM_TEAMPROJECTID": PROJECT,
            "BUILD_REPOSITORY_ID": REPOSITORY,
        }

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """Do what one request asks; None where there is no such place."""
        if re.fullmatch(r"/pullrequests", path, re.IGNORECASE):
            return self._of_pull_requests(method, query, body)
        found = re.fullmatch(r"/pullRequests/(\d+)(.*)", path, re.IGNORECASE)
        if not found:
            return None
        number, rest = found.groups()
        if not rest and method == "PATCH":
            one = next(each for each in self.pull_requests if str(each["pullRequestId"]) == number)
            one.update(body)
            return one
        threads = self.threads.setdefault(number, [])
        if rest == "/threads" and method == "GET":
            return {"value": threads, "count": len(threads)}
        if rest == "/threads" and method == "POST":
            comments = [{"id": 1, **each} for each in body["comments"]]
            threads.append({"id": len(threads) + 1, **body, "comments": comments})
            return threads[-1]
        one_comment = re.fullmatch(r"/threads/(\d+)/comments/(\d+)", rest)
        if one_comment and method == "PATCH":
            thread, comment = map(int, one_comment.groups())
            threads[thread - 1]["comments"][comment - 1].update(body)
            return threads[thread - 1]["comments"][comment - 1]
        return None

    def _of_pull_requests(self, method: str, query: dict[str, str], body: Any) -> Any:
        if method == "GET":
            wanted = {
                name.removeprefix("searchCriteria."): value
                for name, value in query.items()
                if name.startswith("searchCriteria.")
            }
            found = [each for each in self.pull_requests if wanted.items() <= each.items()]
            return {"value": found, "count": len(found)}
        number = {"pullRequestId": len(self.pull_requests) + 1, "status": "active"}
        self.pull_requests.append({**number, **body})
        return self.pull_requests[-1]


@contextmanager
def azure_repos() -> Iterator[AzureRepos]:
    """Serve one on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            address = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self._send(203, b"<html>Sign in</html>")
            elif not repos.may_contribute and self.command != "GET":
                self._send(403, b'{"message": "TF401027: you need GenericContribute."}')
            elif "api-version" not in query or not address.path.startswith(HOME):
                self._send(400, b'{"message": "No api-version, or no such repository."}')
            else:
                path = address.path.removeprefix(HOME)
                found = repos.answer(self.command, path, query, body)
                missing = b'{"message": "There is no such place."}'
                self._send(404, missing) if found is None else self._send(
                    200, json.dumps(found).encode()
                )

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    repos = AzureRepos(f"http://127.0.0.1:{server.server_port}/")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield repos
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
