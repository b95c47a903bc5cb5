"""The conversation of the verb `review`."""

import warnings

import click

from seedling.ci import output
from seedling.config import Project
from seedling.lifecycle.review import pages, run
from seedling.lifecycle.review.run import Wishes

FAILED, WORSE = 1, 3  # exit codes


def review(project: Project, wishes: Wishes, fail_on: str | None) -> int:
    """Review a checkout, and print what was found; return the exit code of the verb.

    Raises:
        ProjectError: there is nothing by that name to compare with, or no data.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of libraries, as in the log of a step
        found = run.review(project, wishes, click.echo)
    markdown, html = pages.write(project, found)
    if found.remark:
        click.echo(f"Nothing to compare with: {found.remark}.")
    for one in found.models:
        click.echo(f"{one.here.model}: {' '.join(pages.sentences(one))}")
    for data in found.data:
        click.echo(f"{data.dataset}: {pages.rows_words(data)}")
    for path in (markdown, html):
        click.echo(path.relative_to(project.root).as_posix())
    output.show(markdown)
    if any(one.here.problem for one in found.models):
        return FAILED
    return WORSE if fail_on and found.worse else 0
