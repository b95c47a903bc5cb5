"""Training on Azure ML: the real SDK submits, the stand-in runs the steps as Azure ML would."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from azure_project import ask, said_by, say, steps_python, told
from azureml.emulator import AzureML
from azureml.runs import FINAL
from azureml.storage import CONTAINER
from azureml.tokens import SECRET
from azureml.workspace import GROUP, SUBSCRIPTION, WORKSPACE
from baking import python_of
from planted import Planted
from warm import verb

from seedling.credentials import WORKSPACE as PLACE

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Trained", "models": "logistic_regression"}
NAME = "trained-income-logistic_regression"
MODEL = f"workspaces/workspace/models/{NAME}/versions"
TRAIN = "train-model-in-aml"
OF_THE_SEED = """
from seedling.credentials import AzureConfig

config = AzureConfig(prefix="RSI_AZURE_")
print(type(config.credential).__name__, config.Workspace.workspaces.get("workspace").name)
print(config)
"""
REGISTRY = """
import json
import shutil
from pathlib import Path

from seedling.azure.registry import AzureRegistry
from seedling.config import Project
from seedling.errors import ProjectError

registry = AzureRegistry(Project.find())
for number in (1, 2, 3, 10):
    folder = Path("local_assets/models/made")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text(f"flavors: {{}}\\nnumber: {number}\\n")
    registry.register("churn", folder, {"description": "", "model": "churn"})
    if number == 3:  # versions are numbers, not texts: the next is 10
        found = registry._models("churn")[-1]
        found.version = "9"
        registry.client.models.create_or_update(found)
        registry.client.models.archive("churn", "9")
versions = registry.versions("churn")
found = {"numbers": [one.version for one in versions], "first": registry.champion("churn").version}
again = registry.register("churn", folder, {"description": "", "model": "churn"})
found["again"] = again.version
registry.set_champion("churn", "2")
found["promoted"] = registry.champion("churn").version
found["roles"] = [one.tags["role"] for one in registry.versions("churn")]
second = registry.find("churn", "2")
found["fetched"] = registry.fetch(second).name
(second.folder / "MLmodel").write_text("harmed")
registry.fetch(second)
damaged = registry.find("churn", "1")
try:
    registry.fetch(type(damaged)(damaged.name, damaged.version, damaged.folder, "0" * 64))
except ProjectError as error:
    found["damaged"] = str(error).split(": ")[1].rstrip(".")
found["audit"] = [(one.from_version, one.to_version) for one in registry.history("churn")]
found["chained"] = [one.before for one in registry.history("churn")][1:] == [
    one.hash for one in registry.history("churn")
][:-1]
try:
    registry.find("churn", "11")
except ProjectError as error:
    found["missing"] = str(error)
print(json.dumps(found))
"""


LAKE = "azureml://datastores/workspaceblobstore/paths/lake/rows/"
READY = f"workspaces/{WORKSPACE}/environments/ready/versions/4"
OWN = {
    "compute": {
        "cluster_name": "small",
        "cluster_size": "Standard_F2",
        "cluster_region": "northeurope",
    },
    "training": {"aml_env_name": "ready@latest"},
}
# What would be submitted, by what model.yaml says: data and environments, or why not.
PREPARED = """
import json
import sys
from pathlib import Path
from seedling.azure import training, workspace
from seedling.config import Project
from seedling.errors import ProjectError

text = Path("model.yaml").read_text()
for told in json.load(sys.stdin):
    own = {"logistic_regression": {"training": told}}
    Path("model.yaml").write_text(f"{text}\\naml: {json.dumps({'models': own})}\\n")
    project = Project.find()
    try:
        with training.prepared(project, workspace.client(project), []) as jobs:
            for job in jobs.values():
                steps = {step.component.environment for step in job.jobs.values()}
                print(json.dumps([job.inputs["datasets"].path, *steps]))
    except ProjectError as error:
        print(json.dumps(str(error)))
"""

OF_GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "17",
    "GITHUB_SHA": "abc",
    "GITHUB_REF_NAME": "main",
}
COMMAND = {  # a job that ends at once
    "jobType": "Command",
    "experimentName": "trained",
    "command": "true",
    "environmentId": READY,
}

# A run script as a command job, followed to its end.
SCRIPT = """
import json
from pathlib import Path
from seedling.azure import jobs, script_job, workspace
from seedling.config import Project

project = Project.find()
client = workspace.client(project)
job = script_job.submit(project, client, Path("run"))
print(json.dumps([job.name, jobs.follow(client, job.name, "")]))
"""


@pytest.fixture(scope="module")
def made(installed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A project with the SDK and a dataset, and the Python of its steps."""
    project = installed(ANSWERS, "train,serve,dev,aml")
    verb(project, "create-local-datasets")
    return project, steps_python(project, tmp_path_factory.mktemp("steps"), "train", "aml")


@pytest.fixture
def cloud(made: tuple[Path, Path]) -> Iterator[Path]:
    """The project, put back afterwards as it was."""
    project = made[0]
    settings = (project / "model.yaml").read_text()
    train = (project / "models/logistic_regression/train.py").read_text()
    yield project
    (project / "model.yaml").write_text(settings)
    (project / "models/logistic_regression/train.py").write_text(train)
    for name in ("models", "mlflow.db"):
        path = project / "local_assets" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@pytest.fixture
def emulator(made: tuple[Path, Path], mlflow: str) -> Iterator[AzureML]:
    with AzureML(made[1], mlflow=mlflow) as emulator:
        yield emulator
        assert emulator.unknown == []


def test_secrets_stay_here_and_ctrl_c_leaves_the_job_running(cloud: Path, emulator: AzureML):
    """And what passes by itself, a busy service or a cut connection, does not end a training."""
    planted = Planted(cloud)
    settings = emulator.settings() | planted.variables
    assert ask(cloud, settings, "register-datasets-in-aml").returncode == 0
    emulator.jobs.queue = 15
    emulator.fault("PUT", "/jobs/", 500)
    errors = interrupted(cloud, settings, TRAIN)
    assert not planted.shown_in(errors)
    job = re.search(r"The job (\w+) is not followed any more. It goes on. Follow it: ", errors)[1]
    assert f"{TRAIN} --follow {job}" in errors
    assert "Traceback" not in errors
    blobs = emulator.storage.blobs
    names = {str(name) for name in blobs}
    assert any("steps/train.py" in name for name in names)
    assert not any(re.search(r"/(tests|docs|\.venv)/", name) for name in names)

    emulator.fault("GET", "/history/", 429, times=2)
    emulator.fault("GET", "/history/", cut=True)
    emulator.fault("GET", "/workspace/models/", 500)
    followed = ask(cloud, settings, TRAIN, "--follow", job)
    assert followed.returncode == 0, followed.stderr
    assert f"Registered as {NAME}, version 1" in followed.stdout
    assert emulator.documents.children("workspaces/workspace/environments")
    assert_nowhere(planted, cloud, emulator, followed)
    planted.remove()


def assert_nowhere(
    planted: Planted,
    project: Path,
    emulator: AzureML,
    done: "subprocess.CompletedProcess[str]",
) -> None:
    """Neither what was uploaded and registered has a secret, nor what is said and kept here."""
    blobs = emulator.storage.blobs
    assert [str(name) for name, blob in blobs.items() if planted.shown_in(blob.data)] == []
    assert not planted.shown_in(repr(emulator.documents.state()))
    assert not planted.shown_in(done.stdout + done.stderr)
    assert planted.holders(project) == []


def test_the_credentials_of_the_seed_open_the_workspace(cloud: Path, emulator: AzureML):
    settings = emulator.settings()
    who = ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")
    lines = [f"export RSI_AZURE_{name}={settings.pop(f'AZURE_{name}')}" for name in who]
    place = dict(zip(PLACE, (SUBSCRIPTION, GROUP, WORKSPACE), strict=True))
    (cloud / "azure-export-dev-config.env").write_text("\n".join(lines))
    (cloud / "azure-config.json").write_text(json.dumps(place))
    opened = said_by(cloud, settings, "-c", OF_THE_SEED)
    for name in ("azure-export-dev-config.env", "azure-config.json"):
        (cloud / name).unlink()
    assert opened.returncode == 0, opened.stderr
    assert opened.stdout.startswith("ClientSecretCredential workspace\n")
    assert SECRET not in opened.stdout + opened.stderr


def interrupted(project: Path, settings: dict[str, str], verb: str) -> str:
    """What a verb says on Ctrl-C, once it shows its job."""
    command = [python_of(project), "-m", "seedling", verb]
    with subprocess.Popen(
        command,
        cwd=project,
        env=told(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        for line in process.stdout:
            if line.startswith("Web View"):
                break
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    return errors


def test_a_failing_step_is_told_with_its_log_also_to_the_build_that_goes_on(
    cloud: Path, emulator: AzureML, tmp_path: Path
):
    """A build of GitHub leaves the job running, and the next look at it fails in its words."""
    train = cloud / "models/logistic_regression/train.py"
    planted = Planted(cloud)
    held = "' '.join(EnvConfig('team.env', error_no_file_found=False).values())"
    lines = (
        f"from seedling.credentials import EnvConfig\nraise RuntimeError('no more heap' + {held})\n"
    )
    train.write_text(f"{train.read_text()}\n\n{lines}")
    settings = emulator.settings() | planted.variables
    assert ask(cloud, settings, "register-datasets-in-aml").returncode == 0
    build = settings | OF_GITHUB | {"GITHUB_OUTPUT": str(tmp_path / "outputs")}
    left = ask(cloud, build, TRAIN, "--no-wait")
    assert left.returncode == 0, left.stderr
    job = (tmp_path / "outputs").read_text().strip().removeprefix("job=")
    assert finished(emulator, job) == "Failed"
    looked = ask(cloud, build | {"GITHUB_RUN_ID": "18"}, "ended-training")
    assert looked.returncode == 1
    words = f"Build 17: The job {job} failed: train_logistic_regression failed: "
    assert looked.stderr.startswith(f"Error: {words}")
    tags = emulator.documents.find(f"workspaces/{WORKSPACE}/jobs/{job}")["properties"]["tags"]
    assert (tags["branch"], tags["commit"], tags["continued"]) == ("main", "abc", "18")
    completed = {"kind": "command", "left_by": "github", "build_id": "16", "commit": "def"}
    emulator.documents.put(
        f"workspaces/{WORKSPACE}/jobs/quiet",
        {"properties": COMMAND | {"tags": completed | {"branch": "main"}}},
    )
    assert finished(emulator, "quiet") == "Completed"
    looked = ask(cloud, build, "ended-training")
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout == "quiet has ended, which build 16 of main has submitted.\n"
    outputs = (tmp_path / "outputs").read_text().splitlines()
    assert outputs[1:] == ["build_id=16", "sha=def", "branch=main", "job=quiet"]
    looked = ask(cloud, build, "ended-training")
    assert looked.stdout == "No job has ended that was not gone on with.\n"
    failed = ask(cloud, settings, TRAIN, "--follow", job)
    assert failed.returncode == 1
    last = failed.stderr.strip().splitlines()[-1]
    assert re.match(r"Error: The job \w+ failed: train_logistic_regression failed: ", last)
    assert "no more heap" in last
    assert "Traceback" not in failed.stderr
    log = re.search(r"log: (.+)\)", last)[1]
    assert "no more heap" in (cloud / log).read_text()
    assert emulator.documents.find(f"{MODEL}/1") is None
    assert_nowhere(planted, cloud, emulator, failed)
    planted.remove()


def test_a_dataset_must_be_registered_as_it_is_here(cloud: Path, emulator: AzureML):
    refused = ask(cloud, emulator.settings(), TRAIN)
    assert refused.returncode == 1
    words = "Error: income, version 1 is not registered: run register-datasets-in-aml.\n"
    assert refused.stderr.endswith(words)
    assert not emulator.documents.children("workspaces/workspace/jobs")


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("PUT", "/jobs/", 409, "Submitting the training: Azure answers 409"),
        ("PUT", "/workspace/models/", 403, f"Registering {NAME}, version 1: the caller may not"),
    ],
    ids=["job", "model"],
)
def test_a_refusal_is_told_and_nothing_is_half_registered(
    cloud: Path, emulator: AzureML, method: str, path: str, status: int, said: str
):
    settings = emulator.settings()
    assert ask(cloud, settings, "register-datasets-in-aml").returncode == 0
    emulator.fault(method, path, status, times=20)
    refused = ask(cloud, settings, TRAIN)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert emulator.documents.find(f"{MODEL}/1") is None
    assert "models: []" in (cloud / "model.yaml").read_text()


def test_a_smoke_check_runs_all_steps_there_and_registers_nothing(cloud: Path, emulator: AzureML):
    settings = emulator.settings() | {"SMOKE": "1"}
    assert ask(cloud, settings, "register-datasets-in-aml").returncode == 0
    done = ask(cloud, settings, TRAIN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "A smoke check is not registered: all steps ran" in done.stdout
    assert emulator.documents.find(f"{MODEL}/1") is None
    assert "models: []" in (cloud / "model.yaml").read_text()


def test_the_newest_of_several_champions_counts(cloud: Path, emulator: AzureML):
    """A promotion that was cut off leaves two of them."""
    done = said_by(cloud, emulator.settings(), "-W", "ignore", "-c", REGISTRY)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "numbers": ["1", "2", "3", "10"],
        "first": "10",
        "again": "10",
        "promoted": "2",
        "roles": ["former champion", "champion", "former champion", "former champion"],
        "fetched": "2",
        "damaged": "the files' hash is not the registered one",
        "audit": [["", "1"], ["1", "2"], ["2", "3"], ["3", "10"]],
        "chained": True,
        "missing": "The workspace has no churn, version 11.",
    }


def finished(emulator: AzureML, job: str) -> str:
    """The status that a job ends with."""
    deadline = time.monotonic() + 300
    while emulator.jobs.runs[job].status not in FINAL:
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    return emulator.jobs.runs[job].status


def test_a_schedule_trains_what_is_registered(cloud: Path, emulator: AzureML):
    settings = emulator.settings()
    assert ask(cloud, settings, "register-datasets-in-aml").returncode == 0
    made = ask(cloud, settings, "schedule-training", "--cron", "0 3 * * 1")
    assert made.stdout.endswith("trained-income: 0 3 * * 1 (UTC)\n"), made.stderr
    found = emulator.documents.find("workspaces/workspace/schedules/trained-income")["properties"]
    assert found["trigger"]["expression"] == "0 3 * * 1"
    assert finished(emulator, emulator.jobs.fire("trained-income")) == "Completed"
    assert emulator.documents.find(f"{MODEL}/1")
    watching = "workspaces/workspace/schedules/trained-monitor-drift"
    found["tags"]["monitoring"] = "drift"
    emulator.documents.put(watching, {"properties": found})
    removed = ask(cloud, settings, "schedule-training", "--remove")
    assert removed.stdout == "Removed trained-income.\n"
    assert emulator.documents.find("workspaces/workspace/schedules/trained-income") is None
    assert emulator.documents.find(watching)  # schedule-monitoring removes it


def test_a_schedule_trains_on_new_data(cloud: Path, emulator: AzureML, tmp_path: Path):
    """The job enters the workspace by the identity that it has on Azure ML."""
    store = tmp_path / "feature_store.db"
    shutil.copy(cloud / "local_assets" / "feature_store.db", store)
    emulator.jobs.settings |= {"FEATURE_STORE_URL": f"sqlite:///{store}"}
    settings = emulator.settings()
    assert ask(cloud, settings, "register-datasets-in-aml").returncode == 0
    made = ask(cloud, settings, "schedule-training", "--cron", "0 3 * * *", "--on-new-data")
    assert made.returncode == 0, made.stderr
    assert finished(emulator, emulator.jobs.fire("trained-refresh")) == "Completed"
    assert not [run for run in emulator.jobs.runs.values() if run.kind == "Pipeline"][1:]

    with closing(sqlite3.connect(store)) as database, database:
        database.execute("DELETE FROM persons WHERE person_id % 10 = 0")
    assert finished(emulator, emulator.jobs.fire("trained-refresh")) == "Completed"
    (training,) = [run for run in emulator.jobs.runs.values() if run.kind == "Pipeline"][2:]
    assert finished(emulator, training.id) == "Completed"
    tags = emulator.documents.find(f"{MODEL}/1")["properties"]["tags"]
    assert tags["data_version"] == "income:2"
    (cloud / "model.yaml").write_text(
        (cloud / "model.yaml").read_text().replace('version: "1"', 'version: "2"', 1)
    )
    brought = ask(cloud, settings, "download-datasets")
    assert brought.stdout == "income, version 2: 5,400 rows\n", brought.stderr
    verb(cloud, "create-local-datasets")


def jobs_of(emulator: AzureML, kind: str) -> list[dict]:
    found = emulator.documents.children(f"workspaces/{WORKSPACE}/jobs")
    return [one["properties"] for one in found if (one["properties"] or {}).get("jobType") == kind]


def test_a_command_job_and_automl_train_where_and_on_what_they_are_told(
    cloud: Path, emulator: AzureML
):
    """DATA=azureml://..., aml_env_name, cluster_* of a model; AutoML here is a stand-in's fit."""
    say(cloud, {"models": {"logistic_regression": OWN}})
    emulator.documents.put(READY, {"properties": {"image": "ready", "osType": "Linux"}})
    rows = (cloud / "local_assets" / "datasets" / "income.parquet").read_bytes()
    emulator.storage.put(CONTAINER, "lake/rows/income.parquet", rows)
    settings = emulator.settings()
    done = ask(cloud, settings, TRAIN, "--job", "command", "--data", LAKE)
    assert done.returncode == 0, done.stderr
    assert f"Registered as {NAME}, version 1" in done.stdout
    (job,) = jobs_of(emulator, "Command")
    assert job["computeId"].endswith("/computes/small")
    assert job["environmentId"].endswith("/environments/ready/versions/4")
    assert job["inputs"]["datasets"]["uri"] == LAKE
    assert job["tags"]["data"] == LAKE
    cluster = emulator.documents.get(f"workspaces/{WORKSPACE}/computes/small")
    assert "northeurope" in (cluster["location"], cluster["properties"].get("computeLocation"))
    assert cluster["properties"]["properties"]["vmSize"].casefold() == "standard_f2"

    found = ask(cloud, settings, TRAIN, "--job", "automl")
    assert found.returncode == 0, found.stderr
    assert re.search(rf"Registered as {NAME}, version 2: .* is better than .* of ver", found.stdout)
    (search,) = jobs_of(emulator, "AutoML")
    assert search["computeId"].endswith("/computes/small")
    task = search["taskDetails"]
    assert (task["taskType"], task["targetColumnName"]) == ("Classification", "income")
    assert task["limitSettings"]["maxTrials"] == 20
    names = {str(name) for name in emulator.storage.blobs}
    assert any("MLTable" in name for name in names)
    tags = emulator.documents.get(f"{MODEL}/2")["properties"]["tags"]
    assert tags["role"] == "champion"
    assert tags["data_version"] == "income:1"


def test_a_ready_environment_a_conda_file_and_a_data_asset_are_taken_or_missed_by_name(
    cloud: Path, emulator: AzureML
):
    (cloud / "conda.yml").write_text("name: x\ndependencies: [python=3.11]\n", encoding="utf-8")
    emulator.documents.put(READY, {"properties": {"image": "ready", "osType": "Linux"}})
    data = {"dataUri": LAKE, "dataType": "uri_folder"}
    emulator.documents.put(f"workspaces/{WORKSPACE}/data/lake/versions/1", {"properties": data})
    wanted = {"dataset_name": "lake"}
    asked = [
        wanted | {"aml_env_name": "ready:4"},
        wanted | {"conda_path": "conda.yml"},
        wanted | {"aml_env_name": "azureml://registries/azureml/environments/x/labels/latest"},
        {"dataset_name": "lake:9"},
        wanted | {"aml_env_name": "ready:5"},
        wanted | {"conda_path": "none.yml"},
    ]
    done = said_by(
        cloud, emulator.settings(), "-W", "ignore", "-c", PREPARED, given=json.dumps(asked)
    )
    (cloud / "conda.yml").unlink()
    assert done.returncode == 0, done.stderr
    ready, conda, registry, *refused = map(json.loads, done.stdout.splitlines())
    assert ready == ["lake:1", "ready:4"]
    assert conda[0] == "lake:1"
    assert conda[1].startswith("trained-conda:")
    assert registry[1].startswith("azureml://registries/azureml/")
    version = conda[1].rpartition(":")[2]
    key = f"workspaces/{WORKSPACE}/environments/trained-conda/versions/{version}"
    assert "python=3.11" in emulator.documents.get(key)["properties"]["condaFile"]
    assert refused == [
        "The workspace has no data asset lake:9: correct dataset_name in model.yaml.",
        "The workspace has no environment ready:5: correct aml_env_name in model.yaml.",
        "conda_path: there is no none.yml in the project.",
    ]


def test_a_run_script_runs_by_itself_and_as_a_job(cloud: Path, emulator: AzureML):
    """The base script is a smoke check; the job leaves a registered model, and no secret there."""
    (cloud / "run" / "azure-config.json").write_text('{"client_secret": "never-uploaded"}')
    (cloud / "run" / ".env").write_text("KEY=never-uploaded\n")
    smoke = in_folder(cloud, "train.py")
    assert smoke.returncode == 0, smoke.stderr
    assert "'accuracy': 0.7" in smoke.stdout
    assert not (cloud / "run" / "outputs").exists()
    settings = emulator.settings()
    done = said_by(cloud, settings, "-W", "ignore", "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    _, status = json.loads(done.stdout.splitlines()[-1])
    assert status == "Completed", done.stdout
    assert "Registered as trained-logistic-regression, version 1." in done.stdout
    (command,) = jobs_of(emulator, "Command")
    assert command["experimentName"] == "trained_run"
    assert command["computeId"].endswith("/computes/cpu-cluster")
    assert "/environments/trained-run/versions/" in command["environmentId"]
    blobs = emulator.storage.blobs
    assert not any(b"never-uploaded" in blob.data for blob in blobs.values())
    names = {str(name) for name in blobs}
    assert any("/run/train_completed.py" in name for name in names)
    assert any("/model/MLmodel" in name for name in names)
    key = f"workspaces/{WORKSPACE}/models/trained-logistic-regression/versions/1"
    uri = emulator.documents.get(key)["properties"]["modelUri"]
    assert "MLmodel" in emulator.jobs.assets.files(uri)


def in_folder(project: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """What a script of the run folder says, run there by the project's Python."""
    command = [python_of(project), "-W", "ignore", script]
    folder = project / "run"
    return subprocess.run(command, cwd=folder, env=told({}), capture_output=True, text=True)
