"""Environments on Azure ML: made of what pyproject.toml names, registered once for each content.

A training may have another: one that is there by name, or one that is made of a conda file.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from seedling.azure import workspace
from seedling.config import Project, read_text
from seedling.config.document import parse
from seedling.errors import ProjectError
from seedling.files import sha256, write_text
from seedling.requirements import required

DOCKERFILE = Path(__file__).with_name("Dockerfile")
CONDA_IMAGE = "mcr.microsoft.com/azureml/openmpi5.0-ubuntu24.04:latest"  # below a conda file
PROJECT = "project"  # the tag of what a project has made
IN_REGISTRY = "azureml://registries/"


def for_training(project: Project, client: Any, groups: Sequence[str], model: str = "") -> str:
    """Return the environment of a training's steps: the one that model.yaml names, or its own.

    Args:
        project: its model.yaml may have `aml_env_name` or `conda_path`.
        client: of the workspace.
        groups: of pyproject.toml, where it names neither.
        model: the model that is trained; the whole project unless given.

    Raises:
        ProjectError: there is no such environment or file, or Azure refuses.
    """
    wanted = workspace.settings(project, model).training
    if wanted.aml_env_name is not None:
        return _existing(client, wanted.aml_env_name)
    if wanted.conda_path is not None:
        return _of_conda(project, client, wanted.conda_path)
    return register(project, client, project.config.slug, groups)


def _existing(client: Any, name: str) -> str:
    """Return `name:version` of an environment of the workspace, or the URI of a registry's."""
    if name.startswith(IN_REGISTRY):
        return name  # the SDK looks for it in the registry as it submits the job
    return workspace.find_asset(
        client.environments, "environment", name, "", "correct aml_env_name in model.yaml."
    )


def _of_conda(project: Project, client: Any, file: str) -> str:
    """Return `name:version` of an environment of a conda file; the version is a hash of it."""
    from azure.ai.ml.entities import Environment
    from azure.core.exceptions import ResourceNotFoundError

    path, name = project.root / file, f"{project.config.slug}-conda"
    if not path.is_file():
        raise ProjectError(f"conda_path: there is no {file} in the project.")
    if not isinstance(parse(YAML(typ="safe", pure=True), read_text(path), path), Mapping):
        raise ProjectError(f"{file} is no conda file: it has no keys.")
    version = sha256(path)[:16]
    with workspace.project_errors(f"Registering the environment {name}"):
        try:
            client.environments.get(name, version)
        except ResourceNotFoundError:
            made = Environment(
                name=name,
                version=version,
                image=CONDA_IMAGE,
                conda_file=path,
                tags={PROJECT: project.config.slug},
            )
            client.environments.create_or_update(made)
    return f"{name}:{version}"


def register(
    project: Project,
    client: Any,
    name: str,
    groups: Sequence[str],
    packages: Sequence[str] = (),
    image: str | None = None,
) -> str:
    """Register an environment, unless it is there already with the same content.

    Args:
        project: its pyproject.toml, constraints.txt and Dockerfile are the content.
        client: of the workspace.
        name: the environment's.
        groups: of pyproject.toml, beside what every part of the project needs.
        packages: more requirements.
        image: the one below; that of the project's jobs unless given.

    Returns:
        `name:version`, as `register_context`.
    """
    texts = {
        "Dockerfile": dockerfile(project, image),
        "requirements.txt": "\n".join([*requirements(project, groups), *packages, ""]),
        "constraints.txt": (project.root / "constraints.txt").read_text(encoding="utf-8"),
    }
    with TemporaryDirectory() as folder:
        for file, text in texts.items():
            write_text(Path(folder) / file, text)
        return register_context(project, client, name, Path(folder))


def register_context(
    project: Project,
    client: Any,
    name: str,
    context: Path,
    inference: Mapping[str, Any] | None = None,
) -> str:
    """Register an environment that is built from a folder, unless it is there already.

    Args:
        project: its tag says whose environment it is.
        client: of the workspace.
        name: the environment's.
        context: the folder, with a Dockerfile.
        inference: the routes of a deployment's container.

    Returns:
        `name:version`; the version is a hash of the folder. Azure builds the image when it is first
        asked for.
    """
    from azure.ai.ml.entities import BuildContext, Environment
    from azure.core.exceptions import ResourceNotFoundError

    version = sha256(context)[:16]
    with workspace.project_errors(f"Registering the environment {name}"):
        try:
            client.environments.get(name, version)
        except ResourceNotFoundError:
            build = BuildContext(path=str(context))
            made = Environment(
                name=name,
                version=version,
                build=build,
                inference_config=inference,
                tags={PROJECT: project.config.slug},
            )
            client.environments.create_or_update(made)
    return f"{name}:{version}"


def dockerfile(project: Project, image: str | None = None) -> str:
    """Return the text of the Dockerfile, on this image, or the one that `aml` names, if it does."""
    text, aml = DOCKERFILE.read_text(encoding="utf-8"), project.config.aml
    below = image or (aml.base_image if aml else None)
    return re.sub(r"(?m)^FROM .*$", f"FROM {below}", text, count=1) if below else text


def requirements(project: Project, groups: Sequence[str]) -> list[str]:
    """List what the project and these groups of it require."""
    return sorted(required(project.root, groups))
