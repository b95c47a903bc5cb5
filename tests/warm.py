"""Python processes that begin with their libraries loaded, as forks of one that has loaded them.

A verb with Azure's SDK and a step of a job import for seconds and work for less. What they are
asked, print and end with is their own; only what others have written is loaded before.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Lock, Timer
from typing import IO

from baking import environment, python_of

SERVER = Path(__file__).with_name("warm_server.py")
CLIENT = Path(__file__).with_name("warm_client.py")
PATIENCE = 10  # seconds
# Of a process that starts others in the environment of this one, where a run of tests has begun
# another run of tests.
LENT = "SEEDLING_TESTS_WARM"
MOST = 3  # environments whose libraries are kept loaded: each takes 300 MB


class Starter(ABC):
    """A process of an environment that starts others.

    Attributes:
        address: of its socket, by which stand-ins for Python ask it.
    """

    address: Path

    def start(
        self,
        words: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        streams: Sequence[int],
        python: Path,
    ) -> "Process":
        """Start a process.

        Args:
            words: what Python would be called with.
            folder: the working folder.
            variables: its whole environment.
            streams: numbers of open files: its stdin, stdout and stderr.
            python: of this environment, or of one that borrows its packages.
        """
        here, known = str(folder), dict(variables)
        wanted = {"words": words, "folder": here, "environment": known, "python": str(python)}
        return Process(os.fdopen(self._ask(json.dumps(wanted).encode(), streams), encoding="utf-8"))

    @abstractmethod
    def _ask(self, wanted: bytes, streams: Sequence[int]) -> int:
        """Ask for a process; return the number of the file that tells its id and exit code."""

    @abstractmethod
    def stop(self) -> None:
        """Let it end after the last one that it has started."""

    @abstractmethod
    def wait(self) -> None:
        """Wait until it has ended; it is killed if what it has started goes on."""


class Warm(Starter):
    """One that is begun here."""

    def __init__(self, python: Path) -> None:
        self._folder = TemporaryDirectory(prefix="warm-")  # a socket's path must be short
        self.address = Path(self._folder.name, "socket")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        private = ("AZURE", "PYTHON", "MLFLOW_")
        known = {name: one for name, one in environment().items() if not name.startswith(private)}
        with theirs:
            self._server = subprocess.Popen(
                [python.with_name("python3"), SERVER, self.address],  # see `lend`
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                env=known | {"PYTHONUTF8": "1"},
                start_new_session=True,
            )
        self._socket, self._lock = ours, Lock()

    def _ask(self, wanted: bytes, streams: Sequence[int]) -> int:
        told, tell = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._socket, [wanted], [*streams, tell])
        finally:
            os.close(tell)
        return told

    def stop(self) -> None:
        self._socket.close()

    def wait(self) -> None:
        try:
            self._server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._server.kill()
        self._folder.cleanup()


class Borrowed(Starter):
    """One of the run of tests that has begun this one, which ends it too."""

    def __init__(self, address: Path) -> None:
        self.address = address

    def _ask(self, wanted: bytes, streams: Sequence[int]) -> int:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
            link.connect(str(self.address))
            socket.send_fds(link, [wanted], [*streams])
            return link.detach()

    def stop(self) -> None: ...

    def wait(self) -> None: ...


class Process:
    """A process that was started."""

    def __init__(self, told: IO[str]) -> None:
        self._told = told
        self.pid = int(told.readline())

    def wait(self) -> int:
        """Return the exit code, once it has ended; a signal's number is negative."""
        with self._told:
            return int(self._told.readline())

    def kill(self) -> None:
        """End it, and all that it has started in its session."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


_servers: dict[Path, Starter] = {}
# The Python of an environment that borrows the packages of another one, and that one's.
lenders: dict[Path, Path] = {}
_lock = Lock()


def of(python: Path) -> Starter:
    """Return what starts processes of an environment, the newest of those that are kept."""
    while python in lenders:
        python = lenders[python]
    with _lock:
        server = _servers.pop(python, None) or _begun(python)
        _servers[python] = server
        while len(_servers) > MOST:
            _servers.pop(next(iter(_servers))).stop()
        return server


def _begun(python: Path) -> Starter:
    lent = os.environ.get(LENT)
    return Borrowed(Path(lent)) if lent and python == Path(sys.executable) else Warm(python)


def lend(python: Path, scripts: bool = False) -> None:
    """Let the verbs and steps that anything starts with a Python begin with libraries loaded.

    `python3` beside it is Python itself. Nothing changes where that was done before.

    Args:
        python: of an environment.
        scripts: whether files that are run by their path, and unit tests, begin so too.
    """
    if not python.is_symlink():
        return
    interpreter, itself = python.resolve(), python.with_name("python3")
    link = python.with_name("interpreter")
    link.symlink_to(interpreter)
    link.replace(itself)  # a link to the other one
    names = {
        "ADDRESS": of(python).address,
        "PYTHON": itself,
        "ITSELF": python,
    }
    lines = [f"#!{interpreter} -IS", *(f"{name} = {str(one)!r}" for name, one in names.items())]
    lines.append(f"SCRIPTS = {scripts}")
    python.unlink()
    python.write_text("\n".join([*lines, CLIENT.read_text(encoding="utf-8")]), encoding="utf-8")
    python.chmod(0o755)


@atexit.register
def stop() -> None:
    """Wait until those have ended that start processes."""
    for server in _servers.values():
        server.stop()
    for server in _servers.values():
        server.wait()
    _servers.clear()


def call(
    python: Path,
    words: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    given: str | None = None,
    timeout: float = 600,
) -> "subprocess.CompletedProcess[str]":
    """Run a process to its end, as subprocess.run(capture_output=True, text=True) does.

    Args:
        python: of the environment.
        words, folder, variables: as `Warm.start` has them.
        given: the text that it can read.
        timeout: the seconds after which it is killed.
    """
    with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
        stdin.write((given or "").encode())
        stdin.seek(0)
        streams = [stream.fileno() for stream in (stdin, stdout, stderr)]
        process = of(python).start(words, folder, variables, streams, python)
        limit = Timer(timeout, process.kill)
        limit.start()
        try:
            code = process.wait()
        except BaseException:  # Ctrl-C ends what was begun, as subprocess.run does
            process.kill()
            raise
        finally:
            limit.cancel()
        said = []
        for stream in (stdout, stderr):
            stream.seek(0)
            said.append(stream.read().decode(errors="replace").replace("\r\n", "\n"))
    return subprocess.CompletedProcess([str(python), *words], code, *said)


def verb(project: Path, *words: str, python: Path | None = None) -> str:
    """Return what a verb of a project prints; a failure of the test if it fails.

    A project that has not trained yet gets its empty file of runs first.

    Args:
        project: the folder of the project.
        words: the verb and its options.
        python: what runs it; that of the project's environment unless given.
    """
    python = python or python_of(project)
    if words[0] in ("train", "train-all"):
        add_runs(project, python)
    done = said(project, *words, python=python)
    assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def said(
    project: Path, *words: str, python: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Return how a verb of a project has ended, with what it printed, its errors at the end."""
    command = ["-m", "seedling", *words]
    done = call(python or python_of(project), command, project, environment())
    done.stdout += done.stderr
    return done


_runs: list[bytes] = []  # MLflow's file without any


def add_runs(project: Path, python: Path, database: Path | None = None) -> None:
    """Copy an empty file of runs to where there is none: MLflow takes seconds to make one.

    Args:
        project: whose code can make it.
        python: of an environment with MLflow.
        database: the file; that of the project unless given.
    """
    database = database or project / "local_assets" / "mlflow.db"
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    if not _runs:
        made = [f"sqlite:///{database}", (project / "local_assets").as_uri(), "Default"]
        words = ["-m", "seedling.training.mlflow_runs", *made]
        done = call(python, words, project, environment())
        assert done.returncode == 0, done.stderr
        _runs.append(database.read_bytes())
    database.write_bytes(_runs[0])
