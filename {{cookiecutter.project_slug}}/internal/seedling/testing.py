"""Fixtures for tests of a project: copies of it, on rows drawn from the schema in model.yaml.

A project's pyproject.toml names this module as a plugin of pytest: `-p seedling.testing`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click import Command
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from seedling import processes, settings, tasks, team_code
from seedling.by_hand import entered
from seedling.cli.main import main
from seedling.config import Dataset, Project
from seedling.data import dataset_files, datasets, derived, feature_store, instances
from seedling.data.schema import model_frame, random_rows, target_values
from seedling.data.split import TEST, split
from seedling.errors import ProjectError
from seedling.scaffold import all_models
from seedling.serving.app import create_app
from seedling.training import mlflow_runs, pipeline
from seedling.training.fits import of_dataset
from seedling.training.pipeline import TRAINING

HOME: Path | None = None  # the project under test, where it is not that of the working folder
FILES = (
    *(".dockerignore", "Dockerfile", "constraints.txt", "gunicorn.conf.py"),
    *("metrics.py", "model.yaml", "pyproject.toml"),
)
FOLDERS = (
    *("columns", "common_utils", "dataset_creation", "features", "mlops", "models", "s2i"),
    *("monitoring", "serve", "tasks"),
)
ROWS = 400
FEW_ROWS = 60  # for a task that takes long to learn from them
_RUNS: dict[str, bytes] = {}  # a file without runs, by the slug that its experiment is named after

processes.share_cores()


def root() -> Path:
    """Return the folder of the project under test."""
    return Project.find(HOME).root


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear all settings of the person's .env and shell, and run training on this machine."""
    for name in settings.BY_NAME:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AML_PIPELINE_EXEC_MODE", "DEV")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a copy of this project without registered models and data."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy whose first model is trained and registered. Tests must not change it."""
    project = copy_project(tmp_path_factory.mktemp("trained") / "project")
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    result = run_verb(project, "train", "--model", first_model(project))
    assert result.returncode == 0, result.stdout + result.stderr
    project = Project(project.root)
    assert project.config.models  # read now: a test may set MODELS_FOLDER
    return project


@pytest.fixture(scope="session")
def client(trained: Project) -> Iterator[FlaskClient]:
    """Yield a client of the service, which serves the trained model."""
    yield from _client(trained, "")


@pytest.fixture(scope="session")
def fake_client(trained: Project) -> Iterator[FlaskClient]:
    """Yield a client of the service for app developers, which loads no model."""
    yield from _client(trained, "app-dev")


def _client(project: Project, environment: str) -> Iterator[FlaskClient]:
    app = create_app(project, environment=environment)
    yield app.test_client()
    app.extensions["service"].stop()


@contextmanager
def prepared_here(file: str) -> Iterator[Project]:
    """Yield the project of a script, with the dataset of its first model.

    Where it has not been created, that is done in a copy, which goes with the block.

    Args:
        file: the path of the script, `__file__`.
    """
    yield from _here(file, "create-local-datasets")


@contextmanager
def trained_here(file: str) -> Iterator[Project]:
    """Yield the project of a script, with a registered model, as `prepared_here` does."""
    yield from _here(file, "create-local-datasets", "train")


def _here(file: str, *needed: str) -> Iterator[Project]:
    with entered(file) as project:
        config = project.config
        dataset = config.dataset(config.training.models[0].dataset)
        created = dataset_files.note_path(project.dataset_path(dataset)).exists()
        if created and (config.models or "train" not in needed):
            yield project
            return
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            copy = copy_project(Path(folder) / "project")
            print(f"{', '.join(needed)}: run in a copy, since nothing is here yet.")
            for verb in needed:
                done = run_verb(copy, verb)
                assert done.returncode == 0, done.stdout + done.stderr
            yield Project(copy.root)


def models() -> list[str]:
    """List the models of model.yaml."""
    return [model.name for model in Project(root()).config.training.models]


@dataclass(frozen=True)
class Fit:
    """A model that was trained for a test, and the rows that it was not trained on."""

    name: str
    dataset: Dataset
    X_test: pd.DataFrame
    train_metrics: Mapping[str, float]
    test_metrics: Mapping[str, float]
    predict: Callable[[pd.DataFrame], dict[str, Any]]

    def check(self, answer: Mapping[str, Any]) -> None:
        """Check that an answer has the shape that the dataset's task promises."""
        tasks.of(self.dataset).training.check_answer(answer, self.dataset.target)


def fit(model: str) -> Fit:
    """Train a model of the project on drawn rows, in this process and with nothing registered."""
    config = Project(root()).config
    settings = config.trained_model(model)
    dataset = config.dataset(settings.dataset)
    (X_train, y_train), (X_test, y_test) = [
        (model_frame(side, dataset.features), target_values(side, dataset))
        for side in split(sample_rows(dataset), dataset, 0.3, TEST)
    ]
    train_model, predict = team_code.train_model(model), team_code.predict(model)
    given = of_dataset(train_model, dataset) | settings.arguments(dataset.target)
    trained, train_metrics, test_metrics = train_model(X_train, y_train, X_test, y_test, **given)
    return Fit(
        model,
        dataset,
        X_test,
        train_metrics,
        test_metrics,
        lambda rows: predict(trained, rows),
    )


def sent_to(model: str) -> list[dict[str, Any]]:
    """Return the rows of a model's test_instances.json."""
    rows: list[dict[str, Any]] = instances.read(Project(root()), model)["payload"]["instances"]
    return rows


class Store:
    """A SQLite feature store with some tables, to try queries on."""

    def __init__(self, path: Path, tables: dict[str, pd.DataFrame]) -> None:
        feature_store.create_sqlite(path, tables)
        self._engine = feature_store.open_url(
            f"sqlite:///{path.as_posix()}", path.parent, read_only=True
        )

    def query(self, file: Path, parameters: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Return the rows of the query in a file, `:name` in it standing for a parameter."""
        return feature_store.query(self._engine, file.read_text(encoding="utf-8"), parameters)


def pipeline_models() -> list[str]:
    """List the models that the training pipeline has steps for."""
    return list(pipeline.load(root() / TRAINING).models)


def stale_files() -> list[str]:
    """Return the message about a generated file of models/all/ that is stale; empty if none is."""
    try:
        all_models.refuse_stale(root())
    except ProjectError as error:
        return [str(error)]
    return []


def own_files(*patterns: str) -> list[Path]:
    """List the project's files of these patterns, without internal/, .venv and local_assets/."""
    left_out = ("internal", "local_assets", ".venv")
    found = (path for pattern in patterns for path in root().rglob(pattern))
    return sorted(path for path in found if path.relative_to(root()).parts[0] not in left_out)


def verbs() -> dict[str, Command]:
    """Return the commands of the command line by their names."""
    return dict(main.commands)


def copy_project(folder: Path) -> Project:
    """Copy the project under test into a new folder, with nothing registered and no data."""
    for name in (name for name in FOLDERS if (root() / name).is_dir()):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root() / name, folder / name, ignore=ignored)
    for name in FILES:
        if (root() / name).is_file():
            shutil.copy(root() / name, folder / name)
    project = Project(folder)
    project.edit(lambda document: document.update(models=[]))
    return project


def run_verb(project: Project, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m seedling ...` in the project's folder, in a process of its own.

    A project that has not trained yet gets its empty file of runs first.
    """
    if words[0] == "train":
        add_runs(project)
    command = [sys.executable, "-m", "seedling", *words]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=300)


def add_runs(project: Project) -> None:
    """Copy an empty file of runs into the project: MLflow takes seconds to make one."""
    try:
        database, slug = mlflow_runs.database_of(project), project.config.slug
    except ProjectError:
        return  # the verb says what is wrong with model.yaml
    if database is None or database.exists():
        return
    if slug in _RUNS:
        database.parent.mkdir(parents=True, exist_ok=True)
        database.write_bytes(_RUNS[slug])
    else:
        mlflow_runs.prepare(project)
        _RUNS[slug] = database.read_bytes()


def invoke(project: Project, *words: str, answers: str | None = None) -> Result:
    """Run a verb in this process, which is quicker than `run_verb` if nothing is trained.

    Args:
        project: the project whose verb it is.
        words: the verb with its options.
        answers: lines that a person types at its questions.
    """
    here = Path.cwd()
    os.chdir(project.root)
    try:
        return CliRunner().invoke(main, words, input=answers)
    finally:
        os.chdir(here)


def first_model(project: Project) -> str:
    """Return the name of the first model of model.yaml."""
    return project.config.training.models[0].name


def sample_rows(dataset: Dataset, count: int | None = None, seed: int = 0) -> pd.DataFrame:
    """Return rows that fit the schema, with a target that depends loosely on the features."""
    training = tasks.of(dataset).training
    if count is None:
        count = FEW_ROWS if training.slow else ROWS
    rows = random_rows(dataset.raw, count, seed)
    rows = derived.in_project(root(), dataset).table(rows)
    for at, name in enumerate(dataset.entity_key):
        if name not in rows:  # else it is one of the groups
            rows.insert(at, name, range(count))
    if dataset.by_time and dataset.by_time not in rows:
        rows[dataset.by_time] = range(count)
    if dataset.marked:
        rows[dataset.marked] = ""
    generator = np.random.default_rng(seed)
    signal = rows[dataset.feature_names].rank(pct=True).sum(axis=1)
    noisy = (signal + generator.normal(0, signal.std(), count)).rank(pct=True, method="first")
    made_up = training.made_up(noisy, dataset.target)
    rows[dataset.target.name] = list(made_up)
    return rows
