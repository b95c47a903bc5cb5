"""A run script on Azure ML from a notebook: the real SDK, on a stand-in for Azure."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import warm
import yaml
from azure_project import ask, installed_in, said_by, steps_python, told
from azureml.emulator import AzureML
from baking import python_of, run
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Sending", "models": "logistic_regression"}
SERVICE = "sending-run-service-1"
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks.py"
CONTEXT = """
import sys
from pathlib import Path
from seedling.azure import ml_run, online_code
from seedling.config import Project

online_code.write_context(Project.find(), Path(sys.argv[1]), ml_run.GROUPS)
"""
SPACY = """
#=====custom imports
import pandas as pd
import spacy
from spacy.training import Example

#=====set experiment and model name
experiment_name = "sending_run"
model_name = "sending-names"

#=====import data
X_train = X_test = pd.DataFrame({"text": ["Ann is here", "So is Bob", "Or Eve"]})
y_train = y_test = [[(0, 3, "name")], [(6, 9, "name")], [(3, 6, "name")]]

#=====custom training code
params["smoke"] = True
model = spacy.blank("xx")
model.add_pipe("ner").add_label("name")
examples = [
    Example.from_dict(model.make_doc(text), {"entities": spans})
    for text, spans in zip(X_train["text"], y_train)
]
model.update(examples, sgd=model.initialize(lambda: examples))
"""
# It works on this machine, and not where a deployment runs.
NO_SCRIPT = """
import os


def init():
    if "AML_APP_ROOT" in os.environ:
        raise RuntimeError("nobody is at home")


def run(data):
    return {"predictions": ["<=50K"] * 5}
"""


@pytest.fixture(scope="module")
def sending(installed) -> Path:
    """A project with the SDK and a kernel, and a dataset."""
    project = installed(ANSWERS, "train,serve,dev,aml,notebooks")
    verb(project, "create-local-datasets")
    warm.lend(python_of(project))
    return project


@pytest.fixture(scope="module")
def jobs(sending: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the environment that the job's image has."""
    return steps_python(sending, tmp_path_factory.mktemp("jobs"), "train", "aml")


@pytest.fixture(scope="module")
def serving(sending: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the environment that the deployment's image has."""
    folder = tmp_path_factory.mktemp("serving")
    written = said_by(sending, {}, "-c", CONTEXT, str(folder))
    assert written.returncode == 0, written.stderr
    return installed_in(folder)


@pytest.fixture(scope="module")
def emulator(jobs: Path, serving: Path, mlflow: str) -> Iterator[AzureML]:
    with AzureML(jobs, mlflow=mlflow, serving=serving) as emulator:
        yield emulator
        assert emulator.unknown == []


def execute(project: Path, emulator: AzureML, name: str, folder: str) -> dict[str, str]:
    """What each cell of a notebook has shown, by its id."""
    words = [str(NOTEBOOKS), f"notebooks/{name}.ipynb", folder]
    done = said_by(project, emulator.settings(), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def do(project: Path, emulator: AzureML, lines: str) -> "subprocess.CompletedProcess[str]":
    """Lines of Python that begin with a run."""
    before = "from seedling.azure_run import AzureMLRun\nrun = AzureMLRun('run')\n"
    return said_by(project, emulator.settings(), "-c", before + lines)


def experiment(project: Path) -> Path:
    (found,) = (project / "run").glob("*.yml")
    return found


@contextmanager
def edited(path: Path, text: str) -> Iterator[None]:
    """A file with this text, for a while."""
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def submitted(sending: Path, emulator: AzureML) -> dict[str, str]:
    """What submit.ipynb has shown, from its own folder."""
    return execute(sending, emulator, "submit", "notebooks")


def test_submit_walks_from_nothing_to_a_completed_job(submitted: dict[str, str]):
    assert "next             setup_run()" in submitted["instantiate"]
    assert "sections yours" in submitted["check"]
    assert "The cluster is cpu-cluster." in submitted["set-up"]
    assert "is Completed." in submitted["follow"]
    assert "roc_auc" in submitted["follow"]  # of the job's own log
    assert "version 1" in submitted["state"]
    assert "next             deploy_locally()" in submitted["state"]


def test_deploy_goes_on_in_another_kernel_to_a_healthy_endpoint(
    sending: Path, emulator: AzureML, submitted: dict[str, str]
):
    shown = execute(sending, emulator, "deploy", ".")
    assert "Completed" in shown["instantiate"]
    here = shown["deploy-locally"]
    assert "answers 5 rows on this machine" in here
    assert "Creating blue of" in shown["deploy"]
    assert "Healthy after" in shown["deploy"]
    assert here.endswith(shown["test"])
    assert "Healthy, https://" in shown["state"]
    assert "clean_up(yes=True) removes it" in shown["clean-up"]
    service = next(iter(endpoints(emulator)))
    tags = emulator.documents.get(f"{ENDPOINTS}/{service}")["tags"]
    assert tags.items() >= {"project": "sending", "model": "sending_run"}.items()


ENDPOINTS = "workspaces/workspace/onlineEndpoints"


def endpoints(emulator: AzureML) -> set[str]:
    return {one["name"] for one in emulator.documents.children(ENDPOINTS)}


def test_an_unhealthy_deployment_shows_its_log_and_is_gone(
    sending: Path, emulator: AzureML, submitted: dict[str, str]
):
    before = endpoints(emulator)
    with edited(sending / "run" / "score.py", NO_SCRIPT):
        done = do(sending, emulator, "run.deploy_model()")
    assert done.returncode == 1
    assert "nobody is at home" in done.stdout
    assert "Unhealthy after" in done.stderr
    assert "is deleted." in done.stderr.splitlines()[-1]
    names = {
        deployment["name"]
        for name in before
        for deployment in emulator.documents.children(f"{ENDPOINTS}/{name}/deployments")
    }
    assert names <= {"blue"}


def test_a_taken_name_is_raised_and_written_with_the_comments_kept(
    sending: Path, emulator: AzureML, submitted: dict[str, str]
):
    path = experiment(sending)
    before = path.read_text()
    emulator.online.taken = {"wanted-3"}
    text = f"{before}# a remark at the end\n"
    try:
        with edited(path, text):
            lines = "run.yaml_config.setkeyvalue('service_name', 'wanted-3')\nrun.deploy_model()\n"
            done = do(sending, emulator, lines + "print(run)")
            assert done.returncode == 0, done.stdout + done.stderr
            assert "wanted-4: Healthy" in done.stdout
            after = path.read_text()
        name = next(line for line in before.splitlines() if line.startswith("service_name"))
        assert after == text.replace(name, "service_name: wanted-4")
    finally:
        emulator.online.taken = set()
    assert "wanted-4" in endpoints(emulator)


def test_a_run_may_serve_on_a_kubernetes_cluster(
    sending: Path, emulator: AzureML, submitted: dict[str, str]
):
    """By its share of the cluster's machines; no other kind of cluster serves."""
    cluster = {"computeType": "Kubernetes", "properties": {"namespace": "default"}}
    emulator.documents.put("workspaces/workspace/computes/DevelopDeployed", {"properties": cluster})
    path = sending / "run" / "azure-compute-config.json"
    wanted = json.loads(path.read_text()) | {"deploy_dns_name": "on-ours"}
    with edited(path, json.dumps(wanted | {"deploy_cluster_name": "cpu-cluster"})):
        refused = do(sending, emulator, "run.deploy_model()")
    assert refused.returncode == 1
    assert "deploy_cluster_name: cpu-cluster is of the type amlcompute" in refused.stderr
    with edited(path, json.dumps(wanted | {"deploy_cluster_name": "DevelopDeployed"})):
        done = do(sending, emulator, "run.deploy_model()\nprint(run.test())")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "blue answers 5 rows as here" in done.stdout
    made = emulator.documents.get(f"{ENDPOINTS}/on-ours/deployments/blue")["properties"]
    asked = {"cpu": "0.2", "memory": "1Gi"}
    assert made["containerResourceRequirements"]["containerResourceRequests"] == asked
    with edited(path, json.dumps(wanted)):
        elsewhere = do(sending, emulator, "run.deploy_model()")
    assert "the endpoint on-ours is on the cluster DevelopDeployed, and stays" in elsewhere.stderr


def test_clean_up_removes_only_what_this_project_has_made(
    sending: Path, emulator: AzureML, submitted: dict[str, str]
):
    theirs = {"tags": {"project": "other"}, "location": "westeurope"}
    properties = {"authMode": "Key", "properties": {}}
    emulator.documents.put(f"{ENDPOINTS}/others", theirs | {"properties": properties})
    listed = ask(sending, emulator.settings(), "clean-up")
    assert listed.returncode == 0, listed.stderr
    assert "with --yes they are removed" in listed.stdout
    assert "others" not in listed.stdout
    assert "cpu-cluster" not in listed.stdout  # was there before
    assert "environment " in listed.stdout
    assert endpoints(emulator) > {"others"}
    done = ask(sending, emulator.settings(), "clean-up", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert endpoints(emulator) == {"others"}
    assert emulator.documents.find("workspaces/workspace/computes/cpu-cluster")
    again = ask(sending, emulator.settings(), "clean-up", "--what", "endpoint")
    assert again.stdout == "The workspace has nothing that this project has made.\n"


def test_a_script_that_fails_says_its_last_line(sending: Path, emulator: AzureML):
    script = sending / "run" / "train.py"
    text = script.read_text(encoding="utf-8")
    wrong = text.replace("print(metrics)", "raise RuntimeError('a column is missing')")
    with edited(script, wrong):
        done = do(sending, emulator, "run.train_model()\nrun.follow()")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "is Failed: " in last
    assert "a column is missing" in last
    state = do(sending, emulator, "print(run)")
    assert "Failed" in state.stdout
    assert "next             train_model()" in state.stdout


def test_a_smoke_check_of_spacy_is_a_job_that_registers_and_deploys_nothing(
    sending: Path, emulator: AzureML, jobs: Path
):
    """It learns for one epoch; `dependencies` name spaCy, which the project itself has not."""
    command = ["uv", "pip", "install", "--quiet", "--python", jobs, "spacy", "-c"]
    run([*command, sending / "constraints.txt"], sending)
    described = experiment(sending)
    document = yaml.safe_load(described.read_text(encoding="utf-8"))
    document |= {"mlflow_model_type": "spaCy", "dependencies": ["spacy"], "local": []}
    document["model_name"] = "sending-names"  # as the script says
    script = edited(sending / "run" / "train.py", SPACY)
    with script, edited(described, yaml.dump(document)):
        lines = "run.train_model()\nrun.follow()\nprint(run)\nrun.deploy_model()"
        done = do(sending, emulator, lines)
    assert "is Completed." in done.stdout, done.stdout + done.stderr
    assert "f2" in done.stdout  # of the job's own log
    assert "Registered as" not in done.stdout
    assert done.returncode == 1
    assert "was a smoke check, which is no result: it is not deployed" in done.stderr


def test_azure_is_not_asked_before_the_first_step(sending: Path):
    lines = "from seedling.azure_run import AzureMLRun\nprint(AzureMLRun('run')._repr_html_())"
    done = subprocess.run(
        [python_of(sending), "-c", lines],
        cwd=sending,
        env=told({}) | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "<th" in done.stdout
