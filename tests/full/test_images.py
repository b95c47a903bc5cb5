"""The service's image, built and run by a real engine: docker or podman."""

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
from serving import ask, free_port, predict

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Boxed", "models": "logistic_regression, xgboost"}
ROW = {"age": 40, "education": "Masters", "occupation": "Sales"}
PATIENCE = 30  # seconds
MOST_MIB = 260  # that an image may have on top of its base
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")  # noqa: S108 - the container's


@pytest.fixture(scope="module")
def engine() -> str:
    """The engine that answers; Debian's docker goes before another client that stands on PATH."""
    for name in ("/usr/bin/docker", "docker", "podman"):
        found = shutil.which(name)
        if found and call(found, "info").returncode == 0:
            return found
    pytest.skip("no container engine answers here: start docker or podman")


@pytest.fixture(scope="module")
def image(engine: str, installed) -> Iterator[str]:
    project = installed(ANSWERS)
    for verb in ("create-local-datasets", "train"):
        verb_of(project, verb)
    name = f"boxed-{uuid4().hex[:8]}"
    verb_of(project, "build", "--tag", name, CONTAINER_ENGINE=engine, CONTAINER_NETWORK="host")
    yield name
    call(engine, "rmi", "--force", name)


def call(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


def verb_of(project: Path, *words: str, **settings: str) -> None:
    command = [str(python_of(project)), "-m", project.name, *words]
    variables = os.environ | settings
    done = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def inspected(engine: str, name: str, what: str) -> Any:
    done = call(engine, "inspect", "--format", f"{{{{json {what}}}}}", name)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def container(engine: str, image: str, *options: str) -> Iterator[tuple[str, str]]:
    """The name and the address of a running service."""
    port, name = free_port(), f"boxed-{uuid4().hex[:8]}"
    bind = f"BIND=127.0.0.1:{port}"
    words = ["--detach", "--network", "host", "--name", name, "--env", bind, *options, image]
    started = call(engine, "run", *words)
    assert started.returncode == 0, started.stderr
    try:
        yield name, f"http://127.0.0.1:{port}"
    finally:
        call(engine, "rm", "--force", name)


def until_ready(address: str) -> float:
    """Seconds until the service is ready."""
    began = time.monotonic()
    while time.monotonic() < began + PATIENCE:
        try:
            if ask(f"{address}/ready")[0] == 200:
                return time.monotonic() - began
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{address} is not ready")


@pytest.mark.parametrize("user", ["1001:0", "123456:0"])
def test_it_serves_as_anybody_with_nothing_to_write_to(engine: str, image: str, user: str):
    with container(engine, image, *HARDENED, "--user", user) as (name, address):
        until_ready(address)
        for model in ("logistic_regression", "xgboost"):
            answer = predict(address, model, [ROW])
            assert (answer["version"], len(answer["predictions"])) == ("1", 1)
        count = "import sqlite3; print(sqlite3.connect('/data/predictions.db').execute("
        count += "'select count(*) from predictions').fetchone()[0])"
        deadline = time.monotonic() + PATIENCE
        while call(engine, "exec", name, "python", "-c", count).stdout.strip() != "2":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        while inspected(engine, name, ".State.Health.Status") != "healthy":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        stopped = call(engine, "stop", name)
        assert stopped.returncode == 0
        assert inspected(engine, name, ".State.ExitCode") == 0


def test_it_does_not_listen_to_others_without_a_key(engine: str, image: str):
    refused = call(engine, "run", "--rm", "--network", "host", image)
    assert refused.returncode == 1
    assert refused.stderr.strip().splitlines()[-1].startswith("Error: On '0.0.0.0' anybody could")


def test_it_holds_no_more_than_it_needs(engine: str, image: str):
    size = inspected(engine, image, ".Size") - inspected(engine, "python:3.11-slim", ".Size")
    assert size < MOST_MIB * 2**20
    absent = "import importlib.util as u, shutil, sys; "
    absent += "found = [n for n in ('pandas', 'sklearn', 'mlflow', 'pip') if u.find_spec(n)]; "
    absent += "found += [n for n in ('gcc', 'cc') if shutil.which(n)]; sys.exit(str(found or ''))"
    seen = call(engine, "run", "--rm", "--network", "host", image, "python", "-c", absent)
    assert "[" not in seen.stderr
    listed = call(engine, "run", "--rm", "--network", "host", image, "ls", "-A", "/app")
    assert ".env" not in listed.stdout
    assert "local_assets" in listed.stdout
    assert inspected(engine, image, ".Config.User") == "1001:0"
