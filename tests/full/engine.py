"""A container engine that really runs: docker or podman, and what the tests ask of it."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from baking import python_of
from serving import ask, free_port

PATIENCE = 30  # seconds
BASE = "python:3.11-slim"
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")  # noqa: S108 - the container's
# Builds fetch packages; the engine of these tests has no network of its own.
NETWORK = ("--network", "host")


class Engine:
    """The engine's program, called with words."""

    def __init__(self, program: str) -> None:
        self.program = program

    def __call__(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [self.program, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)

    def inspected(self, name: str, what: str) -> Any:
        done = self("inspect", "--format", f"{{{{json {what}}}}}", name)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def settings(self) -> dict[str, str]:
        """This process's environment, with the engine named for the project's verbs."""
        named = {"CONTAINER_ENGINE": self.program, "CONTAINER_NETWORK": NETWORK[1]}
        return os.environ | named

    def verb(self, project: Path, *words: str) -> str:
        """What a verb of the project prints that builds or runs with this engine."""
        command = [str(python_of(project)), "-m", "seedling", *words]
        done = subprocess.run(
            command, cwd=project, env=self.settings(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def running(self, image: str, *options: str) -> Iterator[tuple[str, str]]:
        """The name and the address of a container that serves on this machine only."""
        port, name = free_port(), f"seedling-{uuid4().hex[:8]}"
        bind = ("--env", f"BIND=127.0.0.1:{port}")
        started = self("run", "--detach", *NETWORK, "--name", name, *bind, *options, image)
        assert started.returncode == 0, started.stderr
        try:
            yield name, f"http://127.0.0.1:{port}"
        finally:
            self("rm", "--force", "--volumes", name)


def until_ready(address: str, route: str = "/ready") -> None:
    """Wait until the service is ready; or, by /health, which asks for no key, until it is there."""
    began = time.monotonic()
    while time.monotonic() < began + PATIENCE:
        try:
            if ask(f"{address}{route}")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{address} is not ready")


def find_engine() -> Engine:
    """The engine that answers; Debian's docker goes before another client that stands on PATH.

    Where REQUIRE_ENGINE is set, as in our CI, its absence is a failure.
    """
    for name in ("/usr/bin/docker", "docker", "podman"):
        found = shutil.which(name)
        if found and Engine(found)("info").returncode == 0:
            return Engine(found)
    words = "no container engine answers here: start docker or podman"
    if os.environ.get("REQUIRE_ENGINE"):
        pytest.fail(words)
    pytest.skip(words)
