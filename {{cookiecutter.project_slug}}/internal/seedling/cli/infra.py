"""The verbs of infra/: what Azure needs for the project, shown and made."""

import sys

import click

from seedling.cli.azure import section
from seedling.cli.section import find_project
from seedling.errors import ProjectError


@section.command("infra-what-if")
def infra_what_if() -> None:
    """Show what infra-deploy would change on Azure for ENVIRONMENT."""
    from seedling.azure import infra

    infra.what_if(find_project(), click.echo)


@section.command("infra-deploy")
@click.option("--location", help="The region of a resource group that has to be made first.")
@click.option("--yes", is_flag=True, help="Without asking.")
@click.option("--write", is_flag=True, help="Put the names of what was made into model.yaml.")
def infra_deploy(location: str | None, yes: bool, write: bool) -> None:
    """Make what infra/ describes on Azure for ENVIRONMENT.

    It shows what would change, and asks. What model.yaml names already is made under that name.
    """
    from seedling.azure import infra, infra_names
    from seedling.config import questions

    def agrees(question: str) -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            raise ProjectError(f"{question} --yes says so where there is no terminal.")
        return questions.confirm(question)

    project = find_project()
    made = infra.deploy(project, location, agrees, click.echo)
    if made is None:
        click.echo("Nothing was deployed.")
    elif write:
        infra.write(project, made)
    else:
        click.echo("Put these lines into model.yaml, or let --write do so:\n")
        click.echo(infra_names.shown(made))
