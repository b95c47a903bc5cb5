"""The files of datasets that were created, and their notes; the table itself is not read here."""

from pathlib import Path

from seedling.config import Dataset, Project
from seedling.errors import ProjectError
from seedling.files import read_json, sha256


def note_path(path: Path) -> Path:
    """Return the path of the note that belongs to a dataset's file."""
    return path.with_name(path.name + ".json")


def verified(project: Project, dataset: Dataset) -> Path:
    """Return the path of a dataset's file, which is the one that was created.

    Raises:
        ProjectError: it has not been created, or its file's hash is not the one in the note.
    """
    path = project.dataset_path(dataset)
    if not path.exists() or not note_path(path).exists():
        raise ProjectError(f"{dataset.name} has not been created: run create-local-datasets.")
    if read_json(note_path(path))["sha256"] != sha256(path):
        raise ProjectError(f"{path.name} changed since it was created: run create-local-datasets.")
    return path


def query_hash(project: Project, dataset: Dataset) -> str:
    """Return the hash of the text of a dataset's query as it is now; empty if it has none."""
    path = project.root / dataset.source
    return sha256(path) if dataset.source.endswith(".sql") and path.is_file() else ""
