"""What the long tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from azure_project import deployment_python
from baking import python_with, verb
from ci.cloud import begin, cloud, settle
from ci.world import ANSWERS, GROUPS, World
from mlflow_server import MLFLOW, mlflow_server
from postgresql import PostgreSQL, postgresql_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Files that take longest, though some have few tests: what is begun last is waited for.
FIRST = (
    "ci_story seeds_page ci_github ci_azure_devops delivery_pages robustness own_tables "
    "azureml_training mlflow_models images verticals mlflow fresh_install azureml_registry "
    "projects slugs prediction_log azureml_online offline azureml_life"
).split()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("markexpr") == "full":
        items.sort(key=place)


def place(item: pytest.Item) -> int:
    name = item.path.stem.removeprefix("test_")
    return FIRST.index(name) if name in FIRST else len(FIRST)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A browser, in which each test opens pages of its own."""
    from chromium import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server that is stopped at the end, whatever happens."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def mlflow_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the whole of MLflow."""
    return python_with(tmp_path_factory.mktemp("mlflow") / "venv", MLFLOW)


@pytest.fixture(scope="session")
def mlflow(mlflow_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an MLflow server, in which each project has experiments of its own."""
    with mlflow_server(mlflow_python, tmp_path_factory.mktemp("tracking")) as url:
        yield url


@pytest.fixture(scope="session")
def ci_prepared(installed: Callable[..., Path]) -> Path:
    """The project of CI's tests, with both systems' files and what every verb of theirs needs."""
    project = installed(ANSWERS, GROUPS)
    if not (project / ".pipelines").exists():
        verb(project, "add-part", "azure_devops")
    return project


@pytest.fixture(scope="session")
def ci_serving(ci_prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the environment that an online deployment's image has."""
    return deployment_python(ci_prepared, tmp_path_factory.mktemp("ci-serving"))


@pytest.fixture(scope="module")
def ci_world(
    ci_prepared: Path, ci_serving: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A repository with branches, and an Azure that has data and a worthless champion."""
    folder = tmp_path_factory.mktemp("ci")
    prepared = ci_prepared / ".venv"
    with cloud(prepared, folder / "cloud", ci_serving) as azure:
        world = World(folder / "world", ci_prepared, prepared, azure)
        settle(world)
        begin(world)
        yield world
        world.close()
        assert azure.unknown == []
