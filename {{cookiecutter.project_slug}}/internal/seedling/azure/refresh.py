"""Trains where there is new data: what a schedule runs on Azure ML, and CI or a person anywhere."""

import sys
from pathlib import Path
from typing import Any

import click

from seedling.azure import data, training, workspace
from seedling.config import Dataset, Project
from seedling.data import datasets
from seedling.errors import ProjectError


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
    for registered in data.register(project, changed):
        if registered.problem:
            raise ProjectError(registered.problem)
        click.echo(registered.message)
    trained = project.config.training.models
    models = [model.name for model in trained if model.dataset in changed]
    return [*training.submit(project, models)] if models else []


def _is_new(project: Project, client: Any, dataset: Dataset) -> bool:
    """Create a dataset; whether no version in the workspace has its rows."""
    note = datasets.create(project, dataset)
    known = data.versions(client, dataset.name)
    if any(one.tags.get("sha256") == note["sha256"] for one in known):
        click.echo(f"{dataset.name}: nothing new.")
        return False
    following = str(1 + max((int(one.version) for one in known), default=0))
    if following != dataset.version:

        def change(document: Any) -> None:
            for entry in document["datasets"]:
                if entry["name"] == dataset.name:
                    entry["version"] = following

        project.edit(change)
    return True


def main() -> None:
    """Create the datasets and submit a training for those that changed."""
    try:
        refresh(Project(Path.cwd()))
    except ProjectError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
