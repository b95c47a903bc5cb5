"""Fixtures for tests of a project: copies of it, on rows drawn from the schema in model.yaml.

A project's pyproject.toml names this module as a plugin of pytest: `-p seedling.testing`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from seedling.cli.main import main
from seedling.config import Dataset, Project
from seedling.data import datasets
from seedling.data.schema import random_rows

HOME: Path | None = None  # the project under test, where it is not that of the working folder
FILES = (
    *(".dockerignore", "Dockerfile", "constraints.txt", "gunicorn.conf.py"),
    *("model.yaml", "pyproject.toml"),
)
FOLDERS = ("dataset_creation", "mlops", "models", "s2i", "serve")
ROWS = 400
SETTINGS = (
    "AML_RESOURCE_GROUP",
    "AML_WORKSPACE",
    "API_KEY",
    "API_KEY_FILE",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AUTHENTICATION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_WORKSPACE_NAME",
    "AZURE_SUBSCRIPTION_ID",
    "DATA_FOLDER",
    "ENTRA_AUDIENCE",
    "ENTRA_AUTHORITY",
    "ENTRA_TENANT_ID",
    "ENVIRONMENT",
    "FEATURE_STORE_URL",
    "MLFLOW_TRACKING_URI",
    "MODELS_FOLDER",
    "MODEL_NAME",
    "MODElNAME",
    "PREDICTION_LOG",
    "REGISTRY_FOLDER",
    "ROUTES",
    "SERVED_MODELS",
    "SPOOL_FOLDER",
)


def root() -> Path:
    """Return the folder of the project under test."""
    return Project.find(HOME).root


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person's .env or shell says must not reach a test."""
    for name in SETTINGS:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AML_PIPELINE_EXEC_MODE", "DEV")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of this project with nothing registered and no data."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy whose first model has been trained and registered. Leave it as it is."""
    project = copy_project(tmp_path_factory.mktemp("trained") / "project")
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    result = run_verb(project, "train", "--model", first_model(project))
    assert result.returncode == 0, result.stdout + result.stderr
    return Project(project.root)


def copy_project(folder: Path) -> Project:
    """Copy the project under test into a new folder, with nothing registered and no data."""
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root() / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy(root() / name, folder / name)
    project = Project(folder)
    project.edit(lambda document: document.update(models=[]))
    return project


def run_verb(project: Project, *words: str) -> "subprocess.CompletedProcess[str]":
    """`python -m seedling ...` in the project's folder."""
    command = [sys.executable, "-m", "seedling", *words]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=300)


def invoke(project: Project, *words: str) -> Result:
    """A verb in this process: quicker where nothing is trained."""
    here = Path.cwd()
    os.chdir(project.root)
    try:
        return CliRunner().invoke(main, words)
    finally:
        os.chdir(here)


def first_model(project: Project) -> str:
    return project.config.training.models[0].name


def sample_rows(dataset: Dataset, count: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Rows that fit the schema, with a target that hangs loosely on the features."""
    rows = random_rows(dataset.features, count, seed)
    for at, name in enumerate(dataset.entity_key):
        rows.insert(at, name, range(count))
    generator = np.random.default_rng(seed)
    signal = rows[dataset.feature_names].rank(pct=True).sum(axis=1)
    noisy = (signal + generator.normal(0, signal.std(), count)).rank(pct=True, method="first")
    labels: list[Any] = dataset.target.labels
    if labels:
        at = np.minimum((noisy * len(labels)).astype(int), len(labels) - 1)
        rows[dataset.target.name] = [labels[number] for number in at]
    else:
        scale = 100 if dataset.target.type == "integer" else 1
        rows[dataset.target.name] = (noisy * scale).round(4 if scale == 1 else 0)
    return rows
