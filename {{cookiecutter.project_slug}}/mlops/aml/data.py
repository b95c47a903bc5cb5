"""The verb `register-datasets-in-aml`: datasets as data assets of the workspace."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from {{cookiecutter.project_slug}} import datasets
from {{cookiecutter.project_slug}}.config import Dataset, Project
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.files import read_json

from mlops.aml import workspace


class Registered(NamedTuple):
    """What came of one dataset: `problem` is empty where it is well."""

    dataset: str
    message: str
    problem: str = ""


def register(project: Project) -> Iterator[Registered]:
    """Register every dataset of model.yaml at its version; what is there already stays.

    Raises:
        ProjectError: no workspace is named, or the SDK is not installed.
    """
    client = workspace.client(project)
    for dataset in project.config.datasets:
        try:
            yield Registered(dataset.name, _register(client, project, dataset))
        except ProjectError as error:  # the others may be well
            yield Registered(dataset.name, "", str(error))


def _register(client: Any, project: Project, dataset: Dataset) -> str:
    """Register one dataset; says what was done."""
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    datasets.load(project, dataset)
    path = project.dataset_path(dataset)
    note = read_json(datasets.note_path(path))
    where = f"{dataset.name}, version {dataset.version}"
    known = _known(client, dataset)
    if known is not None:
        if known.tags.get("sha256") == note["sha256"]:
            return f"{where} is registered already"
        raise ProjectError(
            f"{where} is registered with other rows: give it another version in model.yaml."
        )
    data = Data(
        name=dataset.name,
        version=dataset.version,
        path=str(path),
        type=AssetTypes.URI_FILE,
        description=dataset.description,
        tags={"sha256": note["sha256"], "rows": str(note["rows"])},
    )
    with workspace.in_words(f"Registering {where}"):
        client.data.create_or_update(data)
    return f"{where} is registered, {note['rows']:,} rows"


def _known(client: Any, dataset: Dataset) -> Any:
    """The data asset of that name and version; None where there is none."""
    from azure.core.exceptions import ResourceNotFoundError

    with workspace.in_words(f"Looking for {dataset.name}"):
        try:
            return client.data.get(dataset.name, dataset.version)
        except ResourceNotFoundError:
            return None
