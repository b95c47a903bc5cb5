"""Environments on Azure ML: made of what pyproject.toml names, registered once for each content."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import workspace
from seedling.config import Project
from seedling.files import sha256, write_text
from seedling.requirements import required

DOCKERFILE = Path(__file__).with_name("Dockerfile")


def register(
    project: Project, client: Any, name: str, groups: Sequence[str], packages: Sequence[str] = ()
) -> str:
    """Register an environment, unless it is there already with the same content.

    Args:
        project: its pyproject.toml, constraints.txt and Dockerfile are the content.
        client: of the workspace.
        name: the environment's.
        groups: of pyproject.toml, beside what every part of the project needs.
        packages: more requirements.

    Returns:
        `name:version`, as `register_context`.
    """
    texts = {
        "Dockerfile": DOCKERFILE.read_text(encoding="utf-8"),
        "requirements.txt": "\n".join([*requirements(project, groups), *packages, ""]),
        "constraints.txt": (project.root / "constraints.txt").read_text(encoding="utf-8"),
    }
    with TemporaryDirectory() as folder:
        for file, text in texts.items():
            write_text(Path(folder) / file, text)
        return register_context(client, name, Path(folder))


def register_context(
    client: Any, name: str, context: Path, inference: Mapping[str, Any] | None = None
) -> str:
    """Register an environment that is built from a folder, unless it is there already.

    Args:
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
            made = Environment(name=name, version=version, build=build, inference_config=inference)
            client.environments.create_or_update(made)
    return f"{name}:{version}"


def requirements(project: Project, groups: Sequence[str]) -> list[str]:
    """List what the project and these groups of it require."""
    return sorted(required(project.root, groups))
