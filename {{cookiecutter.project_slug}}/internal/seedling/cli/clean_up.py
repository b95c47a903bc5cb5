"""The verb clean-up: lists what the project has made in its workspace, and removes it."""

from collections.abc import Sequence

import click

from seedling.cli.azure import section
from seedling.cli.section import find_project
from seedling.wording import counted


@section.command("clean-up")
@click.option(
    "--what",
    "kinds",
    multiple=True,
    type=click.Choice(["schedule", "endpoint", "cluster", "environment"]),
    help="Only things of this kind; may be given again.",
)
@click.option("--yes", is_flag=True, help="Remove them.")
def clean_up(kinds: Sequence[str], yes: bool) -> None:
    """List what the project made on Azure ML; remove it.

    It is found by the tags that verbs of this project have left: endpoints of the current
    ENVIRONMENT, schedules, clusters and environments. Models, datasets and jobs stay.
    """
    from seedling.azure import clean_up, workspace

    project = find_project()
    made = clean_up.found(project, workspace.client(project), kinds)
    for one in made:
        click.echo(f"{one.kind:12}{one.name}{f' ({one.about})' if one.about else ''}")
    if not made:
        click.echo("The workspace has nothing that this project has made.")
    elif yes:
        clean_up.remove(made, click.echo)
    else:
        click.echo(f"{counted(len(made), 'thing')}; with --yes they are removed.")
