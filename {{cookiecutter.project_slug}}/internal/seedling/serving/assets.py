"""Download the files of models from the shared registry, in production."""

import logging
from collections.abc import Callable
from pathlib import Path

from seedling import implementations
from seedling.config import Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.files import replacing, sha256
from seedling.settings import is_production

log = logging.getLogger(__name__)

Fetch = Callable[[Project, RegisteredModel, Path], None]


def download(project: Project, registered: RegisteredModel, environment: str) -> None:
    """Download the files of a registered version, unless they are on this machine.

    They are moved to their folder once their hash is verified. One process of the machine downloads
    while the others wait.

    Args:
        project: its model.yaml names the registry.
        registered: the version, with the hash of its files.
        environment: the value of ENVIRONMENT; nothing is downloaded where it is empty, or app-dev.

    Raises:
        ProjectError: the registry does not answer or does not have the version, the hash differs,
            or the folder cannot be written.
    """
    folder = project.model_path(registered)
    registry = project.config.registry
    if registry is None or not is_production(environment) or folder.is_dir():
        return
    title = f"{registered.name}, version {registered.version}"
    try:
        if _download(project, registered, folder):
            log.info("%s was downloaded from the registry %s.", title, registry.name)
    except ProjectError as error:
        raise ProjectError(f"{title}, is not served: {error}") from None
    except OSError as error:
        raise ProjectError(
            f"{title}, is not served: {folder.parent} cannot be written ({error.strerror}): name "
            "another folder in MODELS_FOLDER."
        ) from None


def _download(project: Project, registered: RegisteredModel, folder: Path) -> bool:
    """Download and verify the files; return False if another process did it meanwhile."""
    from filelock import FileLock  # not needed for the start of the service

    fetch: Fetch = implementations.find("shared registry")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if folder.is_dir():
            return False
        with replacing(folder) as aside:
            aside.mkdir()
            fetch(project, registered, aside)
            if sha256(aside) != registered.sha256:
                raise ProjectError(
                    "what the registry has under that name and version is not what model.yaml "
                    "registers: its files' hash differs."
                )
    return True
