"""The page of the five systems: the commands of each table in their order, in one project."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
import warm
from azure_project import deployment_python, steps_python, told
from azureml.emulator import AzureML
from baking import ROOT, few_trees, generate, python_of, share_compiled
from engine import find_engine
from pages import blocks, quoted, rows
from serving import free_port

pytestmark = pytest.mark.full

PAGE = (ROOT / "docs" / "seeds.md").read_text(encoding="utf-8")
SECTIONS = {part.partition(":")[0]: part for part in re.split(r"(?m)^## (?=\d{3}\b)", PAGE)[1:]}
SERVERS = re.compile(r"\bmake .*\b(serve-local|serve-local-app-dev|predict-local)\b")
PORT = "8000"
PATIENCE = 60  # seconds until a server must listen


def made(section: str, folder: Path) -> Path:
    """Generate the project of a section, and run the other commands of its first block.

    A block of YAML in the section is written at the end of the project's `model.yaml`.
    """
    project = generate(folder / "projects", answers(section))
    for block in blocks(section, "yaml"):
        with (project / "model.yaml").open("a", encoding="utf-8") as stream:
            stream.write("\n" + block)
    _, enter, *others = blocks(section, "sh")[0].splitlines()
    assert enter == f"cd {project.name}"
    for command in others:
        said(command, project, {})
    share_compiled(project / ".venv")
    return project


def answers(section: str) -> dict[str, str]:
    """Read what a section answers to the prompts."""
    create = blocks(section, "sh")[0].splitlines()[0]
    assert create.startswith("cookiecutter gh:org/seedling --no-input ")
    return dict(word.split("=", 1) for word in shlex.split(create) if "=" in word)


def around(project: Path, settings: dict[str, str]) -> dict[str, str]:
    """Return the environment of a command: the project's own Python is the first."""
    own = told(settings)
    return own | {"PATH": os.pathsep.join([str(project / ".venv" / "bin"), own["PATH"]])}


def said(command: str, project: Path, settings: dict[str, str]) -> str:
    """Run one command of the page as a shell does; return what it printed."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=project,
        env=around(project, settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@contextmanager
def served(command: str, project: Path, settings: dict[str, str], port: str) -> Iterator[None]:
    """Run a command that serves until it is interrupted, while the block runs."""
    log = project.parent / "served.log"
    with log.open("w", encoding="utf-8") as stream:
        server = subprocess.Popen(
            ["sh", "-c", f"exec env {command} PORT={port}"],
            cwd=project,
            env=around(project, settings),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not listens(port):
            assert server.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGINT)
            server.wait(PATIENCE)


def listens(port: str) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except HTTPError:
        return True
    except (URLError, ConnectionError, TimeoutError):
        return False


class Rows:
    """The rows of a project; a service goes on while the next row begins with the same command.

    Its first command begins as a person begins it. What Python runs after it has its libraries
    loaded, unless it serves.
    """

    def __init__(self, project: Path, services: ExitStack) -> None:
        self._project, self._services = project, services
        self._served, self._port = "", ""
        self._is_lent = False

    def said(self, commands: list[str], settings: dict[str, str]) -> str:
        """Run the commands of a row; return all that they printed."""
        server = commands[0] if SERVERS.search(commands[0]) else ""
        if server != self._served:
            self._services.close()
            if server:
                self._port = str(free_port())
                self._services.enter_context(served(server, self._project, settings, self._port))
            self._served = server
        asked = commands[1:] if server else commands
        here = [command.replace(f":{PORT}", f":{self._port}") for command in asked]
        return "\n".join(self._done(command, settings) for command in here)

    def _done(self, command: str, settings: dict[str, str]) -> str:
        """Run a command, and prepare the project for the next one."""
        printed = said(command, self._project, settings)
        if not self._is_lent:
            warm.lend(python_of(self._project), scripts=True)
            self._is_lent = True
        if "add-model" in command:
            few_trees(self._project)
        return printed


@pytest.fixture(scope="module")
def azure(mlflow: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureML]:
    """A workspace and a registry whose jobs run in the environments of a project of the page."""
    folder = tmp_path_factory.mktemp("azure")
    project = generate(folder / "projects", answers(SECTIONS["000"]))
    for name in ("steps", "serving"):
        (folder / name).mkdir()
    here = Path(sys.executable)  # says what they require: the project needs no environment for that
    steps = steps_python(project, folder / "steps", "train", "aml", python=here)
    serving = deployment_python(project, folder / "serving", here)
    with AzureML(steps, mlflow=mlflow, serving=serving) as emulator:
        yield emulator
        assert emulator.unknown == []


@pytest.mark.parametrize("seed", SECTIONS)
def test_every_row_of_the_table_is_true(seed: str, azure: AzureML, tmp_path: Path):
    project = made(SECTIONS[seed], tmp_path)
    few_trees(project)
    python = python_of(project)
    if "aml" in blocks(SECTIONS[seed], "sh")[0]:  # the same versions as its steps have: loaded once
        warm.lenders[python] = azure.python
    warm.add_runs(project, python)
    follow(SECTIONS[seed], project, azure.settings())


def with_engine() -> dict[str, str]:
    """Return the variables that name a container engine for the verbs of a project."""
    engine = find_engine()
    return {"CONTAINER_ENGINE": engine.program, "CONTAINER_NETWORK": "host"}


def follow(section: str, project: Path, settings: dict[str, str]) -> None:
    """Run the commands of each row of a section's table, and look for what the row shows."""
    found = rows(section)
    assert found
    with ExitStack() as services:
        run = Rows(project, services)
        for contract, typed, seen in found:
            commands = quoted(typed)
            assert commands, contract
            if commands[0].startswith("make build"):
                settings = settings | with_engine()
            printed = run.said(commands, settings)
            for text in quoted(seen):
                assert text in printed, (
                    f"{contract}: {text!r} is not in what was printed:\n{printed}"
                )
