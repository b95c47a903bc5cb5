"""Verbs of the section Watch: what answers, what answered before, and what a prediction is from."""

import sys

import click

from seedling.cli.section import find_project
from seedling.cli.watch import section

WHY = click.option("--why", default="", help="A sentence for the audit.")


@section.command()
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all that was found.")
def compare(model: str | None, as_json: bool) -> None:
    """Say whether a challenger is better, by truth.

    MODEL: a folder of models/; every model with a challenger or a shadow unless given. It may be
    asked every day: a verdict is wrong with a probability of 5 % at most, in all looks together.
    """
    from seedling.cli import compare as comparing

    comparing.compare(find_project(), model, as_json)


@section.command()
@click.argument("model")
@click.option("--version", help="Of the registry; the challenger that is better unless given.")
@click.option("--why", default="", help="A reason, needed where it is not known to be better.")
def promote(model: str, version: str | None, why: str) -> None:
    """Make a better version the champion."""
    from seedling.lifecycle import promotion
    from seedling.serving import taken_over

    project = find_project()
    chosen = promotion.promote(project, model, version, why)
    click.echo(f"{model}: version {chosen} is the champion.")
    sys.exit(_said(*taken_over.wait(project, model, chosen)))


@section.command()
@click.argument("model")
@click.option("--version", help="The one that answers beside the champion unless given.")
@WHY
def retire(model: str, version: str | None, why: str) -> None:
    """Stop a challenger or a shadow."""
    from seedling.lifecycle import promotion

    chosen = promotion.retire(find_project(), model, version, why)
    click.echo(f"{model}: version {chosen} does not answer any more.")


@section.command()
@click.argument("model", required=False)
@click.option("--version", help="Another than the former champion.")
@WHY
def rollback(model: str | None, version: str | None, why: str) -> None:
    """Let the former champion answer again.

    MODEL: a folder of models/; needed where several have had another champion.
    """
    from seedling.lifecycle import rollback as lifecycle
    from seedling.serving import taken_over

    project = find_project()
    done = lifecycle.roll_back(project, model, version, why)
    click.echo(
        f"{done.model}: version {done.to_version} is the champion again, instead of version "
        f"{done.from_version}."
    )
    sys.exit(_said(*taken_over.wait(project, done.model, done.to_version)))


@section.command()
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all that was noted.")
def audit(model: str | None, as_json: bool) -> None:
    """List the changes of what answers.

    MODEL: only those of this folder of models/.
    """
    from seedling.cli import audit as listing

    sys.exit(listing.show(find_project(), model, as_json))


@section.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def lineage(id: str, as_json: bool) -> None:
    """Say what a prediction came from.

    ID: what the service answered beside it, a record's, or an output of batch-score.
    """
    import json

    from msgspec import to_builtins

    from seedling.lifecycle import lineage as tracing

    found = tracing.of(find_project(), id)
    if as_json:
        shown = [to_builtins(each) for each in found]
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for number, each in enumerate(found):
        if number:
            click.echo()
        for heading, value in tracing.rows(each):
            click.echo(f"{heading:14} {value}")


def _said(by_it: int, serving: int) -> int:
    """Say how many processes of services answer by a new champion; return the exit code."""
    from seedling.wording import counted

    if not serving:
        click.echo("No service of this folder runs: the next one to start serves it.")
    elif by_it == serving:
        click.echo(
            f"The next request is answered by it: {counted(serving, 'worker')} took it over."
        )
    else:
        words = (
            f"{serving - by_it} of {counted(serving, 'worker')} of the service did not take it over"
        )
        click.echo(f"{words}: its /ready and its log say why.", err=True)
        return 1
    return 0
