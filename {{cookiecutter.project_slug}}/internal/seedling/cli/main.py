"""One command line for the whole life: `python -m seedling VERB`, and the same by `make VERB`."""

import sys
from typing import Any

import click

from seedling.cli import azure, containers, data, keep, models, serve, start
from seedling.cli.section import Section
from seedling.errors import ProjectError

SECTIONS: tuple[Section, ...] = (
    start.section,
    data.section,
    models.section,
    serve.section,
    containers.section,
    azure.section,
    keep.section,
)
OWN = ("seedling", "columns", "models", "serve", "dataset_creation", "tasks")


class Verbs(click.Group):
    """All verbs, listed by section; an error ends with one line where the person must act."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs of each section under its heading."""
        width = max(len(name) for section in SECTIONS for name in section.verbs())
        for section in SECTIONS:
            with formatter.section(section.title):
                verbs = section.verbs().items()
                rows = [(f"{name:{width}}", verb.get_short_help_str(100)) for name, verb in verbs]
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; exit with 1 and one line on stderr for an error that a person can mend."""
        try:
            return super().invoke(ctx)
        except ProjectError as error:
            message = str(error)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in OWN:
                raise
            message = (
                f"{error.name} is not installed: run init with the group that has it, or "
                "without --groups."
            )
        except OSError as error:
            if error.filename is None:
                raise
            message = f"{error.filename}: {error.strerror}."
        click.echo(f"Error: {message}", err=True)
        sys.exit(1)


def show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version of the plumbing, and end."""
    if wanted:
        from seedling.release.manifest import running_version

        click.echo(f"Seedling {running_version()}")
        ctx.exit()


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version of Seedling in internal/ and exit.",
)
def main() -> None:
    """From the feature store to a served prediction."""


for each in SECTIONS:
    for name, verb in each.commands.items():
        main.add_command(verb, name)
