"""The whole life on Azure ML: from registered data to a scored endpoint and a schedule."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure_project import ask, deployment_python, said_by, steps_python
from azureml.emulator import AzureML
from azureml.runs import FINAL
from cosmos import CONTAINER, DATABASE, KEY, Cosmos
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Living", "models": "logistic_regression"}
NAME = "living-income-logistic_regression"
LOG = Path(__file__).with_name("azureml") / "watched_log.py"
VAULT = "https://kv.vault.azure.net/secrets/insights"
REGISTRY = "\nregistry: {name: registry}\n"
# One process, since the SDK takes seconds to import: another version in the workspace's registry,
# which is promoted and rolled back from by the verbs, and damaged; then Azure's own monitor.
GOVERNED = """
import contextlib
import io
import json
import shutil
import sys
from pathlib import Path

from seedling.azure import audit, own_monitors, workspace
from seedling.cli.main import main
from seedling.config import Project
from seedling.registry.open import registry_of

def said(*words):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        try:
            main(words, standalone_mode=False)
            code = 0
        except SystemExit as error:
            code = error.code or 0
    return [code, out.getvalue()]

project = Project.find()
champion = project.config.models[0]
registry, model = registry_of(project, champion), champion.model
found = {"registry": type(registry).__name__}
folder = Path("local_assets/made")
shutil.copytree(project.model_path(champion), folder)
with (folder / "MLmodel").open("a") as stream:
    stream.write("# another\\n")
tags = registry.find(champion.name, champion.version).tags
second = registry.register(champion.name, folder, {"description": "", **tags})
registry.set_champion(champion.name, champion.version)  # it waits for a reason

def state():
    roles = {one.version: one.tags["role"] for one in registry.versions(champion.name)}
    (entry,) = Project.find().model_yaml.models
    return {"roles": roles, "model.yaml": entry.version}

found["promote"] = said("promote", model, "--version", second.version, "--why", "a trial")
found["promoted"] = state()
found["rollback"] = said("rollback", model)
found["rolled back"] = state()
registry.tag(champion.name, second.version, {"sha256": "0" * 64})
found["harmed"] = said("rollback", model, "--version", second.version)
found["still"] = state()
history = audit.history(registry.client, champion.name)
found["audit"] = [[one.action, one.from_version, one.to_version, one.why] for one in history]

path = own_monitors.write(project, model)
monitor = own_monitors.loaded(path)
try:
    made = workspace.client(project).schedules.begin_create_or_update(monitor).result()
    found["monitor"] = made.name
except Exception as error:
    found["monitor"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def made(installed) -> Path:
    """A project with the SDK, a dataset and a shared registry."""
    project = installed(ANSWERS, "train,serve,dev,aml,azure")
    verb(project, "create-local-datasets")
    settings = project / "model.yaml"
    settings.write_text(settings.read_text() + REGISTRY)
    return project


@pytest.fixture(scope="module")
def steps(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return steps_python(made, tmp_path_factory.mktemp("steps"), "train", "aml", "azure")


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
    for name in ("mlflow.db", "predictions.db"):
        (made / "local_assets" / name).unlink(missing_ok=True)


@pytest.fixture
def emulator(steps: Path, serving: Path, mlflow: str) -> Iterator[AzureML]:
    with AzureML(steps, mlflow=mlflow, serving=serving) as emulator:
        yield emulator
        assert emulator.unknown == []


def evaluation(project: Path) -> dict:
    """What the newest run has measured."""
    found = project.glob("local_assets/reports/*/logistic_regression/evaluation.json")
    return json.loads(max(found, key=lambda path: path.stat().st_mtime).read_text())


def test_from_registered_data_to_a_scored_and_watched_endpoint(living: Path, emulator: AzureML):
    """The life of a managed identity; test_seeds_page.py has that of a service principal."""
    settings = emulator.settings(managed_identity=True) | {"BUILD_ID": "build 7"}

    def said(*words: str, **more: str) -> str:
        done = ask(living, settings | more, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    logged = said_by(living, {}, str(LOG))
    assert logged.returncode == 0, logged.stderr
    registered = said("register-datasets-in-aml")
    assert "income, version 1 is registered" in registered
    assert "income-truth, version 1 is registered, 500 rows" in registered
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

    watched(living, emulator, settings, logged.stdout)
    governed(living, settings)

    assert "is answered by blue 100 %" in said("deploy-online")
    assert "logistic_regression" in said("test-online")

    second = said("train-model-in-aml", BUILD_ID="build 8")
    assert "Model was not registered for this run. roc_auc" in second
    assert emulator.documents.find(f"workspaces/workspace/models/{NAME}/versions/3") is None
    nothing = said("registered-models", BUILD_ID="build 8")
    assert nothing == "Model was not registered for this run.\n"

    assert "0 3 * * 1 (UTC)" in said("schedule-training", "--cron", "0 3 * * 1")
    assert emulator.documents.find("workspaces/workspace/schedules/living-income")

    here = ask(living, {}, "train")  # DEV: the same pipeline, on this machine
    assert here.returncode == 0, here.stdout + here.stderr
    assert evaluation(living)["challenger"] == measured


def watched(project: Path, emulator: AzureML, azure: dict[str, str], log: str) -> None:
    """Performance by the log of this machine and registered truth; drift by the clock, from Cosmos.

    Args:
        log: the documents of Cosmos DB, a line each.
    """
    words = ("logistic_regression", "--what", "performance", "--fail-on", "moderate")
    done = ask(project, azure, "monitor-in-aml", *words)
    (page,) = project.glob("local_assets/reports/monitor/logistic_regression/*/report.html")
    assert page.parent.name.endswith("-performance")
    found = json.loads((page.parent / "findings.json").read_text())
    assert sum(one["performance"]["rows"] for one in found["windows"]) == 500
    assert found["version"] == "1"
    assert done.returncode == (3 if found["verdict"] in ("moderate", "severe") else 0), done.stdout

    with cosmos_with(log) as cosmos:
        settings = project / "model.yaml"
        before = settings.read_text()
        place = {"endpoint": cosmos.endpoint, "database": DATABASE, "container": CONTAINER}
        local = "url: sqlite:///local_assets/predictions.db"
        assert local in before
        lines = "\n    ".join(f"{name}: {value}" for name, value in place.items())
        settings.write_text(before.replace(local, lines))
        schedule = {"monitoring": {"retrain": {"cron": "0 4 * * *"}}}
        settings.write_text(f"{settings.read_text()}\n{json.dumps(schedule)[1:-1]}\n")
        words = ("schedule-monitoring", "--what", "retrain")
        vault = {"APPLICATIONINSIGHTS_KEY_VAULT_SECRET": VAULT}
        done = ask(project, azure | vault | {"ENVIRONMENT": "prod"}, *words)
        assert done.stdout == "living-monitor-retrain: 0 4 * * * (UTC)\n", done.stderr
        settings.write_text(before)
        made = emulator.documents.find("workspaces/workspace/schedules/living-monitor-retrain")
        steps = made["properties"]["action"]["jobDefinition"]["jobs"]
        assert [*steps] == ["predictions", "drift", "performance", "retrain"]
        # The address of the secret goes with the job, and no connection string.
        assert all(VAULT in json.dumps(step) for step in steps.values())
        emulator.jobs.settings |= {"COSMOS_KEY": KEY}
        job = emulator.jobs.fire("living-monitor-retrain")
        status = ended(emulator, job)
    assert status == "Completed", emulator.jobs.runs[job].error
    looks = [
        json.loads(blob.data)
        for name, blob in emulator.storage.blobs.items()
        if "findings.json" in str(name) and job in str(name)
    ]
    (drifts,) = [look for look in looks if look["windows"][-1].get("drifts")]
    assert len(looks) == 2
    last = drifts["windows"][-1]["drifts"]
    moved = {one["name"] for one in last if one.get("status") == "severe"}
    assert "age" in moved
    assert "education_num" not in moved
    again = {
        one["name"]: properties["tags"]["retrained"]
        for one in emulator.documents.children("workspaces/workspace/jobs")
        if (properties := one["properties"] or {}) and "retrained" in properties["tags"]
    }
    ((name, reason),) = again.items()
    assert "age" in reason
    for run in [each for each in emulator.jobs.runs.values() if name in (each.id, each.root)]:
        run.cancel()  # test_azureml_training.py trains


def governed(project: Path, settings: dict[str, str]) -> None:
    """Promote and roll back in the workspace's registry, and hand it Azure's own monitor."""
    done = said_by(project, settings, "-W", "ignore", "-c", GOVERNED)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["registry"] == "AzureRegistry"
    assert found["promote"][0] == 0, found["promote"]
    assert found["promoted"] == {
        "roles": {"1": "former champion", "2": "champion"},
        "model.yaml": "2",
    }
    assert found["rollback"][0] == 0, found["rollback"]
    back = {"roles": {"1": "champion", "2": "former champion"}, "model.yaml": "1"}
    assert found["rolled back"] == back
    code, said = found["harmed"]
    assert code == 1
    assert "Nothing was rolled back, version 1 of logistic_regression goes on" in said
    assert found["still"] == back
    actions = [(action, one, other) for action, one, other, _ in found["audit"]]
    assert actions[-2:] == [("promote", "1", "2"), ("rollback", "2", "1")]
    assert found["audit"][-2][3] == "a trial"
    assert found["monitor"] == "living-logistic_regression-by-azure"


@contextmanager
def cosmos_with(lines: str) -> Iterator[Cosmos]:
    """A stand-in for Cosmos DB that has these documents."""
    cosmos = Cosmos()
    for line in lines.splitlines():
        document = json.loads(line)
        cosmos.documents[document["id"], document["model"]] = document
    cosmos.start()
    try:
        yield cosmos
    finally:
        cosmos.stop()


def ended(emulator: AzureML, job: str) -> str:
    """The status that a job ends with."""
    deadline = time.monotonic() + 300
    while emulator.jobs.runs[job].status not in FINAL:
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    return emulator.jobs.runs[job].status
