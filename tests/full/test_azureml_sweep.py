"""Sweeps on Azure ML: the real SDK against the stand-in, which runs the trials."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_project import ask, steps_python
from azureml.emulator import AzureML
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Sweeps", "models": "logistic_regression"}
MODEL, SWEEP = "logistic_regression", "sweep-model-in-aml"
GIVEN = "hyperparameters: {C: 1.0, max_iter: 1000}"
JOBS = "workspaces/workspace/jobs"


@pytest.fixture(scope="module")
def cloud(installed) -> Path:
    """A project with the SDK and a dataset."""
    project = installed(ANSWERS, "train,serve,dev,aml")
    verb(project, "create-local-datasets")
    return project


@pytest.fixture(scope="module")
def steps(cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the steps' environment."""
    return steps_python(cloud, tmp_path_factory.mktemp("steps"), "train", "aml")


@pytest.fixture
def emulator(cloud: Path, steps: Path, mlflow: str) -> Iterator[AzureML]:
    """The workspace, with the project's dataset."""
    with AzureML(steps, mlflow) as emulator:
        registered = ask(cloud, emulator.settings(), "register-datasets-in-aml")
        assert registered.returncode == 0, registered.stderr
        yield emulator
        assert emulator.unknown == []


@pytest.fixture
def searching(cloud: Path) -> Iterator[Path]:
    """model.yaml, where the model's search has not been said yet; it is put back at the end."""
    path = cloud / "model.yaml"
    before = path.read_text(encoding="utf-8")
    yield path
    path.write_text(before, encoding="utf-8")


def search(path: Path, what: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert GIVEN in text
    path.write_text(
        text.replace(GIVEN, f"{GIVEN} # as found\n      search: {what}"), encoding="utf-8"
    )


def test_the_best_of_a_grid_is_written_into_model_yaml(
    cloud: Path, emulator: AzureML, searching: Path
):
    search(searching, "{C: [1.0e-7, 0.5], max_iter: [1000]}")
    done = ask(cloud, emulator.settings(), SWEEP, MODEL, "--write", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [line.split() for line in done.stdout.splitlines() if "max_iter 1000" in line]
    values = [float(line[0]) for line in shown]
    assert len(values) == 2
    assert values[0] > values[1]
    assert [float(line[2].rstrip(",")) for line in shown] == [0.5, 1e-7]
    assert f"now run train --model {MODEL}" in done.stdout
    text = searching.read_text(encoding="utf-8")
    assert "hyperparameters: {C: 0.5, max_iter: 1000} # as found" in text
    (job,) = [
        one["properties"]
        for one in emulator.documents.children(JOBS)
        if (one["properties"] or {}).get("jobType") == "Sweep"
    ]
    assert job["samplingAlgorithm"]["samplingAlgorithmType"] == "Grid"
    assert job["objective"]["primaryMetric"] == "test_roc_auc"
    assert job["objective"]["goal"].lower() == "maximize"
    best = emulator.jobs.runs[job["properties"]["best_child_run_id"]]
    assert emulator.jobs.proxy.metric(best.tracked, "test_roc_auc") == pytest.approx(
        values[0], abs=1e-4
    )
    assert emulator.documents.children("workspaces/workspace/models") == []


def test_a_range_is_drawn_from_as_often_as_wanted(cloud: Path, emulator: AzureML, searching: Path):
    search(
        searching,
        "{C: {min: 0.01, max: 0.1, log: true}, max_iter: {min: 100, max: 2000, log: true}}",
    )
    asked = (SWEEP, MODEL, "--trials", "3", "--concurrent", "2")
    done = ask(cloud, emulator.settings(), *asked, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [
        line.split() for line in done.stdout.splitlines() if "max_iter " in line and line[0] == " "
    ]
    assert len(shown) == 3
    assert all(0.01 <= float(line[2].rstrip(",")) <= 0.1 for line in shown)
    assert all(100 <= int(line[4]) <= 2000 for line in shown)  # whole, though Azure draws 107.0
    assert GIVEN in searching.read_text(encoding="utf-8")


def test_without_a_search_one_line_says_how_to_name_one(cloud: Path, emulator: AzureML):
    done = ask(cloud, emulator.settings(), SWEEP, MODEL)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: training.models, {MODEL}: say in `search` what to try")
