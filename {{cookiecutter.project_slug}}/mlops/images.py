"""Builds the image of the scoring service with docker or podman."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from {{cookiecutter.project_slug}} import compiled
from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.errors import ProjectError

PACKAGE = "{{cookiecutter.project_slug}}"
MODELS = "local_assets/models"
ENGINES = ("docker", "podman")


def build(project: Project, tag: str | None = None) -> None:
    """Build the service's image with the versions that model.yaml names, and no others.

    Args:
        project: whose service it is.
        tag: the image's name; the package's unless given.

    Raises:
        ProjectError: there is no engine, nothing is registered, or the build failed.
    """
    if not project.config.models:
        raise ProjectError("No model is registered in model.yaml yet: run train first.")
    extras = f"EXTRAS={' '.join(groups(project))}"
    command = [engine(), "build", "--tag", tag or PACKAGE, "--build-arg", extras]
    network = os.environ.get("CONTAINER_NETWORK")
    if network:
        command += ["--network", network]
    with TemporaryDirectory() as folder:
        stage(project, Path(folder))
        if subprocess.call([*command, folder]):
            raise ProjectError("The image was not built; the lines above tell why.")


def engine() -> str:
    """CONTAINER_ENGINE, or what is installed of docker and podman."""
    names = [os.environ["CONTAINER_ENGINE"]] if os.environ.get("CONTAINER_ENGINE") else ENGINES
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise ProjectError(f"There is no {' or '.join(names)} here to build and run images with.")


def groups(project: Project) -> list[str]:
    """What serving these models needs: `plain` too where one has no compiled form."""
    folders = [project.model_path(registered) for registered in project.config.models]
    plain = any(not (folder / compiled.FOLDER).is_dir() for folder in folders)
    return ["serve", "plain"] if plain else ["serve"]


def stage(project: Project, folder: Path) -> None:
    """Copy what .dockerignore lets through, but of all versions those that are registered only."""
    ignored = shutil.ignore_patterns("__pycache__")
    lines = (project.root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line[1:] for line in lines if line.startswith("!") and line[1:] != MODELS]
    for name in ["Dockerfile", *kept]:
        source = project.root / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    for registered in project.config.models:
        source = project.model_path(registered)
        if not source.is_dir():
            where = f"{source.parent.name}, version {source.name},"
            raise ProjectError(f"The model {where} is not here: run train.")
        shutil.copytree(source, folder / source.relative_to(project.root))
