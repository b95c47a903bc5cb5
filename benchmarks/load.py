"""Load from wrk: many connections, keep-alive, no time lost in the client."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import FailedError

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT = 20  # seconds
BODIES = 50  # different ones, in turn: nobody is fast because a question was the same


@dataclass(frozen=True)
class Cell:
    """One kind of load."""

    rows: int
    connections: int

    def __str__(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{rows} x {self.connections}"


CELLS = (Cell(1, 1), Cell(1, 16), Cell(100, 16))


@dataclass(frozen=True)
class Load:
    """What wrk counted: requests answered, latencies in ms, and what went wrong."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int


def need_wrk() -> None:
    """End in words where there is no wrk: without it nothing can be measured."""
    if shutil.which("wrk") is None:
        sys.exit(
            "Error: wrk is not installed, so nothing was measured, neither the service nor any "
            "peer: `apt-get install wrk`, or `brew install wrk`, and run this again."
        )


def put(url: str, bodies: Path, connections: int, seconds: float) -> Load:
    """Load a server for so many seconds with the lines of `bodies`.

    Raises:
        FailedError: nobody listened.
    """
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{max(1, round(seconds))}s", "--timeout", f"{TIMEOUT}s"]
    done = subprocess.run(
        [*command, "--script", str(SCRIPT), url, "--", str(bodies)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise FailedError(f"wrk did not measure it: {done.stdout.strip()[-200:]}")
    found = json.loads(lines[0].removeprefix("RESULT "))
    return Load(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        p50=found["p50"] / 1e3,
        p99=found["p99"] / 1e3,
        errors=found["refused"] + found["broken"] + found["timeouts"],
    )
