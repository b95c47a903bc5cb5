"""Servers: started, asked, watched and always stopped."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from benchmarks.environments import FailedError
from benchmarks.peers import WORKERS, Peer, Row

try:
    import psutil
except ModuleNotFoundError:
    sys.exit("Error: psutil is not installed: run `python3 tools/setup_env.py`.")

APPLICATIONS = Path(__file__).parent / "peers"
PATIENCE = 120  # seconds until the first answer
POLL = 0.02  # seconds
REST = 0.3  # seconds
GRACE = 15  # seconds to stop by itself


@dataclass(frozen=True)
class Memory:
    """MB of a worker, the mean of them; PSS shares out what processes have in common."""

    rss: float
    pss: float | None


class Server:
    """A server and all of its processes."""

    def __init__(
        self, peer: Peer, bin_folder: Path, project: Path, log: Path, **places: str | Path
    ) -> None:
        self.peer = peer
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{peer.path}"
        self.log = log
        self.folder = project if peer.own else log.parent  # where no module of the project is found
        self.command = [
            word.format(bin=bin_folder, port=self.port, **places) for word in peer.command
        ]
        self.variables = os.environ | peer.variables | {"WEB_CONCURRENCY": str(WORKERS)}
        self.variables["MODEL_FOLDER"] = str(places.get("model", ""))
        self.variables["PATH"] = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
        self.variables.pop("PYTHONPATH", None)
        if not peer.own:  # the project's source: a wrapped model needs it to be unpickled
            self.variables["PYTHONPATH"] = f"{APPLICATIONS}{os.pathsep}{project / 'internal'}"

    def start(self, row: Row) -> float:
        """Start it, and ask every 20 ms until it answers this row; the seconds that it took.

        Raises:
            FailedError: it did not answer.
        """
        with self.log.open("w", encoding="utf-8") as stream:
            started = time.perf_counter()
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.variables,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.known = {self.process.pid: psutil.Process(self.process.pid)}
        refused = ""
        while time.perf_counter() - started < PATIENCE and self.process.poll() is None:
            try:
                self.ask([row])
            except HTTPError as error:
                refused = f"{error.code} {error.read().decode(errors='replace')[:200]}; "
            except (URLError, OSError):
                pass
            else:
                return time.perf_counter() - started
            time.sleep(POLL)
        self.stop()
        raise FailedError(f"it did not answer ({refused}its log says: {self._complaint()[:200]})")

    def _complaint(self) -> str:
        """The last error in its log, or whatever it said last."""
        said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        errors = [line for line in said if re.match(r"\w*Error: ", line)]
        return (errors or said or ["nothing"])[-1]

    def ask(self, rows: list[Row]) -> Any:
        """Its scores for these rows."""
        body = self.peer.body(rows).encode()
        request = Request(self.url, body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=PATIENCE) as response:
            return self.peer.read(json.load(response))

    def settle(self) -> bool:
        """Wait until it has nothing left to do, such as a log to write; whether it came to rest."""
        until = time.monotonic() + PATIENCE / 2
        while time.monotonic() < until:
            before = self.cpu_seconds()
            time.sleep(REST)
            if self.cpu_seconds() - before < REST / 10:
                return True
        return False

    def cpu_seconds(self) -> float:
        """What the whole tree has spent, its ended processes included."""
        return sum(self._each_cpu().values())

    def _each_cpu(self) -> dict[int, float]:
        spent = {}
        for process in self._tree():
            try:
                spent[process.pid] = sum(process.cpu_times()[:4])  # children that ended, too
            except psutil.Error:
                continue
        return spent

    def _tree(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self.process.pid)
            found = [root, *root.children(recursive=True)]
        except psutil.Error:
            return []
        self.known |= {process.pid: process for process in found}
        return found

    def memory(self) -> Memory | None:
        """Of the workers: those that have worked most, the process that was started left out."""
        spent = self._each_cpu()
        spent.pop(self.process.pid, None)
        workers = sorted(spent, key=lambda pid: spent[pid])[-WORKERS:]
        try:
            found = [psutil.Process(pid).memory_full_info() for pid in workers]
        except psutil.Error:
            return None
        if not found:
            return None
        mean = 1e6 * len(found)
        pss = sum(getattr(info, "pss", 0) for info in found) / mean  # Linux knows it
        return Memory(sum(info.rss for info in found) / mean, pss or None)

    def stop(self) -> None:
        """End it, and whatever of its processes outlives it."""
        if not hasattr(self, "process"):
            return
        self._tree()
        self.process.terminate()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        left = [process for process in self.known.values() if process.is_running()]
        for process in left:
            try:
                process.terminate()
            except psutil.Error:
                continue
        for process in psutil.wait_procs(left, timeout=5)[1]:
            try:
                process.kill()
            except psutil.Error:
                continue


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
