"""The verbs of the ops plumbing; they join the core's command line."""

import math
import sys
from collections.abc import Sequence

import click

from {{cookiecutter.project_slug}}.config import Project


@click.group()
def verbs() -> None:
    """Holds the verbs below for the core's command line."""


@verbs.command()
@click.option("--model", "models", multiple=True, help="Only this model; may be given again.")
def train(models: Sequence[str]) -> None:
    """Train, evaluate and register the models."""
    from mlops import train as training

    training.show(training.train(Project.find(), models))


@verbs.command()
def demo() -> None:
    """Run the whole life once, to a prediction over HTTP."""
    from mlops.demo import demo as live

    live(Project.find())


@verbs.command()
def doctor() -> None:
    """Say what is not there yet, and which verb mends it."""
    from mlops.doctor import examine

    wrong = False
    for finding in examine(Project.find()):
        wrong = wrong or finding.mark == "wrong"
        click.echo(f"{finding.mark:6} {finding.subject}: {finding.message}")
    sys.exit(wrong)


@verbs.command()
@click.argument("model", required=False)
@click.option("--version", help="A version of the registry, as training named it.")
@click.option("--share", type=click.FloatRange(0, 1), help="Of the entities that it answers.")
@click.option("--shadow", is_flag=True, help="It answers to the prediction log only.")
@click.option("--champion", is_flag=True, help="It takes the champion's place.")
@click.option("--remove", is_flag=True, help="It answers no more.")
def traffic(
    model: str | None,
    version: str | None,
    share: float | None,
    shadow: bool,
    champion: bool,
    remove: bool,
) -> None:
    """Say which versions answer; give one a share."""
    from mlops import traffic as roles

    project = Project.find()
    if share is not None and math.isnan(share):
        raise click.BadParameter("a share is a number from 0 to 1.", param_hint="--share")
    if model is not None:
        if version is None or [share is not None, shadow, champion, remove].count(True) != 1:
            raise click.UsageError(
                "Give --version and one of --share, --shadow, --champion, --remove."
            )
        if champion:
            roles.promote(project, model, version)
        elif remove:
            roles.remove(project, model, version)
        else:
            roles.assign(project, model, version, share, shadow)
    for line in roles.table(project):
        click.echo(line)


@verbs.command("add-model")
@click.argument("model", required=False)
@click.option("--from", "source", help="A model of this project that it starts as a copy of.")
@click.option("--dataset", help="What it learns from; the first dataset unless given.")
def add_model(model: str | None, source: str | None, dataset: str | None) -> None:
    """Add a model: its folder, settings and steps."""
    from mlops import folders, scaffold
    from mlops.catalogue import READY

    if model is None:
        for name, ready in READY.items():
            click.echo(f"{name:24}{ready.title}")
        return
    project = Project.find()
    if source:
        folders.copy(project, model, source, dataset)
    else:
        chosen = project.config.dataset(dataset).name if dataset else None
        scaffold.add(project.root, model, chosen)
    click.echo(f"Added models/{model}/: edit its train.py, then run train --model {model}.")
    if not source and not scaffold.is_installed(READY[model]):
        click.echo("It needs packages that are not installed here: run init first.")


@verbs.command("remove-model")
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_model(model: str, yes: bool) -> None:
    """Remove a model: its folder, settings and steps."""
    from mlops import folders

    project = Project.find()
    folders.refuse_missing(project, model)
    question = f"Remove models/{model}/ with all that is in it, its settings and its steps?"
    if not yes and not click.confirm(question):
        return
    folders.remove(project, model)
    click.echo(f"Removed {model}. What it registered stays in local_assets/; nothing serves it.")
