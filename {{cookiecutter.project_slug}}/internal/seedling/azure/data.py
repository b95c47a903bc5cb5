"""The verb `register-datasets-in-aml`: datasets as data assets of the workspace."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from seedling.azure import workspace
from seedling.config import Dataset, Project
from seedling.data import dataset_files, datasets
from seedling.data.large_table import row_count
from seedling.errors import ProjectError
from seedling.files import copy, read_json, replacing, sha256
from seedling.monitoring import truth
from seedling.wording import counted

# What names files in Azure: an asset, or a URI.
ASSET = re.compile(r"azureml:(?P<name>[\w.-]+)(:(?P<version>[\w.-]+)|@latest)")
URI = re.compile(r"(azureml|https|wasbs|abfss)://.+")
OTHER_ROWS = "is registered with other rows: give it another version in model.yaml."


class Registered(NamedTuple):
    """The result of registering one dataset: `problem` is empty if it succeeded."""

    dataset: str
    message: str
    problem: str = ""


def register(project: Project, names: Sequence[str] = ()) -> Iterator[Registered]:
    """Register these datasets of model.yaml, or all, at their versions; what is there stays.

    Raises:
        ProjectError: no workspace is named, or the SDK is not installed.
    """
    client = workspace.client(project)
    every = project.config.chosen_datasets(None)
    chosen = [one for one in every if not names or one.name in names]
    for dataset in chosen:
        try:
            yield Registered(dataset.name, _register(client, project, dataset))
            if any(truth.folder_of(project, dataset).glob("*.parquet")):
                yield Registered(dataset.name, _register_truth(client, project, dataset))
        except ProjectError as error:  # the others may be well
            yield Registered(dataset.name, "", str(error))


def registered(project: Project, client: Any, dataset: Dataset) -> str:
    """Return the URI of a registered dataset for a job: a folder with its file.

    A machine that has not created the dataset, as CI's, has no rows to compare it with.

    Raises:
        ProjectError: it is not registered, or not with the rows that are here.
    """
    where = f"{dataset.name}, version {dataset.version}"
    is_here = project.dataset_path(dataset).exists()
    if is_here:
        dataset_files.verified(project, dataset)
    known = _known(client, dataset)
    if known is None:
        raise ProjectError(f"{where} is not registered: run register-datasets-in-aml.")
    if is_here and known.tags.get("sha256") != _note(project, dataset)["sha256"]:
        raise ProjectError(f"{where} {OTHER_ROWS}")
    return f"azureml:{dataset.name}:{dataset.version}"


def asset(client: Any, dataset: Dataset, name: str) -> str:
    """Return the URI of a data asset of the workspace, by `dataset_name` of model.yaml.

    Args:
        client: of the workspace.
        dataset: what the asset has rows of.
        name: `name`, which stands for the dataset's own version, `name:version` or `name@latest`.

    Raises:
        ProjectError: there is none.
    """
    found = workspace.find_asset(
        client.data, "data asset", name, dataset.version, "correct dataset_name in model.yaml."
    )
    return f"azureml:{found}"


def versions(client: Any, name: str) -> list[Any]:
    """List the numbered versions of a data asset; empty if it does not exist."""
    from azure.core.exceptions import ResourceNotFoundError

    with workspace.project_errors(f"Looking for {name}"):
        try:
            return [found for found in client.data.list(name=name) if found.version.isdigit()]
        except ResourceNotFoundError:
            return []


def download(project: Project, dataset: Dataset) -> int:
    """Download the registered version of a dataset; return its number of rows.

    Raises:
        ProjectError: it is not registered, or what came is not what was registered.
    """
    client = workspace.client(project)
    where = f"{dataset.name}, version {dataset.version}"
    known = _known(client, dataset)
    if known is None:
        raise ProjectError(f"{where} is not registered: run register-datasets-in-aml.")
    with TemporaryDirectory() as folder:
        download_files(client, known.path, Path(folder), f"Downloading {where}")
        file = Path(folder) / dataset.file_name
        if not file.exists() or sha256(file) != known.tags.get("sha256"):
            raise ProjectError(f"{where} has come with other rows than were registered.")
        return int(datasets.adopt(project, dataset, file)["rows"])


def _register(client: Any, project: Project, dataset: Dataset) -> str:
    """Register one dataset; says what was done."""
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    dataset_files.verified(project, dataset)
    path, note = project.dataset_path(dataset), _note(project, dataset)
    where = f"{dataset.name}, version {dataset.version}"
    known = _known(client, dataset)
    if known is not None:
        if known.tags.get("sha256") == note["sha256"]:
            return f"{where} is registered already"
        raise ProjectError(f"{where} {OTHER_ROWS}")
    with workspace.project_errors(f"Registering {where}"), TemporaryDirectory() as folder:
        copy(path, Path(folder, path.name))  # alone: jobs are given the folder
        data = Data(
            name=dataset.name,
            version=dataset.version,
            path=folder,
            type=AssetTypes.URI_FOLDER,
            description=dataset.description,
            tags={"sha256": note["sha256"], "rows": str(note["rows"])},
        )
        client.data.create_or_update(data)
    return f"{where} is registered, {counted(note['rows'], 'row')}"


def truth_name(dataset: Dataset) -> str:
    """Return what the truth of a dataset is called in the workspace."""
    return f"{dataset.name}-truth"


def fetch_truth(project: Project, dataset: Dataset) -> str:
    """Download the newest truth of a dataset that the workspace has, in the place of what is here.

    Returns:
        Its version; empty where there is none.
    """
    client = workspace.client(project, may_ask=False)
    known = versions(client, truth_name(dataset))
    if not known:
        return ""
    newest = max(known, key=lambda one: int(one.version))
    what = f"Downloading {newest.name}, version {newest.version}"
    with replacing(truth.folder_of(project, dataset)) as aside:
        aside.mkdir(parents=True)
        download_files(client, newest.path, aside, what)
    return str(newest.version)


def _register_truth(client: Any, project: Project, dataset: Dataset) -> str:
    """Register what add-truth has kept of a dataset as the next version; says what was done."""
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    folder, name = truth.folder_of(project, dataset), truth_name(dataset)
    digest, known = sha256(folder), versions(client, name)
    for one in known:
        if one.tags.get("sha256") == digest:
            return f"{name}, version {one.version} is registered already"
    version = str(1 + max((int(one.version) for one in known), default=0))
    rows = sum(row_count(path) for path in folder.glob("*.parquet"))
    made = Data(
        name=name,
        version=version,
        path=str(folder),
        type=AssetTypes.URI_FOLDER,
        description=f"What came true of {dataset.name}, as add-truth keeps it.",
        tags={"sha256": digest, "rows": str(rows)},
    )
    with workspace.project_errors(f"Registering {name}, version {version}"):
        client.data.create_or_update(made)
    return f"{name}, version {version} is registered, {counted(rows, 'row')}"


def download_files(client: Any, uri: str, folder: Path, what: str) -> None:
    """Download the files below a URI of a datastore to a folder."""
    from azure.ai.ml._artifacts import _artifact_utilities as artifacts  # as Azure's own docs do

    with workspace.project_errors(what):
        artifacts.download_artifact_from_aml_uri(uri, str(folder), client.datastores)


def _note(project: Project, dataset: Dataset) -> dict[str, Any]:
    """Read the note that was written with the dataset's file: rows, columns, hash."""
    return read_json(dataset_files.note_path(project.dataset_path(dataset)))


def _known(client: Any, dataset: Dataset) -> Any:
    """Return the data asset of that name and version; None if there is none."""
    from azure.core.exceptions import ResourceNotFoundError

    with workspace.project_errors(f"Looking for {dataset.name}"):
        try:
            return client.data.get(dataset.name, dataset.version)
        except ResourceNotFoundError:
            return None
