"""Trains where there is new data: what a schedule runs on Azure ML, and CI or a person anywhere."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from seedling.azure import data, training, workspace
from seedling.config import Dataset, Project
from seedling.data import datasets
from seedling.data.dataset_files import note_path, verified
from seedling.errors import ProjectError
from seedling.files import read_json


def refresh(project: Project) -> list[str]:
    """Create the datasets again, register those that have changed, and submit their training.

    A changed dataset becomes the next version, in model.yaml too.

    Returns:
        The names of the jobs; none where nothing is new.

    Raises:
        ProjectError: a dataset cannot be created, or Azure refuses.
    """
    client = workspace.client(project)
    found = list(project.config.datasets)
    changed = [dataset.name for dataset in found if _is_new(project, client, dataset)]
    if not changed:
        return []
    _register(project, changed)
    trained = project.config.training.models
    models = [model.name for model in trained if model.dataset in changed]
    return [*training.submit(project, models)] if models else []


def publish(project: Project, names: Sequence[str]) -> None:
    """Register datasets as they are here, each as the next version unless one has its rows.

    Raises:
        ProjectError: a dataset has not been created, or Azure refuses.
    """
    client = workspace.client(project)
    for name in names:
        dataset = project.config.dataset(name)
        note = read_json(note_path(verified(project, dataset)))
        same = _with_rows(client, dataset, note["sha256"])
        _give_version(project, dataset, same or _next(client, dataset))
    _register(project, names)


def _register(project: Project, names: Sequence[str]) -> None:
    """Register datasets at the versions that model.yaml has."""
    for registered in data.register(project, names):
        if registered.problem:
            raise ProjectError(registered.problem)
        click.echo(registered.message)


def _is_new(project: Project, client: Any, dataset: Dataset) -> bool:
    """Create a dataset; whether no version in the workspace has its rows."""
    note = datasets.create(project, dataset)
    if _with_rows(client, dataset, note["sha256"]):
        click.echo(f"{dataset.name}: nothing new.")
        return False
    _give_version(project, dataset, _next(client, dataset))
    return True


def _with_rows(client: Any, dataset: Dataset, sha256: str) -> str:
    """Return the version in the workspace that has these rows; empty if none has."""
    known = data.versions(client, dataset.name)
    return next((str(one.version) for one in known if one.tags.get("sha256") == sha256), "")


def _next(client: Any, dataset: Dataset) -> str:
    known = data.versions(client, dataset.name)
    return str(1 + max((int(one.version) for one in known), default=0))


def _give_version(project: Project, dataset: Dataset, version: str) -> None:
    """Write a dataset's version into model.yaml, unless it stands there."""

    def change(document: Any) -> None:
        for entry in document["datasets"]:
            if entry["name"] == dataset.name:
                entry["version"] = version

    if version != dataset.version:
        project.edit(change)


def main() -> None:
    """Create the datasets and submit a training for those that changed."""
    try:
        refresh(Project(Path.cwd()))
    except ProjectError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
