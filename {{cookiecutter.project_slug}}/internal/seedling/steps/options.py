"""What the steps' command lines have in common."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.processes import end_soon

CONFIG = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)


def project_of(config: Path) -> Project:
    """The project that a step works on: its code is here, its model.yaml where it was mounted."""
    return Project(Path.cwd(), config)


def step(function: Callable[..., None]) -> click.Command:
    """A click command that ends with one line and exit code 1 where the person must act."""

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> None:
        end_soon()
        try:
            function(*args, **kwargs)
        except ProjectError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)

    return click.command()(told)
