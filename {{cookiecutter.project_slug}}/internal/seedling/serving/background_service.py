"""Start, find and stop the project's service as a process in the background.

Its processes have a token of their own in the environment. Only they are it: a service that does
not answer, because it is frozen or asks for keys, is there all the same.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import read_json
from seedling.processes import attended, marked, refuse_taken
from seedling.serving.client import Client
from seedling.serving.team_serve import LOADING
from seedling.settings import SERVICE_TOKEN

if TYPE_CHECKING:
    import psutil

HOST = "127.0.0.1"
READY_SECONDS = 60  # until the service must be ready, or have ended
POLL_SECONDS = 0.1  # between two requests while it starts
STOP_SECONDS = 40.0  # until what is left is killed: gunicorn gives requests 30


class Noted(NamedTuple):
    """The note about the service in the background.

    Attributes:
        port: of this machine.
        token: in the environment of its processes.
    """

    port: int
    token: str

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def processes(self) -> "list[psutil.Process]":
        """Return the processes of the service; none if it does not run."""
        return marked.find(SERVICE_TOKEN.name, self.token)


@contextmanager
def serving(project: Project, port: int) -> Iterator[Client]:
    """Start the service, yield its client once it is ready, and stop it at the end.

    It ends with this process, however that ends.
    """
    noted = Noted(port, secrets.token_urlsafe(32))
    with _log(project).open("w", encoding="utf-8") as log:
        server = attended.start(_verb(port), project.root, _environ(noted), log.fileno())
    try:
        yield _ready(server, project, noted)
    finally:
        attended.finish(server)


def start(project: Project, port: int) -> str:
    """Start the service, leave it running, and return its address once it is ready.

    Raises:
        ProjectError: it runs already, the port is taken, or it is not ready in time.
    """
    running = _running(project)
    if running:
        raise ProjectError(f"The service runs already at {running.address}: run stop first.")
    refuse_taken(HOST, port)
    noted = Noted(port, secrets.token_urlsafe(32))
    _write(project, noted)
    with _log(project).open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "seedling", *_verb(port)],
            cwd=project.root,
            env=_environ(noted),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C interrupts the verb, which then stops it
        )
    try:
        return _ready(server, project, noted).address
    except BaseException:
        stop(project)
        raise


def stop(project: Project) -> str:
    """Stop the service that `start` started; return its address, or "" if it does not run.

    Raises:
        ProjectError: a process of it cannot be ended.
    """
    noted = _noted(project)
    if noted is None:
        return ""
    found = noted.processes()
    left = marked.end(noted.processes, STOP_SECONDS) if found else []
    if left:
        numbers = ", ".join(str(each.pid) for each in left)
        raise ProjectError(
            f"The service at {noted.address} does not end (processes {numbers}); "
            f"its log is {_log(project)}."
        )
    _note(project).unlink(missing_ok=True)
    return noted.address if found else ""


def client(project: Project) -> Client:
    """Return the client of the service that `start` started.

    Raises:
        ProjectError: it does not run, or is frozen.
    """
    noted = _running(project)
    if not noted:
        raise ProjectError("No service runs in the background: run predict-all, or name a --url.")
    if marked.frozen(noted.processes()):
        raise ProjectError(
            f"The service at {noted.address} is stopped by a signal: run stop, then predict-all."
        )
    return Client(noted.address, noted.token)


def state(project: Project) -> str:
    """Say where the service of `start` runs; empty where none does."""
    noted = _running(project)
    if not noted:
        return ""
    if marked.frozen(noted.processes()):
        return f"stopped by a signal at {noted.address}: run stop, then predict-all"
    return f"runs at {noted.address}"


def until_ready(client: Client, runs: Callable[[], bool], where: str) -> None:
    """Wait until the service is ready, and print the warnings of its /ready to stderr.

    Args:
        client: of the service.
        runs: returns whether its process still runs.
        where: where its log is, as a clause of the error message.

    Raises:
        ProjectError: its process has ended, it has a problem that waiting does not mend, or it is
            not ready in time; with its last answer.
    """
    deadline, answer = time.monotonic() + READY_SECONDS, ""
    while time.monotonic() < deadline and runs():
        is_ready, said, words = client.ready()
        if is_ready:
            for name, warning in said.get("warnings", {}).items():
                print(f"Warning: {name}: {warning}", file=sys.stderr)
            return
        answer = f" It said: {words}" if words else answer
        problems = said.get("problems")
        if isinstance(problems, Mapping) and problems and LOADING not in problems.values():
            break
        time.sleep(POLL_SECONDS)
    raise ProjectError(f"The service is not ready; {where}.{answer}")


def _ready(server: "subprocess.Popen[bytes]", project: Project, noted: Noted) -> Client:
    client = Client(noted.address, noted.token)
    until_ready(client, lambda: server.poll() is None, f"its log is {_log(project)}")
    return client


def _verb(port: int) -> list[str]:
    return ["serve-local", "--port", str(port)]


def _environ(noted: Noted) -> dict[str, str]:
    # With setproctitle installed, gunicorn would write its title over what marks the processes.
    return {**os.environ, SERVICE_TOKEN.name: noted.token, "SPT_NOENV": "1"}


def _running(project: Project) -> Noted | None:
    """Return what the note says, if a process of that service still runs."""
    noted = _noted(project)
    return noted if noted and noted.processes() else None


def _noted(project: Project) -> Noted | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        written: Any = read_json(_note(project))
        return Noted(int(written["port"]), str(written["token"]))
    return None


def _write(project: Project, noted: Noted) -> None:
    """Write the note, whose token only this user may read."""
    path = _note(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    path.write_text(json.dumps(noted._asdict()) + "\n", encoding="utf-8")


def _note(project: Project) -> Path:
    return project.assets / "service.json"


def _log(project: Project) -> Path:
    project.assets.mkdir(parents=True, exist_ok=True)
    return project.assets / "serve.log"
