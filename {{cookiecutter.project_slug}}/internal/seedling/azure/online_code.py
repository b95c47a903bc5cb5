"""The content of an online deployment: the service's folder, and its environment."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import workspace
from seedling.config import Project, RegisteredModel
from seedling.containers import images
from seedling.data import instances
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.registry import model_files
from seedling.requirements import required
from seedling.serving import assets, try_endpoint
from seedling.settings import SERVED_MODELS

SCRIPT = "internal/seedling/azure/score.py"
# A deployment's disk is gone with its container: nothing may be kept there.
VARIABLES = {"PREDICTION_LOG": "off"}
# Variables of .env that are for this machine only: a deployment does not get them.
ONLY_HERE = ("ENVIRONMENT", "MODELS_FOLDER", "MODEL_NAME", "SERVED_MODELS")
SERVER = "azureml-inference-server-http"
SERVER_PINS = Path(__file__).with_name("inference_server.txt")
PORT = 5001
MAX_TRIAL_SECONDS = 300  # for all models to load and to answer their test instances
ROUTES = {
    "liveness_route": {"port": PORT, "path": "/"},
    "readiness_route": {"port": PORT, "path": "/"},
    "scoring_route": {"port": PORT, "path": "/score"},
}

# Azure sets AML_APP_ROOT and AZUREML_ENTRY_SCRIPT where a deployment has code of its own.
DOCKERFILE = """FROM python:3.11-slim
COPY requirements.txt constraints.txt /opt/environment/
RUN python -m pip install --no-cache-dir --requirement /opt/environment/requirements.txt \\
    --constraint /opt/environment/constraints.txt
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /tmp
EXPOSE 5001
USER 1001:0
CMD ["sh", "-c", "exec azmlinfsrv --entry_script $AML_APP_ROOT/$AZUREML_ENTRY_SCRIPT"]
"""


def models(project: Project, model: str = "") -> list[str]:
    """List the models that a deployment serves, in the order of model.yaml.

    Args:
        project: the project of the models.
        model: the only one; all unless given.

    Raises:
        ProjectError: none is registered, or not that one.
    """
    known = list(dict.fromkeys(registered.model for registered in project.config.models))
    if not known:
        raise ProjectError("No model is registered yet: run train first.")
    if model and model not in known:
        raise ProjectError(
            f"There is no registered model {model!r}; there are: {', '.join(known)}."
        )
    return [model] if model else known


def variables(model: str = "") -> dict[str, str]:
    """Return the environment variables of a deployment."""
    return VARIABLES | ({SERVED_MODELS.name: model} if model else {})


def script(project: Project, model: str = "") -> str:
    """Return the path of the scoring script, from the project's folder."""
    return workspace.settings(project, model).online.score_file_name or SCRIPT


def versions(project: Project, model: str = "") -> dict[str, str]:
    """Return the registered versions by the name that they are registered under."""
    found: dict[str, list[str]] = {}
    for registered in served(project, model):
        found.setdefault(registered.name, []).append(registered.version)
    return {name: ", ".join(versions) for name, versions in found.items()}


def served(project: Project, model: str = "") -> list[RegisteredModel]:
    """Return the registered versions that a deployment of this model has, or of all."""
    return [one for one in project.config.models if model in ("", one.model)]


def stage(project: Project, folder: Path, model: str = "") -> None:
    """Copy what a deployment runs.

    Raises:
        ProjectError: a registered version is not here, its files are not those registered, or the
            scoring script of model.yaml is not among what is deployed.
    """
    kept = served(project, model)
    assets.refuse_missing(project, kept)
    for registered in kept:
        model_files.verify(project.model_path(registered), registered.sha256)
    folder.mkdir()
    images.stage(project, folder)
    for other in project.config.models:
        if other not in kept:
            shutil.rmtree(folder / images.MODELS / other.name / other.version)
    refuse_missing(folder, script(project, model), "online")


def refuse_missing(folder: Path, script: str, section: str) -> None:
    """Raise ProjectError if a deployment's folder has no such scoring script."""
    if not (folder / script).is_file():
        raise ProjectError(
            f"{section}.score_file_name of model.yaml: {script} is not among what is deployed, "
            "such as the files of serve/ and models/."
        )


def attempt(project: Project, folder: Path, model: str = "") -> list[try_endpoint.Tried]:
    """Try a staged folder on this machine: what each model answers to its test instances.

    Raises:
        ProjectError: the scoring script does not start, or test instances are missing.
    """
    names = models(project, model)
    files = {name: test_file(project, name) for name in names}
    with TemporaryDirectory() as scratch:
        paths = [Path(scratch) / f"{name}.json" for name in names]
        for name, path in zip(names, paths, strict=True):
            write_text(path, json.dumps(body_for(name, instances.read(project, name, files[name]))))
        answers = scored(folder, script(project, model), paths, variables(model))
        said = dict(zip(names, answers, strict=True))

    def tried(name: str) -> try_endpoint.Tried:
        return try_endpoint.attempt_by(project, name, lambda _: _answered(said[name]), files[name])

    return [tried(name) for name in names]


def test_file(project: Project, model: str) -> str | None:
    """Return the path of a model's test instances in model.yaml; None if they are its own."""
    return workspace.settings(project, model).online.test_file_path


def body_for(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a request body for an endpoint, which has one route for all models."""
    return {"model": model, **body}


def write_context(
    project: Project, folder: Path, groups: Sequence[str] = (), packages: Sequence[str] = ()
) -> None:
    """Write what the environment's image is built from: groups of packages, and Azure ML's server.

    The server has pins of its own; everything else is as constraints.txt has it.

    Args:
        project: of the packages.
        folder: where it is written.
        groups: of pyproject.toml; those of the service unless given.
        packages: more requirements.
    """
    chosen = groups or [each for each in images.groups(project) if each != "azure"]  # it logs none
    lines = {"requirements.txt": [*required(project.root, chosen), *packages, SERVER]}
    own = _pins(SERVER_PINS)
    pinned = _pins(project.root / "constraints.txt")
    kept = [line for line in pinned if _name(line) not in {_name(pin) for pin in own}]
    lines["constraints.txt"] = [*kept, *own]
    write_text(folder / "Dockerfile", DOCKERFILE)
    for name, written in lines.items():
        write_text(folder / name, "".join(f"{line}\n" for line in written))


def scored(
    folder: Path, script: str, paths: Sequence[Path], given: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Run the scoring script of a staged folder on the bodies in these files; return its answers.

    Raises:
        ProjectError: it does not start, or takes too long.
    """
    variables = dict.fromkeys(ONLY_HERE, "") | dict(given) | {"PYTHONUTF8": "1"}
    try_script = [sys.executable, "-m", "seedling.azure.try_script", script]
    try:
        done = subprocess.run(
            [*try_script, *(str(path) for path in paths)],
            cwd=folder,
            env=os.environ | variables,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=MAX_TRIAL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ProjectError(
            f"{script} has not answered here in {MAX_TRIAL_SECONDS} seconds. Nothing was deployed."
        ) from None
    lines = done.stdout.splitlines()[-len(paths) :]
    if done.returncode or len(lines) < len(paths):
        words = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise ProjectError(
            f"{script} does not start on this machine: {words.removeprefix(_ERROR)} "
            "Nothing was deployed."
        )
    return [json.loads(line) for line in lines]


_ERROR = f"{ProjectError.__module__}.{ProjectError.__name__}: "


def _answered(said: dict[str, Any]) -> Any:
    if said["status"] != 200:
        raise ProjectError(f"it answers {said['status']}: {said['answer']['error']}")
    return said["answer"]


def _pins(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _name(pin: str) -> str:
    """Return the package of a line such as `numpy==2.4.6 ; python_full_version < '3.12'`."""
    return re.split(r"[=\s\[]", pin, maxsplit=1)[0]
