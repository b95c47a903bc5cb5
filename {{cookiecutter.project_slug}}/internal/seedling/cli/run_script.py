"""The verb run-script: shows, builds and checks the script that a job runs."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedling.cli.azure import section
from seedling.errors import ProjectError

if TYPE_CHECKING:
    from seedling.run_scripts import Completed, Origin

BASE = "run/train.py"
COLOURS = {"yours": "green", "filled in": "cyan", "skipped": "yellow"}


@section.command("run-script")
@click.argument("action", type=click.Choice(["show", "build", "check"]))
@click.argument("file", default=BASE)
@click.option("--output", metavar="FILE", help="Of build; train_completed.py beside a train.py.")
@click.option("--origins", is_flag=True, help="Of show: say it in a file or a pipe too.")
def run_script(action: str, file: str, output: str | None, origins: bool) -> None:
    """Show, build or check the script that a job runs.

    ACTION: show prints FILE with the sections that it lacks, and on a terminal says of each whether
    it is yours, filled in or skipped; build writes that script; check says what is wrong, by line.

    FILE: a base script in sections that begin with #=====NAME; run/train.py unless given.
    """
    from seedling.run_scripts import completed
    from seedling.run_scripts.faults import Faulty

    if output and action != "build":
        raise click.UsageError(f"--output is an option of build, not of {action}.")
    if origins and action != "show":
        raise click.UsageError(f"--origins is an option of show, not of {action}.")
    path = Path(file)
    try:
        found = completed(path)
    except Faulty as error:
        for line in error.lines:
            click.echo(line, err=True)
        sys.exit(1)
    if action == "show" and (origins or sys.stdout.isatty()):
        for line in _with_origins(found):
            click.echo(line)
    elif action == "show":
        click.echo(found.text, nl=False)
    elif action == "build":
        _write(path, Path(output) if output else _beside(path), found)
    else:
        from seedling.run_scripts import folder_files

        folder_files.check(path.parent)
        click.echo(f"{path.as_posix()}: {_counted(found.origins)}.")


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}_completed.py")


def _write(base: Path, path: Path, found: "Completed") -> None:
    """Write a completed script, and say so; its base script is never written over."""
    from seedling.files import write_text

    if path.is_dir():
        raise ProjectError(f"{path.as_posix()} is a folder: give --output the name of a file.")
    if path.exists() and path.samefile(base):
        raise ProjectError(f"{path.as_posix()} is the base script: give --output another name.")
    write_text(path, found.text)
    click.echo(f"Wrote {path.as_posix()}: {_counted(found.origins)}.")


def _with_origins(found: "Completed") -> Iterator[str]:
    """Yield the lines of a completed script, each header with the origin of its section."""
    from seedling.run_scripts import headers

    named = {each.line: each.name for each in headers.found(found.text)}
    for number, line in enumerate(found.text.split("\n")[:-1], 1):
        if number in named:
            origin = found.origins[named[number]]
            yield click.style(f"{line:<48} {origin}", fg=COLOURS[origin], bold=True)
        else:
            yield line


def _counted(origins: "Mapping[str, Origin]") -> str:
    """Return how many sections have each origin: `4 sections yours, 13 filled in, 1 skipped`."""
    found = [*origins.values()]
    counts = [(found.count(each), each) for each in dict.fromkeys(type(found[0]))]
    words = [f"{count} {origin}" for count, origin in counts if count]
    first, *others = words
    count, _, origin = first.partition(" ")
    return ", ".join([f"{count} section{'s' * (count != '1')} {origin}", *others])
