"""The one command line: `python -m seedling VERB`, or `make VERB`."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import click

import seedling.cli.clean_up
import seedling.cli.infra
import seedling.cli.lifecycle
import seedling.cli.run_script  # noqa: F401 - verbs of the sections Watch and Azure
from seedling.cli import (
    azure,
    containers,
    data,
    keep,
    models,
    pull_requests,
    serve,
    start,
    watch,
)
from seedling.cli.section import Section
from seedling.errors import ProjectError
from seedling.home import page
from seedling.masking import masked
from seedling.processes import interrupted

SECTIONS: tuple[Section, ...] = (
    start.section,
    data.section,
    models.section,
    serve.section,
    containers.section,
    azure.section,
    watch.section,
    keep.section,
    pull_requests.section,
)
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
MAKE_ROOM = "Make room, and run the verb again."
OWN = (
    *("seedling", "columns", "common_utils", "dataset_creation", "models", "monitoring"),
    *("serve", "tasks"),
)


class Verbs(click.Group):
    """The group of all verbs, listed by section; an error is one line that says what to do."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs of each section under its heading."""
        present = parts_here()
        shown = [each for each in SECTIONS if each.part is None or each.part in present]
        width = max(len(name) for section in shown for name in section.verbs())
        for section in shown:
            with formatter.section(section.title):
                verbs = section.verbs().items()
                rows = [(f"{name:{width}}", verb.get_short_help_str(100)) for name, verb in verbs]
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb that the words begin with; refuse one of a part that the project lacks."""
        name, verb, rest = super().resolve_command(ctx, args)
        for section in SECTIONS:
            if section.part and name in section.commands and section.part not in parts_here():
                raise ProjectError(
                    f"{name} is a verb of the part {section.part}, which this project does not "
                    f"have: add-part {section.part} (make add-part PART={section.part}) adds it."
                )
        return name, verb, rest

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the command line; Ctrl-C meanwhile is one line too."""
        try:
            return super().make_context(*args, **options)
        except KeyboardInterrupt:
            interrupted.leave()

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; exit with 1 and one line on stderr for an error that a person can mend,
        with 2 where that is the value of an option.

        What it has changed stands on the project's page then.
        """
        try:
            return self._run(ctx)
        finally:
            if not interrupted.is_seen():
                page.refresh(Path.cwd())

    def _run(self, ctx: click.Context) -> Any:
        code = 1
        try:
            return super().invoke(ctx)
        except ProjectError as error:
            message, code = str(error), error.exit_code
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in OWN:
                raise
            message = f"{error.name} is not installed: {_remedy(error.name)}"
        except OSError as error:
            if error.errno is not None and error.errno in FULL:
                message = f"{error.filename or 'The disk'}: {os.strerror(error.errno)}. {MAKE_ROOM}"
            elif error.filename is None:
                raise
            else:
                message = f"{error.filename}: {error.strerror}."
            message = masked(message)
        except (KeyboardInterrupt, click.Abort):  # a question makes Abort of both, and of no answer
            if not interrupted.is_seen():
                raise
            interrupted.leave()
        except click.ClickException as error:
            vars(error)["message"] = masked(error.message)
            raise
        click.echo(f"Error: {message}", err=True)
        sys.exit(code)


def _remedy(name: str) -> str:
    """Say what installs a package: `init` alone installs none of Azure's."""
    top = name.partition(".")[0]
    if top in ("azure", "azureml"):
        return "run init with the group `aml` (init --groups train,serve,dev,aml)."
    return "run init with the group that has it, or without --groups."


def parts_here() -> list[str]:
    """Return the parts of the project in the working folder; every part where there is none.

    The text of model.yaml is enough: `--help` loads no configuration.
    """
    from seedling.scaffold import parts

    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / parts.FILE).is_file():
            return parts.on((folder / parts.FILE).read_text(encoding="utf-8"))
    return [*parts.PARTS]


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
