"""Models' files in production: what is not on this machine comes from the shared registry."""

import logging
from collections.abc import Callable
from pathlib import Path

from seedling import implementations
from seedling.config import Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.files import replacing, sha256
from seedling.serving import APP_DEV

log = logging.getLogger(__name__)

Fetch = Callable[[Project, RegisteredModel, Path], None]


def bring(project: Project, registered: RegisteredModel, environment: str) -> None:
    """Download the files of a registered version unless they are here, or need not be.

    They take their place once they have the hash that model.yaml names. One process of the machine
    does it while the others wait.

    Args:
        project: whose model.yaml names the registry.
        environment: what ENVIRONMENT says; nothing is downloaded where it is not set, or app-dev.

    Raises:
        ProjectError: the registry is not reached or does not have them, they have another hash, or
            they cannot be written here.
    """
    folder = project.model_path(registered)
    registry = project.config.registry
    if registry is None or environment in ("", APP_DEV) or folder.is_dir():
        return
    what = f"{registered.name}, version {registered.version}"
    try:
        if _download(project, registered, folder):
            log.info("%s came from the registry %s.", what, registry.name)
    except ProjectError as error:
        raise ProjectError(f"{what}, is not served: {error}") from None
    except OSError as error:
        raise ProjectError(
            f"{what}, is not served: {folder.parent} cannot be written ({error.strerror}): name "
            "another folder in MODELS_FOLDER."
        ) from None


def _download(project: Project, registered: RegisteredModel, folder: Path) -> bool:
    """Whether it was this process that downloaded the files."""
    from filelock import FileLock  # off the way of the service's start

    fetch = _fetch()
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


def _fetch() -> Fetch:
    fetch: Fetch = implementations.find("shared registry")
    return fetch
