"""The Azure of a world: its workspace before the first job, and the variables that name it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import warm
from azureml.certificate import VAULT
from azureml.emulator import AzureML
from azureml.tokens import CLIENT, SUBJECT
from azureml.tunnel import Tunnel
from azureml.workspace import GROUP, SUBSCRIPTION, WORKSPACE
from ci.environments import borrow
from ci.world import World

VARIABLES = ".pipelines/templates/variables.yml"
SITE = "hello-ci"
KEY = "a-key-of-more-than-sixteen-letters"
SECRET = f"https://{VAULT}/secrets/key"
NAME = "hello_ci-treadmill-linear_regression"  # of the model in the workspace
VERSIONS = f"workspaces/{WORKSPACE}/models/{NAME}/versions"
# What a person does once from a laptop: the data, and a champion that is easily beaten.
BEGIN = """
from contextlib import suppress

from seedling.azure.registry import AzureRegistry
from seedling.cli.main import main
from seedling.config import Project
from seedling.steps import options, prepare, train

for verb in ("create-local-datasets", "register-datasets-in-aml"):
    with suppress(SystemExit):
        main([verb], standalone_mode=False)
project = Project.find()
model = "linear_regression"
prepare.main([], standalone_mode=False)
words = ["--model", model, "--once", "--set", "fit_intercept=false"]
train.main(words, standalone_mode=False)
folder = options.left(project, None, f"train_{model}", "trained") / "model"
registry = AzureRegistry(project)
name = registry.name_of("treadmill", model)
version = registry.register(name, folder, {"description": "", "model": model})
registry.set_champion(name, version.version)
"""


@contextmanager
def cloud(prepared: Path, folder: Path, serving: Path | None = None) -> Iterator[AzureML]:
    """Azure's stand-in, whose steps run with the packages of a prepared environment.

    Args:
        prepared: the `.venv` of an initialised project.
        folder: a new one.
        serving: the Python of an environment with the inference server, for online deployments.
    """
    folder.mkdir(parents=True)
    runs = folder / "mlflow.db"
    warm.add_runs(prepared.parent, prepared / "bin" / "python", runs)
    with AzureML(borrow(prepared, folder / "steps"), serving=serving) as azure:
        azure.jobs.settings["MLFLOW_TRACKING_URI"] = f"sqlite:///{runs}"
        azure.jobs.known.names = ("prepare", "train")
        azure.web.secrets[SECRET] = KEY
        tunnel = Tunnel(int(azure.address.rpartition(":")[2]), [VAULT])
        azure.network = tunnel.settings()
        try:
            yield azure
        finally:
            tunnel.stop()


def settle(world: World) -> None:
    """Describe Azure in the repository and in its variables."""
    files = {"model.yaml": world.text("main", "model.yaml") + _aml(world.azure)}
    if world.has("main", VARIABLES):
        files[VARIABLES] = _filled(world.text("main", VARIABLES))
    world.commit("main", files)
    for branch in ("develop", "app-dev", "prod"):
        world.merge("main", branch)
    world.variables |= {
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_TENANT_ID": SUBJECT,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AML_RESOURCE_GROUP": GROUP,
        "AML_WORKSPACE": WORKSPACE,
        "ENVIRONMENT": "dev",
        "APPROVAL_ENVIRONMENT": "production",
    }


def begin(world: World) -> None:
    """Put into Azure what a team has before the first training there."""
    desk = world.machine()
    checkout = desk.check_out(world.commit_of("main"))
    python = checkout / ".venv" / "bin" / "python"
    warm.add_runs(checkout, python)
    known = desk.variables | world.azure.settings()
    done = warm.call(python, ["-c", BEGIN], checkout, known, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tags(world, 1)


def _filled(text: str) -> str:
    """The pipelines' variables, with the names of this workspace."""
    here = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "AML_RESOURCE_GROUP": GROUP}
    for name, value in (here | {"AML_WORKSPACE": WORKSPACE, "APPROVERS": "Ada"}).items():
        assert f'{name}: ""' in text, name
        text = text.replace(f'{name}: ""', f'{name}: "{value}"')
    return text


def tags(world: World, version: int) -> dict[str, str] | None:
    """The tags of the model's version in the workspace; None if there is no such version."""
    found = world.azure.documents.find(f"{VERSIONS}/{version}")
    return found and found["properties"]["tags"]


def _aml(azure: Any) -> str:
    """The section of model.yaml: endpoints where models are trained, a web app where they serve."""
    usual = {"plan": "plan", "patience": 30, "container_registry": azure.web.registry}
    usual["api_key_secret"] = SECRET
    environments = {
        "dev": {"deploy": ["online", "batch"]},
        "app-dev": {"development": True, "web_app": usual | {"site_name": f"{SITE}-dev"}},
        "prod": {"web_app": usual | {"site_name": SITE}},
    }
    return f"\naml: {json.dumps({'environments': environments})}\n"
