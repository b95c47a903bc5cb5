"""The section Models: train, add and remove models."""

import os
import sys
from collections.abc import Sequence

import click

from seedling.cli.section import Section, find_project

section = Section("Models")


@section.command()
@click.option("--model", "models", multiple=True, help="Only this model; may be given again.")
@click.option("--smoke", is_flag=True, help="Once and quickly, to see that all runs: no result.")
def train(models: Sequence[str], smoke: bool) -> None:
    """Train, evaluate and register the models; train-all is the same."""
    from seedling.settings import SMOKE
    from seedling.training import outcomes, train

    if smoke:
        os.environ[SMOKE.name] = "1"  # for the steps, here or on Azure ML
    outcomes.show(train.train(find_project(), models))


section.also("train-all", train)


@section.command()
@click.option("--base", help="A git ref: the state of before; origin/main unless given.")
@click.option("--model", "models", multiple=True, help="Only this model; may be given again.")
@click.option(
    "--rows",
    type=click.IntRange(50),
    default=2000,
    show_default=True,
    help="Rows of each dataset to train and measure on, about.",
)
@click.option("--fail-on", type=click.Choice(["worse"]), help="Exit with 3 if a model is worse.")
def review(base: str | None, models: Sequence[str], rows: int, fail_on: str | None) -> None:
    """Compare this checkout's models and data with those of before.

    Both are trained on the same sample of rows, and measured on the same held-out ones; the
    registered champion stands for the model of before where its files are here. Nothing is
    registered.
    """
    from seedling.cli import review as reviewing
    from seedling.lifecycle.review.run import Wishes

    sys.exit(reviewing.review(find_project(), Wishes(base, rows, models), fail_on))


@section.command()
@click.option("--model", help="A model of model.yaml; needed where there are several.")
@click.option("--trials", type=click.IntRange(1), help="How many in all; else 20, or all of lists.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="How long from now on.")
@click.option("--yes", is_flag=True, help="Write the best into model.yaml without asking.")
def tune(model: str | None, trials: int | None, minutes: float | None, yes: bool) -> None:
    """Search a model's hyperparameters here.

    By cross-validation of the rows that are not held out; nothing is registered. The same command
    goes on where a search was ended.
    """
    from seedling.cli import tune as tuning

    sys.exit(tuning.tune(find_project(), model, trials, minutes, yes))


@section.command()
@click.argument("compare", nargs=-1)
@click.option("--model", help="Only those of this model.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all that was noted.")
def runs(compare: Sequence[str], model: str | None, as_json: bool) -> None:
    """List runs and versions; compare two of them.

    COMPARE: the numbers of two runs, which are then shown side by side.
    """
    from seedling.cli import runs as listing

    numbers = [part for word in compare for part in word.split(",") if part]
    if len(numbers) not in (0, 2) or not all(each.isdecimal() for each in numbers):
        raise click.UsageError("Give the numbers of two runs, such as 3 5, or none.")
    listing.show(find_project(), [int(each) for each in numbers], model, as_json)


@section.command("add-model")
@click.argument("model", required=False)
@click.option("--from", "source", help="A model of this project to copy.")
@click.option("--kind", help="The ready model to write, if MODEL is a name of your own.")
@click.option("--dataset", help="The dataset to train on; the first unless given.")
def add_model(model: str | None, source: str | None, kind: str | None, dataset: str | None) -> None:
    """Add a model: its folder, settings and steps."""
    from seedling import tasks
    from seedling.data import instances
    from seedling.scaffold import add_model as adding
    from seedling.scaffold import copy_model, model_yaml

    if source and kind:
        raise click.UsageError("Give --from or --kind, not both.")
    if model is None and (source or kind):
        raise click.UsageError("Give MODEL, the name of the new model.")
    project = find_project()
    config = project.config
    chosen = config.dataset(dataset) if dataset else config.first_dataset
    if model is None:
        if dataset:
            found = {chosen.task: dict(tasks.of(chosen).ready_models)}
        else:
            found = tasks.ready_models(lambda line: click.echo(f"Left out: {line}", err=True))
        width = max(len(name) for ready_models in found.values() for name in ready_models)
        for task, ready_models in found.items():
            click.echo(f"For {task}:")
            for name, known in ready_models.items():
                click.echo(f"  {name:{width}}  {known.title}")
        return
    if source:
        copy_model.copy(project, model, source, dataset)
    else:
        learned_from = model_yaml.LearnedFrom(chosen.name, chosen.file_name, chosen.task)
        if kind:
            copy_model.refuse_name(project.root, model)
        adding.add(project.root, model, learned_from, kind=kind)
        project = find_project()  # with the new model
        if not instances.exists(project, model):
            instances.write_example(project, model)
    click.echo(f"Added models/{model}/: edit its train.py, then run train --model {model}.")
    if not source and not adding.is_installed(tasks.of(chosen).ready_models[kind or model]):
        click.echo("It needs packages that are not installed here: run init first.")


@section.command("sign-model")
@click.argument("model", required=False)
@click.option("--new-key", is_flag=True, help="Make a pair of keys first.")
def sign_model(model: str | None, new_key: bool) -> None:
    """Sign the versions that are registered here."""
    from seedling.registry import signing

    signing.sign_registered(find_project(), model, new_key)


@section.command("remove-model")
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_model(model: str, yes: bool) -> None:
    """Remove a model: its folder, settings and steps."""
    from seedling.config import questions
    from seedling.scaffold import remove_model as removing

    project = find_project()
    removing.refuse_missing(project, model)
    question = f"Remove models/{model}/ with all that is in it, its settings and its steps?"
    if not yes and not questions.confirm(question):
        return
    removing.remove(project, model)
    click.echo(f"Removed {model}. What it registered stays in local_assets/; nothing serves it.")
    for path in removing.mentions(project, model):
        click.echo(f"{path} still names it: change that by hand.")
