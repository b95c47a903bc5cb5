"""The section Pull requests: what a pipeline of Azure DevOps says on one, or opens one for."""

from pathlib import Path

import click

from seedling.cli.section import Section, find_project

section = Section("Pull requests", part="azure_devops")


@section.command("comment-review")
def comment_review() -> None:
    """Write the review's report as a comment of the pull request.

    Of the one that this build is for; where it has such a comment, that is replaced. The build's
    token is read from SYSTEM_ACCESSTOKEN.
    """
    from seedling.pull_requests import review_comment

    click.echo(review_comment.put(find_project()))


@section.command("propose-lock")
@click.argument("file", metavar="FROM", type=click.Path(path_type=Path))
def propose_lock(file: Path) -> None:
    """Open a pull request with the versions of a constraints.txt.

    FROM: the file. The pull request goes to the branch that this build is for; the checkout stays
    as it is. The build's token is read from SYSTEM_ACCESSTOKEN.
    """
    from seedling.pull_requests import upgrade

    click.echo(upgrade.propose(find_project(), file))
