"""Run the images of models, with the folders of this machine mounted."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from io import StringIO
from pathlib import Path
from types import MappingProxyType

from seedling.config import Project
from seedling.containers import entry_points, images
from seedling.errors import ProjectError
from seedling.processes import refuse_taken
from seedling.registry import folder as named_models
from seedling.serving import background_service
from seedling.serving.client import Client
from seedling.settings import API_KEY, AUTHENTICATION, ENTRA_AUDIENCE, passed_on_values

PORT = 5000  # of the service in its container
WHO_MAY_ASK = (API_KEY, AUTHENTICATION, ENTRA_AUDIENCE)


def train(project: Project, tag: str, table: str, name: str) -> None:
    """Train in a container, with the folders of the tables and of the models mounted.

    Args:
        project: the project whose folders are mounted.
        tag: the name of the image.
        table: `$ref` of the payload, such as data/table.csv.
        name: `model_name` of the payload.

    Raises:
        ProjectError: no engine is installed, or the container failed.
    """
    images.refuse_name(tag)
    tables = entry_points.data_folder(project, table)
    if not tables.is_dir():
        raise ProjectError(f"{tables} is missing: run create-local-datasets.")
    project.models_folder.mkdir(parents=True, exist_ok=True)
    payload = json.dumps({"$ref": table, "model_name": name}, ensure_ascii=False)
    options = [
        *_mount(tables, "/model/data", read_only=True),
        *_mount(project.models_folder, "/model/models"),
        *("--env", "TRAIN=1", "--env", f"PAYLOAD={payload}"),
    ]
    if _attended(tag, f"{_name(tag)}-{os.getpid()}", options):
        raise ProjectError("No model was trained; the lines above say why.")


def predict(
    project: Project,
    tag: str,
    names: str,
    port: int,
    detach: bool,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Serve the models of local_assets/models in a container, until Ctrl-C unless detached.

    Without a key in .env, callers need none: only this machine reaches the port.

    Args:
        project: its models are mounted.
        tag: the name of the image.
        names: the value of MODEL_NAME: models that training containers wrote, separated by commas;
            the registered models if empty.
        port: the port on this machine.
        detach: whether to return once the service is ready.
        variables: of the container, instead of the image's.

    Returns:
        The address of the service.

    Raises:
        ProjectError: no engine is installed, a model is missing, or the container failed.
    """
    for name in filter(None, (word.strip() for word in names.split(","))):
        named_models.refuse_name(name)
        if named_models.champion(project.models_folder / name) is None:
            raise ProjectError(f"No version of {name} is there to serve: train it first.")
    images.refuse_name(tag)
    if _runs(tag):
        raise ProjectError(f"The container {_name(tag)} runs already: run stop first.")
    _remove(tag)  # one that has failed
    refuse_taken(background_service.HOST, port)
    address = f"http://{background_service.HOST}:{port}"
    options = [*_mount(project.models_folder, "/action/models", read_only=True)]
    given = {**variables, **({"MODEL_NAME": names} if names else {})}
    options += [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
    if images.network() == ["--network", "host"]:
        options += ["--env", f"BIND={background_service.HOST}:{port}"]
    else:
        options += ["--publish", f"{background_service.HOST}:{port}:{PORT}"]
        if not any(setting.is_set() for setting in WHO_MAY_ASK):
            options += ["--env", "AUTHENTICATION=off"]
    if not detach:
        print(f"Serving at {address}; Ctrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):
            if _attended(tag, _name(tag), options):
                raise ProjectError("The container ended with an error; the lines above say why.")
        return address
    command = _command(tag, _name(tag), options, "--detach")
    if subprocess.call(command, stdout=subprocess.DEVNULL):
        raise ProjectError("The container did not start; the lines above say why.")
    try:
        background_service.until_ready(Client(address), lambda: _runs(tag), "its log is above")
    except ProjectError:
        subprocess.call([images.engine(), "logs", _name(tag)])
        _remove(tag)
        raise
    return address


def stop(tag: str) -> str:
    """Stop and remove the container of an image, as SIGTERM ends it; its name, if there was one."""
    if not _runs(tag):
        _remove(tag)
        return ""
    subprocess.run([images.engine(), "stop", _name(tag)], capture_output=True, check=False)
    _remove(tag)
    return _name(tag)


def _attended(tag: str, name: str, options: list[str]) -> int:
    """Run a container until it ends, or Ctrl-C ends it; its exit code."""
    try:
        return subprocess.call(_command(tag, name, options, "--rm"))
    except KeyboardInterrupt:  # it would outlive the engine's program
        subprocess.run([images.engine(), "stop", name], capture_output=True, check=False)
        raise


def _remove(tag: str) -> None:
    words = ["rm", "--force", "--volumes", _name(tag)]
    subprocess.run([images.engine(), *words], capture_output=True, check=False)


def _command(tag: str, name: str, options: list[str], how: str) -> list[str]:
    """Return the command that runs an image as this user; only mounted folders are writable."""
    hardened = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]  # noqa: S108 - the container's
    terminal = ["--interactive", "--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    passed_on = [word for name in passed_on_values() for word in ("--env", name)]
    return [
        *(images.engine(), "run", how, "--name", name),
        *(*images.network(), *hardened, *_user(), *terminal, *passed_on, *options, tag),
    ]


def _user() -> list[str]:
    """Return the engine's options for this user; none on Windows, which has no user numbers."""
    if sys.platform == "win32":
        return []
    same = ["--userns", "keep-id"] if Path(images.engine()).name == "podman" else []
    return [*same, "--user", f"{os.getuid()}:0"]


def _mount(folder: Path, target: str, read_only: bool = False) -> list[str]:
    fields = ["type=bind", f"source={folder.resolve()}", f"target={target}"]
    line = StringIO()  # engines read it as CSV
    csv.writer(line, lineterminator="").writerow([*fields, *(["readonly"] if read_only else [])])
    return ["--mount", line.getvalue()]


def _runs(tag: str) -> bool:
    command = [images.engine(), "inspect", "--format", "{{.State.Running}}", _name(tag)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() == "true"


def _name(tag: str) -> str:
    """Return the name of an image's container."""
    return re.sub(r"[^a-zA-Z0-9_.-]", "-", tag)
