"""Projects are made once a session; a test that changes one asks for its own."""

import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import warm
from baking import forget_compiled, initialise, project_of, python_of
from pytest_cookies.plugin import Cookies

# Where it is set, as in Python's own images, every command compiles all that it imports again:
# a verb with Azure's SDK takes three times as long.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Threads of a fit that spin while they wait take the cores of the other tests.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# What is started with `&` or nohup takes no notice of Ctrl-C, nor does what it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a file without tests of the tier; loading all takes ten seconds in each worker."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    text, tier = collection_path.read_text(encoding="utf-8"), config.getoption("markexpr")
    if tier == "full":
        return None if "mark.full" in text else True
    return True if tier == "not full" and "\npytestmark = pytest.mark.full\n" in text else None


@pytest.fixture(scope="session")
def bake(cookies_session: Cookies) -> Callable[[dict[str, str]], Path]:
    """`bake(answers)`: the project of these answers, to be read only."""
    baked: dict[tuple, Path] = {}

    def bake(answers: dict[str, str]) -> Path:
        key = tuple(sorted(answers.items()))
        if key not in baked:
            baked[key] = project_of(cookies_session.bake(answers))
        return baked[key]

    return bake


@pytest.fixture(scope="session")
def installed(cookies_session: Cookies) -> Callable[..., Path]:
    """`installed(answers, groups)`: such a project after its own init, for verbs to run in."""
    ready: dict[tuple, Path] = {}
    first: dict[str, Path] = {}  # the Python of the first with these groups

    def installed(answers: dict[str, str], groups: str = "train,serve,dev") -> Path:
        key = (groups, *sorted(answers.items()))
        if key not in ready:
            ready[key] = project_of(cookies_session.bake(answers))
            initialise(ready[key], groups)
            python = python_of(ready[key])
            if first.setdefault(groups, python) != python:
                warm.lenders[python] = first[groups]  # the same versions: loaded once
        return ready[key]

    return installed


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # a worker is not the last
        forget_compiled()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape what a test printed and UTF-8 cannot carry: workers send their reports in it."""
    report = yield
    report.sections = [
        (title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections
    ]
    return report
