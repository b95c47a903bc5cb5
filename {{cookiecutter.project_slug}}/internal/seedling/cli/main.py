"""One command line for the whole life; the Makefile calls these verbs one to one."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from seedling.cli import azure_verbs, verbs
from seedling.config import Dataset, Project
from seedling.errors import ProjectError


class Verbs(click.Group):
    """A group whose verbs end with one line, not a traceback, where the person must act."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ProjectError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in (
                "seedling",
                "columns",
                "models",
                "serve",
                "dataset_creation",
                "tasks",
            ):
                raise
            click.echo(
                f"Error: {error.name} is not installed: run init with the group that has it, or "
                "without --groups.",
                err=True,
            )
            sys.exit(1)
        except OSError as error:
            if error.filename is None:
                raise
            click.echo(f"Error: {error.filename}: {error.strerror}.", err=True)
            sys.exit(1)


def show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version of the plumbing, and end."""
    if wanted:
        from seedling.release.manifest import running_version

        click.echo(f"Seedling {running_version()}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version of Seedling in internal/ and exit.",
)
def main() -> None:
    """From the feature store to a served prediction, on this machine."""


@main.command("create-local-datasets")
@click.option("--from", "source", metavar="FILE_OR_URL", help="Bring your own table instead.")
@click.option("--target", help="Its column to predict; guessed unless given.")
@click.option("--key", "keys", multiple=True, help="Its columns that identify an entity.")
@click.option("--dataset", help="The dataset of model.yaml to replace; the first unless given.")
@click.option("--yes", is_flag=True, help="Write the proposed schema without asking.")
def create_local_datasets(
    source: str | None, target: str | None, keys: Sequence[str], dataset: str | None, yes: bool
) -> None:
    """Create the datasets of model.yaml."""
    from seedling.data import datasets, own_table

    project = Project.find()
    if source is not None:
        wanted = own_table.Wanted(source, target=target, keys=list(keys) or None)
        own_table.bring(project, wanted, dataset, yes)
    elif target or keys:
        raise click.UsageError("--target and --key go with --from.")
    queries = any(entry.source.endswith(".sql") for entry in project.config.datasets)
    filled = datasets.fill_sample_store(project) if queries else None
    if filled:
        click.echo(f"Filled {filled.relative_to(project.root).as_posix()} with sample data.")
    for entry in project.config.datasets:
        _create(project, entry)


@main.command("add-dataset")
@click.option(
    *("--from", "--source", "source"),
    required=True,
    metavar="FILE_OR_URL",
    help="A table, a query below dataset_creation/, or a SQL URL with #table.",
)
@click.option("--name", help="The dataset's name; the file's unless given.")
@click.option("--task", help="What its models do; guessed from the target unless given.")
@click.option("--target", help="Its column to predict; guessed unless given.")
@click.option("--key", "keys", multiple=True, help="Its columns that identify an entity.")
@click.option("--yes", is_flag=True, help="Write the proposed schema without asking.")
def add_dataset(
    source: str,
    name: str | None,
    task: str | None,
    target: str | None,
    keys: Sequence[str],
    yes: bool,
) -> None:
    """Add a dataset beside those of model.yaml."""
    from seedling import tasks
    from seedling.data import own_table

    project = Project.find()
    wanted = own_table.Wanted(source, name, task, target, list(keys) or None)
    dataset = own_table.add(project, wanted, yes)
    _create(project, dataset)
    ready = ", ".join(tasks.of(dataset).ready_models)
    fitting = f"; ready models that fit are {ready}" if ready else ""
    click.echo(f"A model learns from it after add-model MODEL --dataset {dataset.name}{fitting}.")


def _create(project: Project, dataset: Dataset) -> None:
    """Create a dataset's file, and say what it holds."""
    from seedling.data import datasets

    note = datasets.create(project, dataset)
    path = project.dataset_path(dataset).relative_to(project.root).as_posix()
    click.echo(f"{path}: {note['rows']:,} rows, {len(note['columns'])} columns")
    if note["unlabelled_rows"]:
        click.echo(f"  {note['unlabelled_rows']:,} rows have no {dataset.target.name}: left out")


@main.command("validate-datasets")
def validate_datasets() -> None:
    """Check the datasets against model.yaml."""
    from seedling.data import datasets
    from seedling.data.schema import HOLDOUT, split
    from seedling.data.validation import validate

    project, wrong = Project.find(), 0
    for entry in project.config.datasets:
        rows = datasets.load(project, entry)
        problems: list[object] = [*validate(rows, entry)]
        try:
            if not problems:  # a split needs the columns and types that the schema names
                split(rows, entry, project.config.training.holdout, HOLDOUT)
        except ProjectError as error:
            problems = [error]
        wrong += len(problems)
        click.echo(f"{entry.name}: {len(rows):,} rows, {len(problems) or 'no'} problems")
        for problem in problems:
            click.echo(f"  {problem}")
    if wrong:
        sys.exit(1)


@main.command("train-payload", hidden=True)
@click.option("--payload", envvar="PAYLOAD", default="", help="JSON: `$ref`, `model_name`.")
@click.option("--module", envvar="TRAIN_MODULE", default="", help="Where the function is.")
@click.option("--function", envvar="TRAIN_FUNCTION", default="train", show_default=True)
def train_payload(payload: str, module: str, function: str) -> None:
    """Train as PAYLOAD says: what a training container does."""
    from seedling.containers import entry_points

    outcome = entry_points.train(module, function, payload)
    click.echo(json.dumps(outcome, indent=2, ensure_ascii=False, default=str))


@main.command("serve-local")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=5111, show_default=True, type=click.IntRange(1, 65535))
def serve_local(host: str, port: int) -> None:
    """Serve the registered models over HTTP."""
    from seedling.serving import start_server

    sys.exit(start_server.serve(Project.find(), host, port))


@main.command("serve-local-app-dev")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=5111, show_default=True, type=click.IntRange(1, 65535))
def serve_local_app_dev(host: str, port: int) -> None:
    """Serve answers of the real shape, with no model."""
    from seedling.serving import APP_DEV, start_server

    project = Project.find()
    os.environ["ENVIRONMENT"] = APP_DEV
    sys.exit(start_server.serve(project, host, port))


@main.command("mlflow-ui")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535))
def mlflow_ui(port: int) -> None:
    """Open runs and versions in MLflow's own pages."""
    from seedling.cli.development import mlflow_ui as open_ui

    sys.exit(open_ui(Project.find(), port))


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: Sequence[str]) -> None:
    """Run the tests; what follows is passed to pytest."""
    from seedling.cli.development import run

    sys.exit(run(Project.find(), ["pytest", *arguments]))


@main.command()
def coverage() -> None:
    """Run the tests; show the lines they did not reach."""
    from seedling.cli.development import run

    sys.exit(run(Project.find(), ["pytest", "--cov", "--cov-report=term-missing:skip-covered"]))


@main.command()
@click.option("--fix", is_flag=True, help="Format the code and mend what can be mended.")
def lint(fix: bool) -> None:
    """Check style, formatting, types and imports."""
    from seedling.cli.development import lint as check

    sys.exit(check(Project.find(), fix))


@main.command()
def lock() -> None:
    """Resolve the dependencies into constraints.txt."""
    from seedling.cli.development import lock as resolve

    sys.exit(resolve(Project.find()))


@main.command("check-internal")
def check_internal() -> None:
    """Fail where internal/ is not as its version has it."""
    from seedling.release import manifest

    internal = Project.find().root / "internal"
    found = manifest.differences(internal)
    for difference in found:
        click.echo(difference)
    if not found:
        click.echo(f"internal/ is Seedling {manifest.version_of(internal)}, unedited.")
    sys.exit(bool(found))


@main.command("update-internal")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Take the same or an older version as well.")
@click.option("--yes", is_flag=True, help="Replace edited files without asking.")
def update_internal(file: Path, force: bool, yes: bool) -> None:
    """Replace internal/ by that of a released zip."""
    from seedling.release import update

    planned = update.plan(Project.find().root, file, force)
    for edit in planned.edits:
        click.echo(edit)
    if planned.edits and not yes:
        click.confirm("Replace these files? Copies of them are kept.", abort=True)
    update.carry_out(planned, click.echo)


for group in (verbs.verbs, azure_verbs.verbs):
    for name, command in group.commands.items():
        main.add_command(command, name)
