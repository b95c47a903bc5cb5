"""A full MLflow server, for the tests whose project has only its client."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from baking import environment
from serving import free_port

JOBS = "MLFLOW_SERVER_ENABLE_JOB_EXECUTION"
MLFLOW = "mlflow==3.15.0"  # the newest that azureml-mlflow takes


@contextmanager
def mlflow_server(python: Path, folder: Path) -> Iterator[str]:
    """The URL of a server that runs while the block does.

    Args:
        python: of an environment that has MLflow.
        folder: for its database and its log.
    """
    port = free_port()
    command = [python, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    # No test asks for its jobs, whose nine processes take 16 s of CPU to start.
    variables = environment() | {"DO_NOT_TRACK": "true", JOBS: "false"}
    with (folder / "mlflow.log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=variables, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", server, folder / "mlflow.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=120)  # it ends its workers first, and the machine may be busy


def _wait(url: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 120  # it makes its tables first
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"MLflow did not start:\n{log.read_text()}")
