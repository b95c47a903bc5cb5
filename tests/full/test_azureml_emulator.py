"""The stand-in for Azure ML, against the real SDK: what no test of the verbs reaches."""

import json
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import warm
from azureml.emulator import AzureML
from baking import environment, python_with
from mlflow_server import MLFLOW, mlflow_server

pytestmark = pytest.mark.full

SDK = ["azure-ai-ml==1.35.2", "azure-identity", "azureml-mlflow==1.62.0.post6"]
PRELUDE = """
import json, os, sys
from azure.ai.ml import Input, MLClient, Output, command, load_job
from azure.ai.ml.entities import *
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential

names = ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME")
credential = DefaultAzureCredential()
client = MLClient(credential, *(os.environ[f"AZUREML_ARM_{name}"] for name in names))

def answer(value):
    print("ANSWER", json.dumps(value))

def environment():
    return client.environments.create_or_update(Environment(name="steps", image="python:3.11"))
"""
TIMES = """
import argparse
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--source", type=Path)
parser.add_argument("--factor", type=int)
parser.add_argument("--target", type=Path)
parser.add_argument("--limit", type=int, default=100)
given = parser.parse_args()
source = given.source if given.source.is_file() else given.source / "numbers.txt"
print(f"reading {source.name}", flush=True)
numbers = [int(line) * given.factor for line in source.read_text().split()]
if max(numbers) > given.limit:
    raise ValueError(f"{max(numbers)} is too much")
(given.target / "numbers.txt").write_text("".join(f"{number}\\n" for number in numbers))
"""
COMPONENT = """
type: command
name: {name}
version: "1"
inputs:
  source: {{type: {source}}}
  factor: {{type: integer, default: 2}}
  limit: {{type: integer, optional: true}}
outputs:
  target: {{type: uri_folder}}
code: ./code
environment: azureml:steps@latest
command: >-
  python times.py --source ${{{{inputs.source}}}} --factor ${{{{inputs.factor}}}}
  --target ${{{{outputs.target}}}} $[[--limit ${{{{inputs.limit}}}}]]
"""
PIPELINE = """
type: pipeline
display_name: doubling
inputs:
  numbers: {type: uri_file, path: ./numbers.txt}
outputs:
  result: {type: uri_folder}
settings:
  default_compute: azureml:cpu-cluster
jobs:
  second:
    type: command
    component: ./again.yml
    inputs:
      source: ${{parent.jobs.first.outputs.target}}
      factor: 5
    outputs:
      target: ${{parent.outputs.result}}
  first:
    type: command
    component: ./once.yml
    inputs:
      source: ${{parent.inputs.numbers}}
"""


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with Azure ML's SDK."""
    return python_with(tmp_path_factory.mktemp("azure") / "venv", *SDK, MLFLOW)


@pytest.fixture
def tracking(azure: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of an MLflow server."""
    with mlflow_server(azure, tmp_path) as url:
        yield url


@pytest.fixture
def emulator(azure: Path) -> Iterator[AzureML]:
    with AzureML(azure) as emulator:
        yield emulator
        assert emulator.unknown == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a pipeline of two steps, its data and its code."""
    (tmp_path / "code").mkdir()
    files = {
        "numbers.txt": "1\n2\n3\n",
        "code/times.py": TIMES,
        "once.yml": COMPONENT.format(name="once", source="uri_file"),
        "again.yml": COMPONENT.format(name="again", source="uri_folder"),
        "pipeline.yml": PIPELINE,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def sdk(emulator: AzureML, project: Path, script: str, managed_identity: bool = False) -> object:
    """What a script answers that runs with the SDK in a process of its own."""
    done = call(emulator, project, script, managed_identity)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    return json.loads(answers[-1].removeprefix("ANSWER "))


def call(
    emulator: AzureML, project: Path, script: str, managed_identity: bool = False
) -> subprocess.CompletedProcess[str]:
    theirs = {name: value for name, value in environment().items() if not name.startswith("AZURE")}
    words = ["-W", "ignore", "-c", PRELUDE + textwrap.dedent(script)]
    variables = theirs | emulator.settings(managed_identity)
    return warm.call(emulator.python, words, project, variables, timeout=120)


def test_a_wrong_secret_is_no_identity(
    emulator: AzureML, project: Path, monkeypatch: pytest.MonkeyPatch
):
    right = emulator.settings()
    monkeypatch.setattr(emulator, "settings", lambda _: right | {"AZURE_CLIENT_SECRET": "wrong"})
    done = call(emulator, project, "client.workspaces.get()")
    assert done.returncode == 1
    assert "Invalid client secret" in done.stderr


def test_lists_of_several_pages_are_read_to_the_end(emulator: AzureML, project: Path):
    emulator.documents.page = 2
    script = """
    for number in range(5):
        client.environments.create_or_update(
            Environment(name="steps", version=str(number), image="python:3.11"))
    answer([one.version for one in client.environments.list(name="steps")])
    """
    assert sdk(emulator, project, script) == ["4", "3", "2", "1", "0"]


def test_a_dangling_reference_is_refused(emulator: AzureML, project: Path):
    pipeline = project / "pipeline.yml"
    pipeline.write_text(pipeline.read_text().replace("first.outputs.target", "first.outputs.goal"))
    script = """
    environment()
    try:
        client.jobs.create_or_update(load_job("pipeline.yml"))
    except HttpResponseError as error:
        answer([error.status_code, error.error.message])
    """
    words = "jobs.second.inputs.source: ${{parent.jobs.first.outputs.goal}} refers to nothing."
    assert sdk(emulator, project, script) == [400, words]


def test_a_command_runs_as_a_job_with_its_identity_and_its_log(emulator: AzureML, project: Path):
    (project / "code" / "who.py").write_text(PRELUDE + "print(client.workspaces.get().name)")
    emulator.jobs.queue = 1
    script = """
    environment()
    job = client.jobs.create_or_update(command(
        command="python who.py && cp ${{inputs.numbers}} ${{outputs.copy}}", code="code",
        inputs={"numbers": Input(type="uri_file", path="numbers.txt")},
        outputs={"copy": Output(type="uri_folder")},
        environment="steps@latest", compute="cpu-cluster"))
    client.jobs.stream(job.name)
    path = f"azureml://jobs/{job.name}/outputs/copy/paths/"
    model = client.models.create_or_update(Model(name="copy", path=path, type="custom_model"))
    client.models.download("copy", model.version)
    answer(client.jobs.get(job.name).status)
    """
    done = call(emulator, project, script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'ANSWER "Completed"' in done.stdout
    assert "Streaming user_logs/std_log.txt" in done.stdout
    assert "\nworkspace\n" in done.stdout
    assert "/msi/token" in {path for _, path in emulator.requests}
    assert (project / "copy/copy/numbers.txt").read_text() == "1\n2\n3\n"


def test_assets_go_into_jobs_and_come_out_of_them(emulator: AzureML, project: Path):
    script = """
    environment()
    client.data.create_or_update(Data(name="numbers", path="numbers.txt", type="uri_file"))
    first = client.jobs.create_or_update(command(
        command="tee ${{outputs.kept}}/a.txt ${{outputs.best}}/a.txt < ${{inputs.numbers}}",
        inputs={"numbers": Input(type="uri_file", path="azureml:numbers:1")},
        outputs={"kept": Output(type="uri_folder", name="kept"),
                 "best": Output(type="custom_model", name="churn")},
        environment="steps@latest", compute="cpu-cluster"))
    client.jobs.stream(first.name)
    second = client.jobs.create_or_update(command(
        command="cat ${{inputs.kept}}/* ${{inputs.best}}/* > ${{outputs.both}}/both.txt",
        inputs={"kept": Input(type="uri_folder", path="azureml:kept:1"),
                "best": Input(type="custom_model", path="azureml:churn:1")},
        outputs={"both": Output(type="uri_folder")},
        environment="steps@latest", compute="cpu-cluster"))
    client.jobs.stream(second.name)
    client.jobs.download(second.name, output_name="both")
    answer(client.models.get("churn", "1").job_name == first.name)
    """
    assert sdk(emulator, project, script) is True
    assert (project / "named-outputs/both/both.txt").read_text() == "1\n2\n3\n" * 2


def test_a_cancelled_job_ends(emulator: AzureML, project: Path):
    script = """
    import time
    environment()
    job = client.jobs.create_or_update(
        command(command="sleep 100", environment="steps@latest", compute="cpu-cluster"))
    while client.jobs.get(job.name).status != "Running":
        time.sleep(0.1)
    client.jobs.begin_cancel(job.name).result()
    while client.jobs.get(job.name).status == "Running":
        time.sleep(0.1)
    names = [one.name for one in client.jobs.list()]
    answer([client.jobs.get(job.name).status, names == [job.name]])
    """
    assert sdk(emulator, project, script) == ["Canceled", True]


def test_a_model_keeps_its_tags_and_its_files(emulator: AzureML, project: Path):
    script = """
    for stage in ("champion", "challenger"):
        client.models.create_or_update(
            Model(name="churn", path="code", type="custom_model", tags={"stage": stage}))
    old = client.models.get("churn", "1")
    old.tags["stage"] = "archived"
    client.models.create_or_update(old)
    client.models.download("churn", "2")
    try:
        client.models.create_or_update(
            Model(name="churn", version="1", path="numbers.txt", type="custom_model"))
    except HttpResponseError as error:
        words = error.error.code
    stages = {model.version: model.tags["stage"] for model in client.models.list(name="churn")}
    client.models.archive("churn", "1")
    left = [model.version for model in client.models.list(name="churn")]
    answer([stages, words, left])
    """
    stages = {"1": "archived", "2": "challenger"}
    assert sdk(emulator, project, script) == [stages, "UserError", ["2"]]
    assert (project / "churn/code/times.py").read_text() == TIMES


@pytest.mark.parametrize("trouble", [{"status": 429}, {"status": 500}, {"cut": True}], ids=str)
def test_passing_trouble_is_borne_by_the_sdk(
    emulator: AzureML, project: Path, trouble: dict[str, int]
):
    emulator.fault("GET", "/workspaces/workspace$", times=2, **trouble)
    assert sdk(emulator, project, "answer(client.workspaces.get().name)") == "workspace"
    asked = [path for _, path in emulator.requests if path.endswith("/workspaces/workspace")]
    assert len(asked) == 3


def test_what_is_not_there_is_told(emulator: AzureML, project: Path):
    script = """
    def message(ask):
        try:
            ask()
        except HttpResponseError as error:
            return error.error.code
    other = MLClient(credential, client.subscription_id, "elsewhere", "workspace")
    answer([message(lambda: client.models.get("churn", "1")), message(other.workspaces.get),
            message(lambda: client.workspaces.get("other"))])
    """
    codes = ["ResourceNotFound", "ResourceGroupNotFound", "ResourceNotFound"]
    assert sdk(emulator, project, script) == codes


def test_a_job_tracks_metrics_and_artifacts_in_its_workspace(
    azure: Path, tracking: str, project: Path
):
    (project / "code" / "track.py").write_text(
        "import mlflow\n"
        "with mlflow.start_run():\n"
        "    mlflow.log_metric('auc', 0.75)\n"
        "    mlflow.log_text('good', 'report/words.txt')\n"
    )
    script = """
    import mlflow
    environment()
    job = client.jobs.create_or_update(command(
        command="python track.py", code="code", experiment_name="churn",
        environment="steps@latest", compute="cpu-cluster"))
    client.jobs.stream(job.name)
    mlflow.set_tracking_uri(client.workspaces.get().mlflow_tracking_uri)
    (run,) = mlflow.search_runs(experiment_names=["churn"], output_format="list")
    path = "report/words.txt"
    words = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=path)
    answer([run.data.metrics, open(words).read()])
    """
    with AzureML(azure, tracking) as emulator:
        assert sdk(emulator, project, script) == [{"auc": 0.75}, "good"]
        assert emulator.unknown == []
