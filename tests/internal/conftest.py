"""The plumbing is tested where it stands, on a project that is generated once for each process.

VERTICAL names another than finance, on which only those tests are run that take a project and have
the marker `every_vertical`: the others would do the same again.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import warm
from baking import generate

from seedling import testing
from seedling.config import Project
from seedling.files import write_text
from seedling.registry.open import open_registry
from seedling.testing import own_environment, project, trained  # noqa: F401 - fixtures

FOLDER = Path(tempfile.mkdtemp(prefix="seedling-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

VERTICAL = os.environ.get("VERTICAL", "")
# What is changed in a project that takes long to learn: its file, before and after.
QUICKER = {
    "forms": (
        ("dataset_creation/sample_data.py", "ORDINARY = 900", "ORDINARY = 40"),
        ("dataset_creation/sample_data.py", ": 160", ": 6"),
        ("dataset_creation/sample_data.py", ": 80", ": 6"),
        ("model.yaml", "epochs: 5", "epochs: 1"),
    ),
}
# What holds on the other verticals, and would import spaCy or train once more there.
ELSEWHERE = {
    "forms": (
        "test_a_column_that_folders_say_is_read_as_one_that_a_file_has",
        "test_a_second_run_is_not_better_and_not_registered",
        "test_files_are_read_as_the_dataset_is",
        "test_threads_and_processes_write_the_same_bytes",
    ),
}
testing.HOME = generate(FOLDER, {"vertical": VERTICAL or "finance"})
for name, before, after in QUICKER.get(VERTICAL, ()):
    whole = (testing.HOME / name).read_text(encoding="utf-8")
    assert before in whole, f"{name}: {before}"
    write_text(testing.HOME / name, whole.replace(before, after))
sys.path.insert(0, str(testing.HOME))  # for its models, serve and dataset_creation


def run_verb(of: Project, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a verb as seedling.testing does, by a Python that has loaded its libraries already."""
    if words[0] == "train":
        testing.add_runs(of)
    command = ["-m", "seedling", *words]
    return warm.call(Path(sys.executable), command, of.root, os.environ, timeout=300)


testing.run_verb = run_verb


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if VERTICAL:
        taking = [
            item
            for item in items
            if {"project", "trained"} & {*item.fixturenames}
            and item.get_closest_marker("every_vertical")
            and item.originalname not in ELSEWHERE.get(VERTICAL, ())
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in taking])
        items[:] = taking


@pytest.fixture(scope="module", autouse=True)
def own_runs() -> None:
    """Forget the file of runs that MLflow has named in the environment for another module."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session")
def registered_twice(
    trained: Project,  # noqa: F811 - a fixture
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """Return the trained project with a second registered version, which does not answer."""
    folder = tmp_path_factory.mktemp("twice")
    ignored = shutil.ignore_patterns("spool")  # other tests' predictions
    copy = Project(Path(shutil.copytree(trained.root, folder / "project", ignore=ignored)))
    (champion,) = copy.config.models
    second = folder / "second"
    shutil.copytree(copy.model_path(champion), second)
    write_text(second / "note.txt", "a file more, so that its hash is another")
    registry = open_registry(copy)
    registry.register(champion.name, second, {})
    registry.set_champion(champion.name, "1")
    return copy


@pytest.fixture
def two_versions(registered_twice: Project, tmp_path: Path) -> Project:
    """Return a copy of that project, which a test may change."""
    return Project(Path(shutil.copytree(registered_twice.root, tmp_path / "project")))
