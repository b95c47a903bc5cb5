"""The verb `home`: the page of the project's life, in a browser."""

import webbrowser
from typing import TYPE_CHECKING

import click

from seedling.home import page

if TYPE_CHECKING:
    from seedling.config import Project


def show(project: "Project", is_opened: bool) -> None:
    """Write the page anew, print its path, and open it in a browser if there is one.

    Raises:
        ProjectError: the runs or the registered versions cannot be read.
    """
    path = page.write(project)
    click.echo(path.as_posix())
    if is_opened and not webbrowser.open(path.as_uri()):
        click.echo("Open it in a browser: none was found here.")
