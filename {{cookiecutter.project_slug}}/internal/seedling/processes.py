"""Ports, servers that take this process's place, and how a process ends."""

import atexit
import gc
import os
import socket
import subprocess
import sys
from pathlib import Path

from seedling.errors import ProjectError


def end_soon() -> None:
    """Have this process end without a last look for garbage.

    It would go through every object of every library that was loaded: a second or two after
    MLflow, scikit-learn or Azure's SDK.
    """
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def hand_over(words: list[str], folder: Path) -> int:
    """Become another program, so that signals reach it; on Windows, wait for its exit code."""
    if sys.platform == "win32":
        return subprocess.call(words, cwd=folder)
    os.chdir(folder)
    os.execv(words[0], words)  # noqa: S606 - a list, and no shell


def refuse_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ProjectError(
                f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."
            ) from None


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
