"""A stand-in for Azure Repos: its git over HTTP, pull requests, and the threads on them.

Whatever is asked needs the token of a build, as a bearer.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PROJECT, REPOSITORY = "my-project", "my-repository"
TOKEN = "a-token-of-this-build"  # noqa: S105
HOME = f"/{PROJECT}/_apis/git/repositories/{REPOSITORY}"
GIT = f"/{PROJECT}/_git/{REPOSITORY}"


class AzureRepos:
    """What one repository holds beside its commits.

    Attributes:
        address: what `System.CollectionUri` is.
        threads: by pull request, in the order in which they were made.
        pull_requests: in that order too.
        may_contribute: whether the build's identity has the right to.
    """

    def __init__(self, server: ThreadingHTTPServer, origin: Path | None) -> None:
        self.address = f"http://127.0.0.1:{server.server_port}/"
        self.origin = origin
        self._server = server
        self.threads: dict[str, list[dict[str, Any]]] = {}
        self.pull_requests: list[dict[str, Any]] = []
        self.may_contribute = True

    @property
    def git_address(self) -> str:
        """What a checkout has as its remote."""
        return f"{self.address.rstrip('/')}{GIT}"

    def close(self) -> None:
        """Answer no longer."""
        self._server.shutdown()
        self._server.server_close()

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
def azure_repos(origin: Path | None = None) -> Iterator[AzureRepos]:
    """Serve one on this machine while the block runs."""
    repos = serve(origin)
    try:
        yield repos
    finally:
        repos.close()


def serve(origin: Path | None = None) -> AzureRepos:
    """Serve one on this machine, until it is closed.

    Args:
        origin: the bare repository that git finds there.
    """

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
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            address = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            is_git = address.path.startswith(GIT)
            if self.headers.get("Authorization", "").lower() != f"bearer {TOKEN}":
                self._send(401 if is_git else 203, b"<html>Sign in</html>")
            elif is_git:
                self._send_git(address.path.removeprefix(GIT), address.query, content)
            elif not repos.may_contribute and self.command != "GET":
                self._send(403, b'{"message": "TF401027: you need GenericContribute."}')
            elif "api-version" not in query or not address.path.startswith(HOME):
                self._send(400, b'{"message": "No api-version, or no such repository."}')
            else:
                path = address.path.removeprefix(HOME)
                body = json.loads(content) if content else None
                found = repos.answer(self.command, path, query, body)
                missing = {"message": "There is no such place."}
                self._send(404 if found is None else 200, json.dumps(found or missing).encode())

        def _send(self, status: int, content: bytes, headers: tuple[str, ...] = ()) -> None:
            self.send_response(status)
            for line in headers:
                self.send_header(*line.split(": ", 1))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _send_git(self, path: str, query: str, content: bytes) -> None:
            """Let git itself answer, as the CGI program that it has for this."""
            variables = {
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROJECT_ROOT": str(repos.origin),
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REMOTE_USER": "build",  # who has signed in may push
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(content)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            command = ["git", "http-backend"]
            environment = os.environ | variables
            done = subprocess.run(command, input=content, env=environment, capture_output=True)
            head, _, rest = done.stdout.partition(b"\r\n\r\n")
            lines = head.decode().splitlines()
            status = next((line[8:11] for line in lines if line.startswith("Status: ")), "200")
            given = (line for line in lines if not line.startswith("Status: "))
            self._send(int(status), rest, tuple(given))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    repos = AzureRepos(server, origin)
    Thread(target=server.serve_forever, daemon=True).start()
    return repos
