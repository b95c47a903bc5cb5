"""Updates a dataset's schema in model.yaml from what its source has by now, or from a new file."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click
import pandas as pd

from seedling.config import Dataset, Project, Reading, confirmed_edit, questions
from seedling.data import (
    blobs,
    datasets,
    derived_changes,
    instances,
    layout,
    own_table,
    schema_changes,
    text_rows,
)
from seedling.data import reading as files
from seedling.data.schema_changes import (
    COLUMNS,
    GONE,
    IGNORED,
    INPUT,
    LABELS,
    RANGES,
    TYPES,
    WIDER,
    Change,
)
from seedling.data.secret_source import without_secret
from seedling.errors import ProjectError
from seedling.wording import counted

# What is only done where an option asks for it, or a person says yes: the remedy, and the question.
OPTIONS = {
    COLUMNS: (
        "--add-columns makes features of them, --ignore-columns leaves them out for good",
        "Add the new columns as features?",
    ),
    LABELS: ("--add-labels adds them", "Add the new labels to the target?"),
    TYPES: ("--change-types changes them", "Change the types?"),
    RANGES: ("--widen-ranges widens them", "Widen the ranges that were set by hand?"),
    GONE: ("--drop-gone removes them", "Remove the features whose columns are gone?"),
}


class New(NamedTuple):
    """The table that a dataset is made from by now."""

    source: str | None  # a file, or a URL; None for the dataset's own
    said: Mapping[str, Any]  # how the file is read, as keys of `read`


def update(
    project: Project, dataset: Dataset, new: New, wanted: Collection[str], yes: bool
) -> Dataset:
    """Show what a dataset's table has more or less than its schema; on confirmation, write that.

    Args:
        project: its model.yaml is edited; metric, descriptions, ranges that hold or were set by
            hand, comments and layout stay.
        dataset: keeps its name.
        new: where the table is read from.
        wanted: the kinds of changes to make beside those that let the schema take more.
        yes: write without asking.

    Returns:
        The dataset as model.yaml has it now; its file is not created anew.

    Raises:
        ProjectError: the table cannot be read, lacks the target, or the answer was no.
    """
    document = confirmed_edit.document(project)
    entry = _entry(document, dataset.name)
    now = _with_source(project, dataset, new, entry)
    what = f"{now.name}: {now.source} yields"
    table = datasets.rows_of(project, now)
    rows = datasets.labelled(table.rows, now, what).reset_index(drop=True)
    missing = [name for name in now.entity_key if name not in rows]
    if missing:
        raise ProjectError(f"{what} no column {', '.join(missing)}, the entity key.")
    known = derived_changes.Computed(rows)
    if not table.refused:  # nothing is computed from a column of another type
        known = derived_changes.computed(project.root, now, rows)
    before = _rows_before(project, dataset)
    found = derived_changes.marked(schema_changes.changes(known.rows, now, before), known, now)
    click.echo(f"{now.name}: {counted(len(rows), 'row')}, {counted(len(found), 'difference')}")
    for change in found:
        click.echo(f"  {change.column}: {change.words}")
    if IGNORED in wanted:
        others = {change.column for change in found if change.kind == COLUMNS} & {*rows.columns}
        found = [
            replace(change, kind=IGNORED) if change.column in others else change for change in found
        ]
    made = [change for change in found if change.kind in (WIDER, IGNORED)]
    chosen = [change for kind in OPTIONS for change in _chosen(kind, found, kind in wanted, yes)]
    if any(change.entry.get("derived") for change in chosen):
        chosen += [change for change in found if change.kind == INPUT]
    made += chosen
    schema_changes.applied(entry, made)
    if not confirmed_edit.write(project, document, yes, layout.column):
        raise ProjectError("Nothing was written.")
    if any(change.kind in (COLUMNS, TYPES, GONE) for change in made):
        _renew_instances(project, dataset.name)
    return project.config.dataset(dataset.name)


def _rows_before(project: Project, dataset: Dataset) -> pd.DataFrame | None:
    """Return the rows of a dataset's file; None where it was not created, or by other hands."""
    try:
        return datasets.load(project, dataset)
    except ProjectError:
        return None


def _entry(document: Any, name: str) -> Any:
    return next(each for each in document["datasets"] if each["name"] == name)


def _with_source(project: Project, dataset: Dataset, new: New, entry: dict[str, Any]) -> Dataset:
    """Put a new source into a dataset's entry, and return the dataset with it."""
    if new.source is None:
        return dataset
    source = own_table.from_root(project, new.source)
    reading = Reading()
    if blobs.is_file(source):
        path = blobs.file_of(project.root, source)
        reading = _reading(path, dataset, new.said)
        if reading != dataset.read and reading.words():
            click.echo(f"{path.name} is read with {reading.words()}.")
    before = {**entry, "source": without_secret(project, source, entry["source"])}
    before.pop("read", None)
    entry.clear()
    for key, value in before.items():
        entry[key] = value
        if key == "source" and reading.entry():
            entry["read"] = reading.entry()
    return dataset.model_copy(update={"source": entry["source"], "read": reading})


def _reading(path: Path, dataset: Dataset, said: Mapping[str, Any]) -> Reading:
    """Guess how a new file is read: as the one before, unless its header has no target then."""
    reading = files.guess(path, {**dataset.read.entry(), **said})
    shown = files.example(path)
    if files.kind_of(shown) == "text" and not path.is_dir():
        with text_rows.opened(shown, reading) as (rows, _):
            names = rows.names
        if dataset.target.name not in names:
            return files.guess(path, said)
    return reading


def _chosen(kind: str, found: Iterable[Change], asked_for: bool, yes: bool) -> list[Change]:
    """Return the changes of a kind that are made only on demand; say how to demand them."""
    possible = [change for change in found if change.kind == kind]
    if not possible or asked_for:
        return possible
    remedy, question = OPTIONS[kind]
    if not yes and questions.confirm(f"{question} ({_names(possible)})"):
        return possible
    click.echo(f"Left as it is: {_names(possible)} ({remedy}).")
    return []


def _names(changes: Iterable[Change]) -> str:
    return ", ".join(change.column for change in changes)


def _renew_instances(project: Project, dataset: str) -> None:
    """Write the test requests of a dataset's models anew, whose features have changed."""
    for model in project.config.training.models:
        if model.dataset == dataset:
            instances.write_example(project, model.name)
            click.echo(f"Wrote models/{model.name}/{instances.FILE.as_posix()} anew.")
