"""Processes: the ports they listen on, a quick end, and how one ends with another."""

import atexit
import gc
import os
import socket

from seedling.errors import ProjectError


def end_soon() -> None:
    """Skip Python's garbage collection at the end of this process.

    It would visit every object of every library that was loaded, which takes a second or two
    after MLflow, scikit-learn or Azure's SDK.
    """
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def share_cores() -> None:
    """Let a library's threads sleep while they wait for each other; call it before they are loaded.

    They would spin, and beside other work on the same cores a fit took five times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def quiet_tracker() -> None:
    """Let Python's tracker of semaphores remove those of a killed process without a warning."""
    own = "ignore:resource_tracker:UserWarning"
    given = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = f"{given},{own}" if given else own


def refuse_taken(host: str, port: int) -> None:
    """Check that nothing listens on a port yet.

    Raises:
        ProjectError: this process cannot listen there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ProjectError(
                f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."
            ) from None


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port of the host that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
