"""Start, call and stop the project's service as a process in the background."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import read_json, write_json
from seedling.processes import refuse_taken
from seedling.serving.team_serve import LOADING
from seedling.settings import API_KEY

HOST = "127.0.0.1"
READY_SECONDS = 60  # until the service must be ready, or have ended
POLL_SECONDS = 0.1  # between two requests while it starts or ends


@contextmanager
def serving(project: Project, port: int) -> Iterator[str]:
    """Start the service, yield its address once it is ready, and stop it at the end."""
    server = _start(project, port)
    try:
        yield _ready(server, project, port)
    finally:
        server.terminate()
        server.wait(timeout=READY_SECONDS)


def start(project: Project, port: int) -> str:
    """Start the service, leave it running, and return its address once it is ready.

    Raises:
        ProjectError: it runs already, the port is taken, or it is not ready in time.
    """
    running = _noted(project)
    if running:
        where = _address(running["port"])
        raise ProjectError(f"The service runs already at {where}: run stop first.")
    refuse_taken(HOST, port)
    server = _start(project, port)
    try:
        address = _ready(server, project, port)
    except ProjectError:
        server.terminate()
        raise
    write_json(_note(project), {"pid": server.pid, "port": port})
    return address


def stop(project: Project) -> str:
    """Stop the service that `start` started; return its address, or "" if it does not run."""
    running = _noted(project)
    _note(project).unlink(missing_ok=True)
    if not running:
        return ""
    address = _address(running["port"])
    os.kill(running["pid"], signal.SIGTERM)
    deadline = time.monotonic() + READY_SECONDS
    while _answers(address):
        if time.monotonic() > deadline:
            raise ProjectError(
                f"The service at {address} does not end; its log is {_log(project)}."
            )
        time.sleep(POLL_SECONDS)
    return address


def address(project: Project) -> str:
    """Return the address of the service that `start` started.

    Raises:
        ProjectError: it does not run.
    """
    running = _noted(project)
    if not running:
        raise ProjectError("No service runs in the background: run predict-all, or name a --url.")
    return _address(running["port"])


def ask(url: str, body: Any) -> Any:
    """Send a POST, with the first key of API_KEY if that is set, and return the decoded answer.

    Raises:
        ProjectError: the service does not answer, or answers with an error.
    """
    data = json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, _headers()), timeout=30) as response:
            return json.load(response)
    except HTTPError as error:
        text = error.read().decode(errors="replace")
        raise ProjectError(f"{url} answers {error.code}: {text}") from None
    except (OSError, ValueError) as error:
        raise ProjectError(f"{url} does not answer: {getattr(error, 'reason', error)}.") from None


def until_ready(address: str, runs: Callable[[], bool], where: str) -> None:
    """Wait until the service is ready, and print the warnings of its /ready to stderr.

    Args:
        address: the URL of the service.
        runs: returns whether its process still runs.
        where: where its log is, as a clause of the error message.

    Raises:
        ProjectError: its process has ended, it has a problem that waiting does not mend, or it is
            not ready in time; with its last answer.
    """
    deadline, answer = time.monotonic() + READY_SECONDS, ""
    while time.monotonic() < deadline and runs():
        try:
            with urlopen(Request(f"{address}/ready", headers=_headers()), timeout=5) as response:
                for name, warning in json.load(response).get("warnings", {}).items():
                    print(f"Warning: {name}: {warning}", file=sys.stderr)
                return
        except HTTPError as error:
            text = error.read().decode()
            answer = f" It said: {text}"
            if _is_final(text):
                break
        except (URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(POLL_SECONDS)
    raise ProjectError(f"The service is not ready; {where}.{answer}")


def _is_final(ready: str) -> bool:
    """Return whether an answer of /ready names problems, and serve.py is not still being loaded."""
    try:
        problems = json.loads(ready).get("problems", {})
    except (ValueError, AttributeError):  # of a proxy, or of another service
        return False
    return bool(problems) and LOADING not in problems.values()


def _headers() -> dict[str, str]:
    key = API_KEY.get().partition(",")[0].strip()
    return {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})


def _start(project: Project, port: int) -> "subprocess.Popen[bytes]":
    verb = [sys.executable, "-m", "seedling", "serve-local", "--port", str(port)]
    path = _log(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            verb,
            cwd=project.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C interrupts the verb, which then stops it
        )


def _ready(server: "subprocess.Popen[bytes]", project: Project, port: int) -> str:
    address = _address(port)
    until_ready(address, lambda: server.poll() is None, f"its log is {_log(project)}")
    return address


def _noted(project: Project) -> dict[str, int] | None:
    """Return process id and port of the service in the background, if it still runs."""
    with suppress(OSError, ValueError):
        noted: dict[str, int] = read_json(_note(project))
        if _answers(_address(noted["port"])) == project.config.name:
            return noted
    return None


def _answers(address: str) -> str:
    """Return the name of the service at this address; empty if none answers."""
    try:
        with urlopen(Request(f"{address}/", headers=_headers()), timeout=5) as response:
            return str(json.load(response)["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _address(port: int) -> str:
    return f"http://{HOST}:{port}"


def _note(project: Project) -> Path:
    return project.assets / "service.json"


def _log(project: Project) -> Path:
    return project.assets / "serve.log"
