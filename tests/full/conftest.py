"""What the long tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from baking import run
from mlflow_server import MLFLOW, mlflow_server
from postgresql import PostgreSQL, postgresql_server

# Files that take longest, though some have few tests: what is begun last is waited for.
FIRST = "verticals seeds_page projects fresh_install offline azureml_life azureml_training".split()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("markexpr") == "full":
        items.sort(key=place)


def place(item: pytest.Item) -> int:
    name = item.path.stem.removeprefix("test_")
    return FIRST.index(name) if name in FIRST else len(FIRST)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server that is stopped at the end, whatever happens."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def mlflow_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the whole of MLflow."""
    folder = tmp_path_factory.mktemp("mlflow")
    run(["uv", "venv", "--quiet", folder / "venv"], folder)
    python = folder / "venv" / "bin" / "python"
    run(["uv", "pip", "install", "--quiet", "--python", python, MLFLOW], folder)
    return python


@pytest.fixture(scope="module")
def mlflow(mlflow_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an MLflow server."""
    with mlflow_server(mlflow_python, tmp_path_factory.mktemp("tracking")) as url:
        yield url
