"""Environments on Azure ML: made of what pyproject.toml names, registered once for each content."""

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.files import write_text

from mlops.aml import workspace

DOCKERFILE = Path("mlops/aml/Dockerfile")


def register(
    project: Project, client: Any, name: str, groups: Sequence[str], packages: Sequence[str] = ()
) -> str:
    """Register an environment, unless it is there already with the same content.

    Args:
        project: whose pyproject.toml, constraints.txt and Dockerfile it is made of.
        client: of the workspace.
        name: the environment's.
        groups: of pyproject.toml, beside what every part of the project needs.
        packages: more requirements.

    Returns:
        `name:version`; the version is a hash of the content.
    """
    from azure.ai.ml.entities import BuildContext, Environment
    from azure.core.exceptions import ResourceNotFoundError

    texts = {
        "Dockerfile": (project.root / DOCKERFILE).read_text(encoding="utf-8"),
        "requirements.txt": "\n".join([*requirements(project, groups), *packages, ""]),
        "constraints.txt": (project.root / "constraints.txt").read_text(encoding="utf-8"),
    }
    version = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()[:16]
    with workspace.in_words(f"Registering the environment {name}"), TemporaryDirectory() as folder:
        try:
            client.environments.get(name, version)
        except ResourceNotFoundError:
            for file, text in texts.items():
                write_text(Path(folder) / file, text)
            context = BuildContext(path=folder)
            made = Environment(name=name, version=version, build=context)
            client.environments.create_or_update(made)
    return f"{name}:{version}"


def requirements(project: Project, groups: Sequence[str]) -> list[str]:
    """What the project and these groups of it require."""
    text = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    declared = tomllib.loads(text)["project"]
    optional = declared["optional-dependencies"]
    wanted = [*declared["dependencies"], *(line for group in groups for line in optional[group])]
    return sorted(set(wanted))
