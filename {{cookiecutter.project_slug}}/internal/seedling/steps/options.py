"""Options that the steps' command lines share, with defaults for runs by hand.

The pipeline gives every path. By hand, or by an editor's run button, a step works on the project
of the working folder, on its first model, and on the outputs of the step before below
local_assets/runs/manual/.
"""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from seedling.config import NoProjectError, Project
from seedling.errors import ProjectError
from seedling.processes import end_soon

MANUAL = "manual"  # the folder of runs by hand, below local_assets/runs/

CONFIG = click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path, resolve_path=True)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path, resolve_path=True)

config_option = click.option(
    "--config", type=CONFIG, help="A model.yaml; the project's own unless given."
)
model_option = click.option("--model", help="A folder of models/; the first model unless given.")


example_rows_option = click.option(
    "--example-rows",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Rows from which the saved model's signature is made.",
)


def path_option(name: str, words: str, place: str, exists: bool = True) -> Callable[[Any], Any]:
    """Declare an option for a folder that a step reads, or makes.

    Args:
        name: with its dashes.
        words: the folder's content, for --help.
        place: its place in runs by hand, JOB/OUTPUT, for --help.
        exists: True if the step reads the folder, False if it makes it.
    """
    shown = f"{words}; default: local_assets/runs/{MANUAL}/{place}."
    return click.option(name, type=FOLDER if exists else NEW_FOLDER, help=shown)


def project_of(config: Path | None) -> Project:
    """Return the project that a step works on.

    Args:
        config: a mounted model.yaml; the code is in the working folder then. None: the project
            around the working folder, or else around this file, which becomes the working folder.

    Raises:
        ProjectError: neither is in a project, or its .env cannot be read.
    """
    if config is not None:
        return Project(Path.cwd(), config)
    try:
        project = Project.find()
    except NoProjectError:
        project = Project.find(Path(__file__).parent)
    os.chdir(project.root)
    sys.path[:] = [str(project.root), *(p for p in sys.path if p != str(Path(__file__).parent))]
    return project


def model_of(project: Project, model: str | None) -> str:
    """Return the model that was named, or else the first of model.yaml."""
    return model or project.config.first_model


def left(project: Project, given: Path | None, job: str, output: str) -> Path:
    """Return the folder that was given, or else the output of a job that was run by hand.

    Raises:
        ProjectError: that job was not run yet.
    """
    folder = given or made(project, None, job, output)
    if not folder.is_dir():
        step = job.partition("_")[0]
        raise ProjectError(f"{folder} is missing: run python -m seedling.steps.{step} first.")
    return folder


def made(project: Project, given: Path | None, job: str, output: str) -> Path:
    """Return the folder that was given for a job's output, or else the place of runs by hand."""
    return given or project.assets / "runs" / MANUAL / job / output


def step(function: Callable[..., None]) -> click.Command:
    """Make a click command that ends with one line and exit code 1 after a ProjectError."""

    @wraps(function)
    def command(*args: Any, **kwargs: Any) -> None:
        end_soon()
        try:
            function(*args, **kwargs)
        except ProjectError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)

    return click.command(context_settings={"help_option_names": ["-h", "--help"]})(command)
