"""The whole life on Azure ML: from registered data to a scored endpoint and a schedule."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_project import ask, deployment_python, steps_python
from azureml.emulator import AzureML
from baking import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Living", "models": "logistic_regression"}
NAME = "living-income-logistic_regression"
REGISTRY = "\nregistry: {name: registry}\n"


@pytest.fixture(scope="module")
def made(installed) -> Path:
    """A project with the SDK, a dataset and a shared registry."""
    project = installed(ANSWERS, "train,serve,dev,aml")
    verb(project, "create-local-datasets")
    settings = project / "model.yaml"
    settings.write_text(settings.read_text() + REGISTRY)
    return project


@pytest.fixture(scope="module")
def steps(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return steps_python(made, tmp_path_factory.mktemp("steps"), "train", "aml")


@pytest.fixture(scope="module")
def serving(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deployment_python(made, tmp_path_factory.mktemp("serving"))


@pytest.fixture
def living(made: Path) -> Iterator[Path]:
    """The project, put back afterwards as it was."""
    settings = (made / "model.yaml").read_text()
    yield made
    (made / "model.yaml").write_text(settings)
    shutil.rmtree(made / "local_assets" / "models", ignore_errors=True)
    (made / "local_assets" / "mlflow.db").unlink(missing_ok=True)


@pytest.fixture
def emulator(steps: Path, serving: Path, mlflow: str) -> Iterator[AzureML]:
    with AzureML(steps, mlflow=mlflow, serving=serving) as emulator:
        yield emulator
        assert emulator.unknown == []


def evaluation(project: Path) -> dict:
    """What the newest run has measured."""
    found = project.glob("local_assets/reports/*/logistic_regression/evaluation.json")
    return json.loads(max(found, key=lambda path: path.stat().st_mtime).read_text())


def test_from_registered_data_to_a_scored_endpoint(living: Path, emulator: AzureML):
    """The life of a managed identity; test_seeds_page.py has that of a service principal."""
    settings = emulator.settings(managed_identity=True) | {"BUILD_ID": "build 7"}

    def said(*words: str, **more: str) -> str:
        done = ask(living, settings | more, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "income, version 1 is registered" in said("register-datasets-in-aml")
    first = said("train", AML_PIPELINE_EXEC_MODE="PROD")
    assert f"Registered as {NAME}, version 1: roc_auc 0." in first
    measured = evaluation(living)["challenger"]
    tags = emulator.documents.find(f"workspaces/workspace/models/{NAME}/versions/1")["properties"][
        "tags"
    ]
    assert tags["metric"] == f"roc_auc={measured['roc_auc']}"
    assert {name: tags[name] for name in ("role", "build_id", "data_version")} == {
        "role": "champion",
        "build_id": "build 7",
        "data_version": "income:1",
    }
    assert f"sha256: {tags['sha256']}" in (living / "model.yaml").read_text()
    assert f"{NAME}, version 1" in said("registered-models")

    published = said("publish-assets-in-registry").splitlines()
    assert published == ["income, version 1: published", f"{NAME}, version 1: published"]
    shared = emulator.documents.find(f"registries/registry/models/{NAME}/versions/1")
    assert shared["properties"]["tags"]["sha256"] == tags["sha256"]

    assert "is answered by blue 100 %" in said("deploy-online")
    assert "logistic_regression" in said("test-online")

    second = said("train-model-in-aml", BUILD_ID="build 8")
    assert "Model was not registered for this run. roc_auc" in second
    assert emulator.documents.find(f"workspaces/workspace/models/{NAME}/versions/2") is None
    nothing = said("registered-models", BUILD_ID="build 8")
    assert nothing == "Model was not registered for this run.\n"

    assert "0 3 * * 1 (UTC)" in said("schedule-training", "--cron", "0 3 * * 1")
    assert emulator.documents.find("workspaces/workspace/schedules/living-income")

    here = ask(living, {}, "train")  # DEV: the same pipeline, on this machine
    assert here.returncode == 0, here.stdout + here.stderr
    assert evaluation(living)["challenger"] == measured
