"""The section Data: create the datasets, and check them."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from seedling.cli.reading_options import reading_options, said
from seedling.cli.section import Section, find_project
from seedling.errors import ProjectError
from seedling.wording import counted

if TYPE_CHECKING:
    from seedling.config import Dataset, Project

section = Section("Data")


@section.command("create-local-datasets")
@click.option("--from", "source", metavar="FILE_OR_URL", help="Use your own table instead.")
@click.option("--target", help="Its column to predict, if no name says it.")
@click.option("--key", "keys", multiple=True, help="A column that identifies an entity; repeat.")
@click.option("--groups", metavar="COLUMN[,COLUMN]", help="Columns that make a group of rows.")
@click.option("--dataset", help="Only this one; with --from, the one to replace, else the first.")
@reading_options
@click.option(
    "--inputs", metavar="FOLDER", help="Keep there what the source yields, and read it there."
)
@click.option("--yes", is_flag=True, help="Write the proposed schema without asking.")
def create_local_datasets(
    source: str | None,
    target: str | None,
    keys: Sequence[str],
    groups: str | None,
    dataset: str | None,
    inputs: str | None,
    yes: bool,
    **reading: Any,
) -> None:
    """Create the datasets of model.yaml, or one from your own table."""
    from seedling.data import own_table

    project = find_project()
    if source is not None:
        wanted = own_table.Wanted(
            source,
            target=target,
            keys=list(keys) or None,
            groups=_names(groups),
            said=said(reading),
        )
        own_table.bring(project, wanted, dataset, yes)
    elif target or keys or groups or said(reading):
        raise click.UsageError("--target, --key, --groups and how a file is read go with --from.")
    config = project.config
    chosen = config.chosen_datasets(dataset if source is None else None)
    _fill_store(project, chosen)
    for entry in chosen:
        _create(project, entry, inputs)


@section.command("add-dataset")
@click.option(
    *("--from", "--source", "source"),
    required=True,
    metavar="FILE_OR_URL",
    help="A table, az://... of one, a query below dataset_creation/, or a SQL URL with #table.",
)
@click.option("--name", help="The dataset's name; the file's unless given.")
@click.option("--task", help="What its models predict; guessed from the target unless given.")
@click.option("--target", help="Its column to predict, if no name says it.")
@click.option("--key", "keys", multiple=True, help="A column that identifies an entity; repeat.")
@click.option("--groups", metavar="COLUMN[,COLUMN]", help="Columns that make a group of rows.")
@reading_options
@click.option("--yes", is_flag=True, help="Write the proposed schema without asking.")
def add_dataset(
    source: str,
    name: str | None,
    task: str | None,
    target: str | None,
    keys: Sequence[str],
    groups: str | None,
    yes: bool,
    **reading: Any,
) -> None:
    """Add a dataset beside those of model.yaml."""
    from seedling import tasks
    from seedling.data import own_table

    project = find_project()
    key = list(keys) or None
    wanted = own_table.Wanted(source, name, task, target, key, _names(groups), said(reading))
    dataset = own_table.add(project, wanted, yes)
    _create(project, dataset)
    ready = ", ".join(tasks.of(dataset).ready_models)
    fitting = f"; ready models that fit are {ready}" if ready else ""
    click.echo(f"A model learns from it after add-model MODEL --dataset {dataset.name}{fitting}.")


def _names(text: str | None) -> list[str] | None:
    """Parse names of columns with commas between."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else None


def _fill_store(project: "Project", chosen: Sequence["Dataset"]) -> None:
    """Fill the sample store if a query of these datasets needs it, and say so."""
    from seedling.data import datasets

    queries = any(entry.source.endswith(".sql") for entry in chosen)
    filled = datasets.fill_sample_store(project) if queries else None
    if filled:
        click.echo(f"Filled {filled.relative_to(project.root).as_posix()} with sample data.")


def _create(project: "Project", dataset: "Dataset", inputs: str | None = None) -> None:
    """Create a dataset's file, and print its rows and columns.

    Args:
        project: the dataset's.
        dataset: one of model.yaml.
        inputs: a folder of the project where what the source yields is kept first.
    """
    from seedling.data import datasets
    from seedling.data.inputs import keep

    kept = keep(project, dataset, project.root / inputs) if inputs else None
    if kept and kept.is_relative_to(project.root):
        click.echo(f"{kept.relative_to(project.root).as_posix()}: from {dataset.source}")
    note = datasets.create(project, dataset, kept)
    path = project.dataset_path(dataset).relative_to(project.root).as_posix()
    columns = counted(len(note["columns"]), "column")
    click.echo(f"{path}: {counted(note['rows'], 'row')}, {columns}")
    if note["left_out"]:
        click.echo(f"  {note['left_out']}")
    if note["unlabelled_rows"]:
        unlabelled = counted(note["unlabelled_rows"], "row")
        click.echo(f"  {unlabelled} without {dataset.target.name}: left out")
    for misfits in note["misfits"]:
        click.echo(f"  {misfits}: missing values")
    for refused in note["refused"]:
        click.echo(f"  {refused}: it stays as it is; mend the source, or run update-schema")


@section.command("update-schema")
@click.option("--dataset", help="Only this one; needed with --from where there are several.")
@click.option(
    "--from", "source", metavar="FILE_OR_URL", help="The dataset's new table, under any name."
)
@click.option("--add-columns", is_flag=True, help="New columns become features.")
@click.option("--ignore-columns", is_flag=True, help="New columns are left out from now on.")
@click.option("--add-labels", is_flag=True, help="New values of the target become labels.")
@click.option("--change-types", is_flag=True, help="Features get the types that they have by now.")
@click.option("--widen-ranges", is_flag=True, help="Ranges that were set by hand, too.")
@click.option("--drop-gone", is_flag=True, help="Features whose columns are gone are removed.")
@reading_options
@click.option("--yes", is_flag=True, help="Write without asking.")
def update_schema(
    dataset: str | None,
    source: str | None,
    add_columns: bool,
    ignore_columns: bool,
    add_labels: bool,
    change_types: bool,
    widen_ranges: bool,
    drop_gone: bool,
    yes: bool,
    **reading: Any,
) -> None:
    """Show what a table has more or less than model.yaml.

    New categories, gaps and wider ranges are written there on confirmation; the other options
    write more. Everything else in model.yaml stays as it is, also a range that was set by hand.
    The dataset is created anew.
    """
    from seedling.data import update_schema as schema
    from seedling.data.schema_changes import COLUMNS, GONE, IGNORED, LABELS, RANGES, TYPES

    if add_columns and ignore_columns:
        raise click.UsageError("--add-columns or --ignore-columns, not both.")
    if said(reading) and not source:
        raise click.UsageError("How a file is read goes with --from.")
    project = find_project()
    config = project.config
    chosen = config.chosen_datasets(dataset)
    if source and len(chosen) > 1:
        names = " or ".join(entry.name for entry in chosen)
        raise ProjectError(f"Whose table is {source}? Name it by --dataset: {names}.")
    flags = {
        COLUMNS: add_columns,
        IGNORED: ignore_columns,
        LABELS: add_labels,
        TYPES: change_types,
        RANGES: widen_ranges,
        GONE: drop_gone,
    }
    wanted = {kind for kind, is_wanted in flags.items() if is_wanted}
    if not source:
        _fill_store(project, chosen)
    new = schema.New(source, said(reading))
    for entry in chosen:
        _create(project, schema.update(project, entry, new, wanted, yes))


@section.command("validate-datasets")
def validate_datasets() -> None:
    """Check the datasets against model.yaml."""
    from seedling.data import datasets, derived, inference_query
    from seedling.data.schema_changes import unknown
    from seedling.data.sides import refuse_untrainable
    from seedling.data.validation import examine

    project, wrong = find_project(), 0
    for entry in project.config.chosen_datasets(None):
        rows = datasets.load(project, entry)
        described = examine(rows, entry)
        problems: list[object] = [*described.problems]
        notes: list[str] = []
        try:
            derived.in_project(project.root, entry).refuse_other_alone(rows)
            if not problems:  # a split needs the columns and types that the schema names
                notes = refuse_untrainable(rows, entry, project.config.holdout(entry))
        except ProjectError as error:
            problems = [error]
        wrong += len(problems)
        found = counted(len(problems), "problem") if problems else "no problems"
        click.echo(f"{entry.name}: {counted(len(rows), 'row')}, {found}")
        for problem in problems:
            click.echo(f"  {problem}")
        for warning in described.warnings:
            click.echo(f"  warning: {warning}")
        missing = inference_query.lacking(project, entry)
        if missing:
            words = f"{inference_query.QUERY} does not yield it, and /run needs it"
            click.echo(f"  warning: {', '.join(missing)}: {words}")
        more = unknown(rows, entry)
        if more:
            click.echo(f"  note: {', '.join(more)}: not in model.yaml: see update-schema")
        beside = [*described.problems, *described.warnings]
        if any(each.rows for each in beside):
            click.echo("  note: update-schema shows how model.yaml would take these rows")
        for note in notes:
            click.echo(f"  note: {note}")
    if wrong:
        sys.exit(1)
