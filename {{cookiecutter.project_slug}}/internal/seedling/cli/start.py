"""The section Start: create the environment, run the demo, examine the project."""

import subprocess
import sys
from pathlib import Path

import click

from seedling import init as environment
from seedling.cli.section import Section, find_project

section = Section("Start")


@section.command("help")
@click.argument("verb", required=False)
@click.pass_context
def show_help(context: click.Context, verb: str | None) -> None:
    """List the verbs, or the options of one."""
    assert context.parent
    group = context.parent.command
    assert isinstance(group, click.Group)
    if verb is None:
        click.echo(context.parent.get_help())
        return
    command = group.get_command(context.parent, verb)
    if command is None:
        raise click.UsageError(f"No such verb: {verb}.")
    with click.Context(command, context.parent, verb) as its_own:
        click.echo(command.get_help(its_own))


@section.command()
@click.option(
    "--groups",
    default=",".join(environment.GROUPS),
    show_default=True,
    help="Groups of dependencies, commas between.",
)
@click.option("--wheelhouse", metavar="DIR", help="Install from this folder of wheels only.")
def init(groups: str, wheelhouse: str | None) -> None:
    """Create .venv with the pinned dependencies."""
    script = Path.cwd() / "internal" / "seedling" / "init.py"
    if not script.is_file():
        raise click.UsageError("This is not the folder of a project: internal/ is missing.")
    words = [sys.executable, str(script), "--groups", groups]
    sys.exit(subprocess.call([*words, *(["--wheelhouse", wheelhouse] if wheelhouse else [])]))


@section.command()
def demo() -> None:
    """Run every step once, up to a served prediction."""
    from seedling.cli.demo import demo as live

    live(find_project())


@section.command()
def doctor() -> None:
    """Say what is missing, and which verb mends it."""
    from seedling.cli.doctor import examine

    wrong = False
    for finding in examine(find_project()):
        wrong = wrong or finding.mark == "wrong"
        click.echo(f"{finding.mark:6} {finding.subject}: {finding.message}")
    sys.exit(wrong)
