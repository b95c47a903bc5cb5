"""A project's service as it really runs, and what it answers over HTTP."""

import json
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from baking import environment

PATIENCE = 60  # seconds until a service must answer


class Stoppable(ABC):
    """What a test may stop and start again."""

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @contextmanager
    def away(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()


def _wait(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            ask(f"{address}/health")
            return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"the service did not start:\n{log.read_text()}")


def ask(url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """The status and the JSON of a GET, or of a POST where there is a body."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, headers or {}), timeout=30) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        return error.code, json.load(error)


def predict(address: str, model: str, rows: list[Any]) -> dict[str, Any]:
    """The payload that a model answers for these rows, once it has answered well."""
    status, answer = ask(f"{address}/{model}/predict", {"payload": {"instances": rows}})
    assert status == 200, answer
    return answer["payload"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A service that is running: its address, its processes, what it printed."""

    def __init__(self, process: subprocess.Popen, address: str, log: Path) -> None:
        self.process, self.address, self.log = process, address, log

    def workers(self) -> list[int]:
        """The process ids of gunicorn's workers."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(word) for word in found.stdout.split()]

    def stop(self) -> int:
        """Ask it to end, as a container's host does; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)


@contextmanager
def running(project: Path, **settings: str) -> Iterator[Server]:
    """A service that a test may stop or harm; ended at the latest when the block ends.

    Args:
        project: where it runs.
        settings: variables of its environment.
    """
    port = free_port()
    python = project / ".venv" / "bin" / "python"
    command = [python, "-m", "seedling", "serve-local", "--port", str(port)]
    path = project / "serve.log"
    variables = environment() | settings
    with path.open("w") as log:
        process = subprocess.Popen(command, cwd=project, env=variables, stdout=log, stderr=log)
    server = Server(process, f"http://127.0.0.1:{port}", path)
    try:
        _wait(process, server.address, path)
        yield server
    finally:
        if process.poll() is None:
            server.stop()


@contextmanager
def serving(project: Path) -> Iterator[str]:
    """The address of `serve-local` on a free port, once it answers; stopped at the end."""
    with running(project) as server:
        yield server.address
