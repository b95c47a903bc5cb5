"""The team's own table: it takes the place of a dataset, or is added beside the others."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

import click

from seedling.config import DATASETS, Dataset, Project, Reading, questions
from seedling.data import blobs, instances, layout, show_proposal, text_rows
from seedling.data import reading as files
from seedling.data.cells import marks_of
from seedling.data.datasets import read_source
from seedling.data.infer_schema import Asking, Proposal, dataset_name, propose
from seedling.data.secret_source import without_secret
from seedling.errors import ProjectError


class Wanted(NamedTuple):
    """A table and the answers given about it; None is to be inferred."""

    source: str  # a file, a blob's URL, a query file, or a SQL URL with #table
    name: str | None = None  # the dataset's
    task: str | None = None
    target: str | None = None
    keys: list[str] | None = None
    groups: list[str] | None = None
    said: Mapping[str, Any] = MappingProxyType({})  # how the file is read, as keys of `read`


def bring(project: Project, wanted: Wanted, replaced: str | None, yes: bool) -> None:
    """Propose a schema for a table; on confirmation, it takes the place of a dataset.

    Args:
        project: its model.yaml is edited.
        wanted: the table; its task is that of the dataset which it replaces.
        replaced: that dataset; the first unless given.
        yes: write without asking.
    """
    old = project.config.dataset(replaced) if replaced else project.config.first_dataset
    others = [dataset.name for dataset in project.config.datasets if dataset.name != old.name]
    groups = wanted.groups or old.groups or None
    wanted = wanted._replace(task=old.task, groups=groups)
    proposal = _proposed(project, wanted, others, yes, old)
    project.edit(lambda document: _replace(document, old.name, proposal.entry))
    click.echo("Wrote the schema to model.yaml: correct there what was guessed wrong.")
    for model in project.config.training.models:
        if model.dataset == proposal.entry["name"]:
            instances.write_example(project, model.name)
    click.echo(
        "The description in model.yaml, serve/ and the curl lines of README.md and docs/serving.md "
        "still describe the table before: edit them."
    )


def add(project: Project, wanted: Wanted, yes: bool) -> Dataset:
    """Propose a schema for a table; on confirmation, it stands beside the other datasets.

    A dataset that model.yaml only names becomes complete, under its own file and version.

    Returns:
        The new dataset, whose file is not there yet.
    """
    others = [dataset.name for dataset in project.config.datasets]
    proposal = _proposed(project, wanted, others, yes)
    name = proposal.entry["name"]
    project.edit(lambda document: _complete(project, document["datasets"], proposal.entry))
    click.echo("Wrote the schema to model.yaml: correct there what was guessed wrong.")
    return project.config.dataset(name)


def _complete(project: Project, datasets: list[Any], entry: dict[str, Any]) -> None:
    """Complete the dataset that model.yaml only names, or put the entry behind the others."""
    given = next((each for each in datasets if each["name"] == entry["name"]), None)
    if given is None:
        datasets.append(layout.dataset(entry))
        return
    path = PurePosixPath(given.get("local_directory_path", DATASETS)) / given["file_name"]
    if (project.root / path).resolve() == (project.root / entry["source"]).resolve():
        given["local_directory_path"] = DATASETS  # what is created leaves the table as it is
    own = {key: value for key, value in given.items() if key != "source"}
    given.update(layout.dataset({**entry, **own}))


def _proposed(
    project: Project, wanted: Wanted, others: list[str], yes: bool, old: Dataset | None = None
) -> Proposal:
    """Propose a dataset, show it, and ask.

    Raises:
        ProjectError: its name is one of `others`, or the answer was no.
    """
    source = from_root(project, wanted.source)
    name = wanted.name or dataset_name(source)
    if name in others:
        raise ProjectError(f"model.yaml has another dataset {name!r}: choose another name.")
    reading = _guessed(project, source, wanted.said)
    table = read_source(project, source, reading)
    for remark in [*table.remarks, table.left_out]:
        if remark:
            click.echo(remark)
    proposal = propose(
        table.rows,
        name,
        source,
        wanted.task,
        wanted.target,
        wanted.keys,
        marks_of(reading),
        None if yes else Asking(show_proposal.accepts, show_proposal.choose(table.rows)),
        wanted.groups,
    )
    proposal.entry["source"] = without_secret(project, source, old.source if old else "")
    _keep(proposal.entry, reading)
    show_proposal.show(proposal, len(table.rows))
    if old and {old.target.name, *(each.name for each in old.raw)} <= {*table.rows.columns}:
        click.echo(
            f"It has every column of {old.name}: update-schema --from would keep that dataset's "
            "name, metric, descriptions and ranges."
        )
    if not yes and not questions.confirm("Write this to model.yaml?", default=True):
        raise ProjectError("Nothing was written.")
    return proposal


def _guessed(project: Project, source: str, said: Mapping[str, Any]) -> Reading | None:
    """Guess how the file of a source is read, and show it; None for a query or a URL."""
    if not blobs.is_file(source):
        if said:
            raise ProjectError(f"{', '.join(said)}: only a file is read so, and {source} is none.")
        return None
    path = blobs.file_of(project.root, source)
    reading = files.guess(path, said)
    columns, shown = 0, files.example(path)
    if files.kind_of(shown) == "text":
        with text_rows.opened(shown, reading) as (rows, _):
            columns = len(rows.names)
    words = reading.words(columns)
    if words:
        click.echo(f"{path.name} is read with {words}.")
    return reading


def _keep(entry: dict[str, Any], reading: Reading | None) -> None:
    """Put how the file is read behind its source, if anything differs from the default."""
    if reading is None or not reading.entry():
        return
    rest = {name: entry.pop(name) for name in [*entry][[*entry].index("source") + 1 :]}
    entry.update({"read": reading.entry(), **rest})


def from_root(project: Project, source: str) -> str:
    """Return a file's or folder's path relative to the project's root; a URL as it is."""
    if "://" in source:
        return source
    path = Path.cwd() / source
    if not path.exists():
        raise ProjectError(f"There is no file {source}.")
    return Path(os.path.relpath(path, project.root)).as_posix()


def _replace(document: Any, old: str, entry: dict[str, Any]) -> None:
    """Replace the dataset `old` by the entry, in the datasets and in its models' settings."""
    for dataset in document["datasets"]:
        if dataset["name"] == old:
            previous = dict(dataset)
            dataset.clear()
            dataset.update(layout.dataset({**entry, "version": previous["version"]}))
    for model in document["training"]["models"]:
        if model["dataset"] == old:
            model["dataset"] = entry["name"]
