"""The conversation of the verb `add-truth`."""

import click

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.monitoring import add_truth as adding
from seedling.wording import counted, listed


def add_truth(project: Project, name: str | None, wanted: adding.Wanted) -> None:
    """Add a table of truth, and print what it had that was not known."""
    chosen = project.config.chosen_datasets(name)
    if len(chosen) > 1:
        names = " or ".join(entry.name for entry in chosen)
        raise ProjectError(f"Whose truth is {wanted.source}? Name it by --dataset: {names}.")
    (dataset,) = chosen
    done = adding.add_truth(project, dataset, wanted)
    known = f"{done.new:,} new, {done.corrected:,} corrected, {done.same:,} known before"
    rows = f"{counted(done.rows, 'row')} of {dataset.target.name} by {listed(done.on)}"
    click.echo(f"{dataset.name}: {rows}: {known}")
    again = done.repeated + done.contradicted
    if again:
        click.echo(
            f"  {counted(again, 'row')} whose key stands further down again, "
            f"{done.contradicted:,} with another value: the last one counts"
        )
    for line in done.left_out:
        click.echo(f"  {line}")
