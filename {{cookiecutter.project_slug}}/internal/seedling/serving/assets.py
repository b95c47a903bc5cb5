"""Fetch registered models and datasets to this machine, from where the stage says.

In production they come from the shared registry that model.yaml names, elsewhere from the project's
workspace. ASSETS=local lets production do with what is here.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from seedling import implementations
from seedling.config import (
    Config,
    NamedDataset,
    Project,
    RegisteredModel,
    Stage,
    registrations,
    stage,
)
from seedling.errors import ProjectError
from seedling.files import replacing, sha256
from seedling.settings import ASSETS, DATASETS_FOLDER, ENVIRONMENT, LOCAL_ASSETS

log = logging.getLogger(__name__)

Fetch = Callable[[Project, RegisteredModel, Path], None]
FetchDataset = Callable[[Project, NamedDataset, Path], None]


def are_shared(config: Config, environment: str | None = None) -> bool:
    """Return True if the service takes its assets from the shared registry alone.

    Args:
        config: says what the environment means.
        environment: the value of ENVIRONMENT, unless given.
    """
    word = ASSETS.get()  # a wrong one is refused in every stage
    return stage(config, environment) is Stage.PRODUCTION and word != LOCAL_ASSETS


def refuse_without_registry(config: Config, environment: str | None = None) -> None:
    """Raise ProjectError if the assets are those of a shared registry, and none is named."""
    if config.registry is None and are_shared(config, environment):
        name = ENVIRONMENT.get() if environment is None else environment
        raise ProjectError(
            f"ENVIRONMENT={name} is production, whose models come from a shared registry, and "
            "model.yaml names none: put `registry` there, or set ASSETS=local to serve what is "
            "on this machine."
        )


def fetch(project: Project, registered: RegisteredModel, environment: str | None = None) -> None:
    """Download the files of a registered version, unless they are on this machine.

    They are moved to their folder once their hash is verified. One process of the machine downloads
    while the others wait.

    Args:
        project: its model.yaml names the registry and the workspace.
        registered: the version, with the hash of its files.
        environment: the value of ENVIRONMENT, unless given.

    Raises:
        ProjectError: the registry or the workspace does not answer or does not have the version,
            the hash differs, or the folder cannot be written.
    """
    folder, config = project.model_path(registered), project.model_yaml
    if folder.is_dir():
        return
    title = f"{registered.name}, version {registered.version}"
    shared = are_shared(config, environment)
    if shared and config.registry is not None:
        place, refused, hint = "shared registry", "is not served", ""
    # What builds an image for production has it carry what no registry can give it there.
    elif (shared or stage(config, environment) is Stage.LOCAL) and registrations.is_of_workspace(
        project, registered
    ):
        place, refused = "workspace", "is not on this machine"
        hint = "; then download-models fetches it."
    else:
        return
    try:
        if _once(folder, lambda aside: _verified(place, project, registered, aside)):
            log.info("%s was downloaded from the %s.", title, place)
    except ProjectError as error:
        words = str(error).rstrip(".") if hint else str(error)
        raise ProjectError(f"{title}, {refused}: {words}{hint}") from None
    except OSError as error:
        words = _cannot_write(folder, error)
        raise ProjectError(f"{title}, {refused}: {words} MODELS_FOLDER.") from None


def datasets(
    project: Project, config: Config, environment: str | None = None
) -> tuple[list[NamedDataset], list[str]]:
    """Return the datasets as serve.py is given them, and a warning for each that is not there.

    `local_directory_path` is the whole path of the folder where the file stands. Those of the
    shared registry have a folder for each version, as models have.
    """
    shared = are_shared(config, environment) and config.registry is not None
    details, warnings = list[NamedDataset](), list[str]()
    for dataset in config.named_datasets:
        folder = project.dataset_path(dataset).parent
        if shared:
            folder = project.root / (DATASETS_FOLDER.get() or project.assets / "datasets")
            folder = folder / dataset.name / dataset.version
            try:
                _dataset_from_registry(project, dataset, folder)
            except ProjectError as error:
                warnings.append(str(error))
        details.append(dataset.model_copy(update={"local_directory_path": str(folder)}))
    return details, warnings


def _verified(place: str, project: Project, registered: RegisteredModel, folder: Path) -> None:
    """Download a version to a folder, and compare its hash with the registered one."""
    download: Fetch = implementations.find(place)
    download(project, registered, folder)
    if registered.sha256 and sha256(folder) != registered.sha256:
        raise ProjectError(
            f"what the {place} has under that name and version is not what model.yaml registers: "
            "its files' hash differs."
        )


def _dataset_from_registry(project: Project, dataset: NamedDataset, folder: Path) -> None:
    """Download a dataset's file from the shared registry, unless this version is here."""
    download: FetchDataset = implementations.find("shared registry's datasets")
    title = f"{dataset.name}, version {dataset.version}"
    try:
        if _once(folder, lambda aside: download(project, dataset, aside)):
            log.info("%s was downloaded from the registry.", title)
    except ProjectError as error:
        raise ProjectError(f"The dataset {title}, is not here: {error}") from None
    except OSError as error:
        words = _cannot_write(folder, error)
        raise ProjectError(f"The dataset {title}, is not here: {words} DATASETS_FOLDER.") from None


def _once(folder: Path, fill: Callable[[Path], None]) -> bool:
    """Fill a folder that is not there; return False if another process did it meanwhile."""
    if folder.is_dir():
        return False
    from filelock import FileLock  # not needed for the start of the service

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if folder.is_dir():
            return False
        with replacing(folder) as aside:
            aside.mkdir()
            fill(aside)
    return True


def _cannot_write(folder: Path, error: OSError) -> str:
    return f"{folder.parent} cannot be written ({error.strerror}): name another folder in"


def refuse_missing(project: Project, entries: Sequence[RegisteredModel]) -> None:
    """Fetch these versions; raise ProjectError for the first whose files cannot be had."""
    for entry in entries:
        fetch(project, entry)
        if not project.model_path(entry).is_dir():
            where = f"{entry.name}, version {entry.version},"
            raise ProjectError(
                f"The model {where} is not on this machine: restore its folder, or run train, "
                "which makes another version."
            )
