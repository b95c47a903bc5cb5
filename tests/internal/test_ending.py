"""How processes end: with the one that started them, and by Ctrl-C with one line."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from ending import Started, started, until

from seedling import testing
from seedling.config import Project
from seedling.data import datasets
from seedling.processes import attended, free_port
from seedling.testing import first_model, sample_rows

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's"),
]
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")

SLEEP = "import time; print('here', flush=True); time.sleep(600)"
STARTS_A_COMMAND = f"""
import sys; from pathlib import Path; from seedling.processes import attended
attended.call_command([sys.executable, "-c", {SLEEP!r}], Path())
"""
POOL = """
import subprocess, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from seedling.processes import attended
def work(number):
    if number:
        return subprocess.call([sys.executable, "-c", {sleep!r}])
    print("here", flush=True)
    sum(range(10**13))  # busy, in one instruction
if __name__ == "__main__":
    with ProcessPoolExecutor(2, get_context("spawn")) as pool, attended.family():
        [pool.submit(work, number) for number in range(2)]
        {then}
"""


def has_printed(run: Started, times: int) -> None:
    assert run.process.stdout
    for _ in range(times):
        assert run.process.stdout.readline() == "here\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_command_ends_with_what_started_it(tmp_path: Path, number: int) -> None:
    with started([sys.executable, "-c", STARTS_A_COMMAND], tmp_path) as run:
        has_printed(run, 1)
        run.process.send_signal(number)
        assert run.is_gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_of_a_pool_and_what_they_started_end_with_a_killed_parent(
    tmp_path: Path, number: int
) -> None:
    script = POOL.format(sleep=SLEEP, then="time.sleep(600)")
    (tmp_path / "pool.py").write_text(script, encoding="utf-8")
    with started([sys.executable, "pool.py"], tmp_path) as run:
        has_printed(run, 2)
        run.process.send_signal(number)
        assert run.is_gone()


def test_workers_of_a_pool_end_with_a_block_that_fails(tmp_path: Path) -> None:
    script = POOL.format(sleep=SLEEP, then="time.sleep(2); int('x')")
    (tmp_path / "pool.py").write_text(script, encoding="utf-8")
    with started([sys.executable, "pool.py"], tmp_path) as run:
        assert run.output().endswith("invalid literal for int() with base 10: 'x'\n")
        assert run.is_gone()


@pytest.fixture
def runnable(project: Project) -> Project:
    """A copy of the project with a .venv, so that make runs its verbs."""
    environment = project.root / ".venv"
    (environment / "bin").mkdir(parents=True)
    python = environment / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    shutil.copytree(testing.root() / "internal" / "make", project.root / "internal" / "make")
    for name in ("Makefile", "internal/pyproject.toml"):
        shutil.copy(testing.root() / name, project.root / name)
    (environment / ".installed").touch()
    return project


def answers(port: int) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return True
        except OSError:
            return False

    return asked


@needs_make
@pytest.mark.parametrize(
    ("above", "kill"),
    [
        ([], lambda run: run.process.terminate()),
        ([], lambda run: run.process.kill()),
        ([], lambda run: run.send_all(signal.SIGHUP)),
        (["sh", "-c", 'true; "$@"; true', "sh"], lambda run: run.process.kill()),
    ],
    ids=["make terminated", "make killed", "terminal closed", "shell above make killed"],
)
def test_what_make_serves_ends_with_make_and_what_is_above_it(
    runnable: Project, above: list[str], kill: Callable[[Started], None]
) -> None:
    port = free_port()
    words = [*above, "make", "serve-local-app-dev", f"PORT={port}"]
    with started(words, runnable.root) as run:
        assert until(answers(port)), run.left()
        assert len(run.left()) > 2
        kill(run)
        assert run.is_gone()


def test_what_is_meant_to_go_on_without_its_shell_does(tmp_path: Path) -> None:
    """`make verb &` in a script: the script's end is not the end of make."""
    text = f"from seedling.processes import attended\nattended.by_make()\n{SLEEP}"
    (tmp_path / "verb.py").write_text(text, encoding="utf-8")
    make = """sh -c '"$PYTHON" verb.py; true'"""
    with started(["sh", "-c", f"{make} & sleep 2"], tmp_path, PYTHON=sys.executable) as run:
        has_printed(run, 1)
        run.process.wait()
        assert not until(lambda: len(run.left()) < 2, 4 * attended.LOOK_SECONDS)
        make_itself = next(each for each in run.left() if each.name() == "sh")
        make_itself.kill()
        assert run.is_gone()


INTERRUPTED = """
import os, signal, sys
from seedling.processes import interrupted
class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
with interrupted.one_line(quiet=False):
    {}
"""


@pytest.mark.parametrize(
    "text",
    [
        "os.kill(os.getpid(), signal.SIGINT)",
        "try: os.kill(os.getpid(), signal.SIGINT)\n    except KeyboardInterrupt: int('x')",
        "Last()\n    signal.pause()",
    ],
    ids=["plain", "made another error of by a library", "in a destructor"],
)
def test_an_interrupt_is_one_line_whatever_it_breaks(tmp_path: Path, text: str) -> None:
    with started([sys.executable, "-c", INTERRUPTED.format(text)], tmp_path) as run:
        assert run.output() == "Stopped.\n"
        assert run.process.returncode == 130


def test_ctrl_c_in_train_ends_its_workers_and_is_one_line(project: Project) -> None:
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    words = [sys.executable, "-m", "seedling", "train", "--model", first_model(project)]
    with started(words, project.root) as run:
        assert until(lambda: [*project.assets.glob("runs/*/*/log.txt")])
        run.send_all(signal.SIGINT)
        assert run.output().split() == ["Stopped."]
        assert run.process.returncode == 130
        assert run.is_gone()


@pytest.mark.parametrize("verb", ["create-local-datasets", "serve-local-app-dev"])
def test_ctrl_c_is_one_line_while_a_verb_still_loads(project: Project, verb: str) -> None:
    with started([sys.executable, "-m", "seedling", verb], project.root) as run:
        assert until(lambda: loads(run, "pydantic"))
        run.send_all(signal.SIGINT)
        assert run.output() == "Stopped.\n"
        # Python ends itself by the signal where it had interrupted code that C has called.
        assert run.process.returncode in (130, -signal.SIGINT)


def test_ctrl_c_stops_a_service_with_one_line_behind_its_log(project: Project) -> None:
    port = free_port()
    words = [sys.executable, "-m", "seedling", "serve-local-app-dev", "--port", str(port)]
    with started(words, project.root) as run:
        assert until(answers(port))
        run.send_all(signal.SIGINT)
        assert [line for line in run.output().splitlines() if line[0] != "{"] == ["Stopped."]
        assert run.process.returncode == 130
        assert run.is_gone()


@pytest.mark.parametrize("words", [["demo"], ["batch-score", "rows.csv", "scored.csv"], ["tune"]])
def test_ctrl_c_is_one_line_in_the_midst_of_a_verb(
    trained: Project, tmp_path: Path, words: list[str]
) -> None:
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    if words[0] == "batch-score":
        write_rows(project, project.root / "rows.csv", size=10**8)
    begun = {"demo": "[1/4]", "batch-score": "Scoring", "tune": " folds of "}[words[0]]
    options = ["--model", first_model(project), "--yes"] if words[0] == "tune" else []
    with started([sys.executable, "-u", "-m", "seedling", *words, *options], project.root) as run:
        assert run.process.stdout
        while begun not in (line := run.process.stdout.readline()):
            assert line, "it ended"
        run.send_all(signal.SIGINT)
        lines = [line for line in run.output().splitlines() if line]
        assert [line.partition(" after")[0].strip(".") for line in lines[-1:]] == ["Stopped"]
        assert not any("Traceback" in line for line in lines)
        assert run.process.returncode in (130, -signal.SIGINT)
        assert run.is_gone()
    assert not (project.root / "scored.csv").exists()


def write_rows(project: Project, path: Path, size: int) -> None:
    """Write a CSV file of about `size` bytes: the sample's rows again and again."""
    header, rows = sample_rows(project.config.datasets[0]).to_csv(index=False).split("\n", 1)
    path.write_text(f"{header}\n" + rows * (size // len(rows)), encoding="utf-8")


def test_what_a_killed_demo_has_started_ends(project: Project) -> None:
    with started([sys.executable, "-u", "-m", "seedling", "demo"], project.root) as run:
        assert until(lambda: len(run.left()) > 1)
        run.process.send_signal(signal.SIGKILL)
        assert run.is_gone()


def loads(run: Started, library: str) -> bool:
    """Whether a process has a library's compiled code in its memory."""
    if not os.path.exists(f"/proc/{run.process.pid}/maps"):
        return True
    return library in Path(f"/proc/{run.process.pid}/maps").read_text(encoding="utf-8")
