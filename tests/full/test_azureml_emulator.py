"""The stand-in for Azure ML, against the real SDK: what the tests of the Azure layer rest on."""

import json
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from azureml.emulator import AzureML
from baking import environment, run
from mlflow_server import mlflow_server

pytestmark = pytest.mark.full

SDK = ["azure-ai-ml==1.35.2", "azure-identity", "azureml-mlflow==1.62.0.post6"]
MLFLOW = "mlflow==3.15.0"  # the newest that azureml-mlflow takes
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
SCHEDULE = """
name: nightly
trigger: {type: cron, expression: "0 3 * * *"}
create_job: ./pipeline.yml
"""


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with Azure ML's SDK."""
    folder = tmp_path_factory.mktemp("azure") / "venv"
    run(["uv", "venv", "--quiet", folder], folder.parent)
    python = folder / "bin" / "python"
    run(["uv", "pip", "install", "--quiet", "--python", python, *SDK, MLFLOW], folder.parent)
    return python


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
        "schedule.yml": SCHEDULE,
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
    return subprocess.run(
        [emulator.python, "-W", "ignore", "-c", PRELUDE + textwrap.dedent(script)],
        cwd=project,
        env=theirs | emulator.settings(managed_identity),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("managed_identity", [False, True], ids=["principal", "managed"])
def test_both_identities_reach_the_workspace(
    emulator: AzureML, project: Path, managed_identity: bool
):
    name = sdk(emulator, project, "answer(client.workspaces.get().name)", managed_identity)
    assert name == "workspace"
    asked = {path for _, path in emulator.requests}
    assert ("/msi/token" in asked) == managed_identity
    assert ("/adfs/oauth2/token" in asked) != managed_identity


def test_a_wrong_secret_is_no_identity(
    emulator: AzureML, project: Path, monkeypatch: pytest.MonkeyPatch
):
    right = emulator.settings()
    monkeypatch.setattr(emulator, "settings", lambda _: right | {"AZURE_CLIENT_SECRET": "wrong"})
    done = call(emulator, project, "client.workspaces.get()")
    assert done.returncode == 1
    assert "Invalid client secret" in done.stderr


def test_a_data_asset_is_registered_and_found_again(emulator: AzureML, project: Path):
    script = """
    for folder in ("numbers.txt", "code"):
        kind = "uri_file" if folder == "numbers.txt" else "uri_folder"
        client.data.create_or_update(Data(name="numbers", path=folder, type=kind))
    first, latest = client.data.get("numbers", "1"), client.data.get("numbers", label="latest")
    versions = [data.version for data in client.data.list(name="numbers")]
    answer([first.path.rsplit("/", 1)[1], latest.version, latest.type, versions])
    """
    assert sdk(emulator, project, script) == ["numbers.txt", "2", "uri_folder", ["2", "1"]]


def test_lists_of_several_pages_are_read_to_the_end(emulator: AzureML, project: Path):
    emulator.documents.page = 2
    script = """
    for number in range(5):
        client.environments.create_or_update(
            Environment(name="steps", version=str(number), image="python:3.11"))
    answer([one.version for one in client.environments.list(name="steps")])
    """
    assert sdk(emulator, project, script) == ["4", "3", "2", "1", "0"]


def test_a_pipeline_runs_to_its_end_and_its_output_is_downloaded(emulator: AzureML, project: Path):
    emulator.jobs.queue = 1
    script = """
    environment()
    job = client.jobs.create_or_update(load_job("pipeline.yml"))
    before = job.status
    client.jobs.stream(job.name)
    client.jobs.download(job.name, output_name="result")
    steps = {step.display_name: step for step in client.jobs.list(parent_job_name=job.name)}
    client.jobs.download(steps["first"].name, download_path="first", all=True)
    states = {name: step.status for name, step in steps.items()}
    answer([before, client.jobs.get(job.name).status, states])
    """
    states = {"first": "Completed", "second": "Completed"}
    assert sdk(emulator, project, script) == ["NotStarted", "Completed", states]
    assert (project / "named-outputs/result/numbers.txt").read_text() == "10\n20\n30\n"
    first = project / "first"
    assert (first / "named-outputs/target/numbers.txt").read_text() == "2\n4\n6\n"
    assert (first / "artifacts/user_logs/std_log.txt").read_text() == "reading numbers.txt\n"


def test_a_failing_step_fails_its_pipeline_with_its_last_words(emulator: AzureML, project: Path):
    pipeline = project / "pipeline.yml"
    once = "      source: ${{parent.inputs.numbers}}\n"
    pipeline.write_text(pipeline.read_text().replace(once, once + "      limit: 5\n"))
    script = """
    environment()
    job = client.jobs.create_or_update(load_job("pipeline.yml"))
    try:
        client.jobs.stream(job.name)
    except Exception as error:
        words = str(error)
    states = {step.display_name: step.status for step in client.jobs.list(parent_job_name=job.name)}
    answer([words, client.jobs.get(job.name).status, states])
    """
    words, status, states = sdk(emulator, project, script)
    assert "Failed nodes: /first." in words
    assert "ValueError: 6 is too much" in words
    assert (status, states) == ("Failed", {"first": "Failed", "second": "Canceled"})


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


def test_models_and_data_are_published_to_the_registry(emulator: AzureML, project: Path):
    script = """
    model = Model(name="churn", path="code", type="custom_model", tags={"stage": "champion"})
    client.models.create_or_update(model)
    client.models.share(
        "churn", "1", registry_name="registry", share_with_name="shared", share_with_version="3")
    registry = MLClient(credential, registry_name="registry")
    model = Model(name="own", version="1", path="code", type="custom_model")
    own = registry.models.create_or_update(model)
    registry.data.create_or_update(
        Data(name="numbers", version="1", path="numbers.txt", type="uri_file"))
    registry.models.download("shared", "3")
    registry.models.download("own", "1")
    answer([registry.models.get("shared", "3").tags, own.id, registry.data.get("numbers", "1").id])
    """
    ids = ["models/own", "data/numbers"]
    ids = [f"azureml://registries/registry/{path}/versions/1" for path in ids]
    assert sdk(emulator, project, script) == [{"stage": "champion"}, *ids]
    for name in ("shared", "own"):
        assert (project / name / "code/times.py").read_text() == TIMES


def test_an_online_endpoint_has_deployments_traffic_and_keys(emulator: AzureML, project: Path):
    script = """
    environment()
    client.models.create_or_update(Model(name="churn", path="code", type="custom_model"))
    endpoint = ManagedOnlineEndpoint(name="churn", auth_mode="key")
    endpoint = client.online_endpoints.begin_create_or_update(endpoint).result()
    endpoint.traffic = {"blue": 100}
    try:
        client.online_endpoints.begin_create_or_update(endpoint).result()
    except HttpResponseError as error:
        words = error.error.message
    client.online_deployments.begin_create_or_update(ManagedOnlineDeployment(
        name="blue", endpoint_name="churn", model="azureml:churn:1", environment="azureml:steps:1",
        code_configuration=CodeConfiguration(code="code", scoring_script="times.py"),
        instance_type="Standard_DS3_v2", instance_count=1)).result()
    client.online_endpoints.begin_create_or_update(endpoint).result()
    found = client.online_endpoints.get("churn")
    deployments = [one.name for one in client.online_deployments.list("churn")]
    key = client.online_endpoints.get_keys("churn").primary_key
    client.online_endpoints.begin_delete("churn").result()
    left = [one.name for one in client.online_endpoints.list()]
    answer([words, found.traffic, deployments, key, left])
    """
    words = "Traffic names deployments that do not exist: blue."
    expected = [words, {"blue": 100}, ["blue"], "primary", []]
    assert sdk(emulator, project, script) == expected


def test_batch_endpoints_and_clusters_are_created(emulator: AzureML, project: Path):
    script = """
    environment()
    client.models.create_or_update(Model(name="churn", path="code", type="custom_model"))
    client.compute.begin_create_or_update(
        AmlCompute(name="big", size="Standard_DS3_v2", max_instances=2)).result()
    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name="churn")).result()
    client.batch_deployments.begin_create_or_update(ModelBatchDeployment(
        name="nightly", endpoint_name="churn", model="azureml:churn:1", compute="big",
        environment="azureml:steps:1",
        code_configuration=CodeConfiguration(code="code", scoring_script="times.py"),
        settings=ModelBatchDeploymentSettings(mini_batch_size=10))).result()
    endpoint = client.batch_endpoints.get("churn")
    endpoint.defaults.deployment_name = "nightly"
    client.batch_endpoints.begin_create_or_update(endpoint).result()
    answer([client.batch_endpoints.get("churn").defaults.deployment_name,
            [compute.name for compute in client.compute.list()]])
    """
    assert sdk(emulator, project, script) == ["nightly", ["big", "cpu-cluster"]]


def test_a_schedule_is_created_and_disabled(emulator: AzureML, project: Path):
    script = """
    from azure.ai.ml.entities._load_functions import load_schedule
    environment()
    client.schedules.begin_create_or_update(load_schedule("schedule.yml")).result()
    before = client.schedules.get("nightly")
    client.schedules.begin_disable("nightly").result()
    after = client.schedules.get("nightly")
    answer([before.trigger.expression, before.is_enabled, after.is_enabled])
    """
    assert sdk(emulator, project, script) == ["0 3 * * *", True, False]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, "ClientAuthenticationError"),
        (403, "HttpResponseError"),
        (404, "ResourceNotFoundError"),
        (409, "ResourceExistsError"),
    ],
)
def test_refusals_are_told_as_such(emulator: AzureML, project: Path, status: int, error: str):
    emulator.fault("GET", "/models/churn", status, times=9)
    script = """
    try:
        client.models.get("churn", "1")
    except HttpResponseError as error:
        answer([type(error).__name__, error.status_code])
    """
    assert sdk(emulator, project, script) == [error, status]


@pytest.mark.parametrize("trouble", [{"status": 429}, {"status": 500}, {"cut": True}], ids=str)
def test_passing_trouble_is_borne_by_the_sdk(
    emulator: AzureML, project: Path, trouble: dict[str, int]
):
    emulator.fault("GET", "/workspaces/workspace$", times=2, **trouble)
    assert sdk(emulator, project, "answer(client.workspaces.get().name)") == "workspace"
    asked = [path for _, path in emulator.requests if path.endswith("/workspaces/workspace")]
    assert len(asked) == 3


def test_a_slow_answer_is_waited_for(emulator: AzureML, project: Path):
    emulator.fault("GET", "/workspaces/workspace$", delay=2)
    assert sdk(emulator, project, "answer(client.workspaces.get().name)") == "workspace"


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
