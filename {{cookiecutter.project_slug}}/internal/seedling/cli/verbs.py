"""The verbs of the ops plumbing; they join the core's command line."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from seedling.cli.model_verbs import model as one_model
from seedling.config import Project


@click.group()
def verbs() -> None:
    """Holds the verbs below for the core's command line."""


verbs.add_command(one_model)


@verbs.command()
@click.option("--model", "models", multiple=True, help="Only this model; may be given again.")
def train(models: Sequence[str]) -> None:
    """Train, evaluate and register the models."""
    from seedling.training import train as training

    training.show(training.train(Project.find(), models))


@verbs.command("train-all")
def train_all() -> None:
    """Train, evaluate and register all models, side by side."""
    from seedling.training import train as training

    training.show(training.train(Project.find(), []))


@verbs.command("predict-all")
@click.option("--port", default=5111, show_default=True, type=click.IntRange(1, 65535))
def predict_all(port: int) -> None:
    """Serve all registered models in the background."""
    from seedling.serving import background_service

    address = background_service.start(Project.find(), port)
    click.echo(f"All models are served at {address}; stop ends it.")


@verbs.command()
def stop() -> None:
    """Stop what predict-all has started."""
    from seedling.serving import background_service

    address = background_service.stop(Project.find())
    click.echo(f"Stopped {address}." if address else "Nothing runs in the background.")


@verbs.command("test-endpoint")
@click.argument("model")
@click.option("--url", help="Where it is served; what predict-all has started unless given.")
def test_endpoint(model: str, url: str | None) -> None:
    """Send a model's test instances to its endpoint."""
    from seedling.serving import background_service, try_endpoint

    project = Project.find()
    project.config.trained_model(model)
    tried = try_endpoint.attempt(project, model, url or background_service.address(project))
    if tried.answer:
        click.echo(json.dumps(tried.answer, indent=2, ensure_ascii=False))
    click.echo(try_endpoint.lines([tried])[0])
    sys.exit(bool(tried.problem))


@verbs.command("test-all")
@click.option("--url", help="Where they are served; what predict-all has started unless given.")
def test_all(url: str | None) -> None:
    """Send every model's test instances to its endpoint."""
    from seedling.serving import background_service, try_endpoint

    project = Project.find()
    address = url or background_service.address(project)
    names = [model.name for model in project.config.training.models]
    tried = [try_endpoint.attempt(project, name, address) for name in names]
    for line in try_endpoint.lines(tried):
        click.echo(line)
    sys.exit(any(each.problem for each in tried))


@verbs.command("batch-score")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option("--model", help="The model that answers; the first unless given.")
def batch_score(source: Path, target: Path, model: str | None) -> None:
    """Score a CSV or Parquet file, or a folder of them."""
    from seedling.cli import batch_score

    if Path() in (source, target):  # what make hands on where a variable is not set
        raise click.UsageError("Give INPUT and OUTPUT.")
    problems = batch_score.score(Project.find(), source, target, model)
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    click.echo(f"The predictions are in {target}.")
    sys.exit(bool(problems))


@verbs.command("train-groups")
@click.option("--by", required=True, metavar="COLUMN[,COLUMN]", help="What makes a group.")
@click.option("--dataset", help="The rows; those of the first dataset unless given.")
@click.option("--in-aml", is_flag=True, help="Fit them on Azure ML's cluster, side by side.")
@click.option("--files", type=click.IntRange(1), help="With --in-aml: parts; else 4 a node.")
def train_groups(by: str, dataset: str | None, in_aml: bool, files: int | None) -> None:
    """Fit a linear regression for each group of rows."""
    if files and not in_aml:
        raise click.UsageError("--files goes with --in-aml.")
    project = Project.find()
    columns = [column.strip() for column in by.split(",")]
    if in_aml:
        from seedling.azure import groups as groups_there

        folder, fitted = groups_there.train(project, columns, dataset, files)
    else:
        from seedling.training import groups

        folder, fitted = groups.train(project, columns, dataset)
    for problem in fitted.problems:
        click.echo(f"Not fitted: {problem}", err=True)
    click.echo(f"{len(fitted.rmse):,} groups are fitted: {folder} has coefficient.csv, rmse.csv.")
    sys.exit(bool(fitted.problems))


@verbs.command()
def demo() -> None:
    """Run the whole life once, to a prediction over HTTP."""
    from seedling.cli.demo import demo as live

    live(Project.find())


@verbs.command()
def doctor() -> None:
    """Say what is not there yet, and which verb mends it."""
    from seedling.cli.doctor import examine

    wrong = False
    for finding in examine(Project.find()):
        wrong = wrong or finding.mark == "wrong"
        click.echo(f"{finding.mark:6} {finding.subject}: {finding.message}")
    sys.exit(wrong)


@verbs.command()
@click.option("--tag", help="The image's name; the project's own unless given.")
def build(tag: str | None) -> None:
    """Build the image of the scoring service."""
    from seedling.containers import images

    images.build(Project.find(), tag)


@verbs.command()
@click.argument("model", required=False)
@click.option("--version", help="A version of the registry, as training named it.")
@click.option("--share", type=click.FloatRange(0, 1), help="Of the entities that it answers.")
@click.option("--shadow", is_flag=True, help="It answers to the prediction log only.")
@click.option("--champion", is_flag=True, help="It takes the champion's place.")
@click.option("--remove", is_flag=True, help="It answers no more.")
@click.option("--shared", is_flag=True, help="Versions of model.yaml answer here too; no --version.")
def traffic(
    model: str | None,
    version: str | None,
    share: float | None,
    shadow: bool,
    champion: bool,
    remove: bool,
    shared: bool,
) -> None:
    """Say which versions answer; give one a share."""
    from seedling.registry import traffic as roles

    project = Project.find()
    if share is not None and math.isnan(share):
        raise click.BadParameter("a share is a number from 0 to 1.", param_hint="--share")
    roles_given = [share is not None, shadow, champion, remove].count(True)
    if model is None and (version is not None or roles_given or shared):
        raise click.UsageError("Name the model whose version that is.")
    if model is not None and shared:
        if version is not None or roles_given:
            raise click.UsageError("--shared goes alone.")
        roles.answer_as_shared(project, model)
    elif model is not None:
        roles.champion_of(project, model)
        if version is None or roles_given != 1:
            raise click.UsageError(
                "Give --version and one of --share, --shadow, --champion, --remove; or --shared."
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
    from seedling import tasks
    from seedling.data import instances
    from seedling.scaffold import add, folders

    if model is None:
        for task in tasks.names():
            click.echo(f"For {task}:")
            for name, ready in tasks.find(task).ready_models.items():
                click.echo(f"  {name:24}{ready.title}")
        return
    project = Project.find()
    chosen = project.config.dataset(dataset or project.config.datasets[0].name)
    if source:
        folders.copy(project, model, source, dataset)
    else:
        learned_from = add.LearnedFrom(chosen.name, chosen.file_name, chosen.task)
        add.add(project.root, model, learned_from)
        project = Project(project.root)
        if not instances.exists(project, model):
            instances.write_example(project, model)
    click.echo(f"Added models/{model}/: edit its train.py, then run train --model {model}.")
    if not source and not add.is_installed(tasks.of(chosen).ready_models[model]):
        click.echo("It needs packages that are not installed here: run init first.")


@verbs.command("generate-all")
def generate_all() -> None:
    """Generate what models/all/ has from the models' own files."""
    from seedling.scaffold import all_models

    all_models.write(Project.find().root)
    click.echo("models/all/ is what the models' own files say.")


@verbs.command("remove-model")
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_model(model: str, yes: bool) -> None:
    """Remove a model: its folder, settings and steps."""
    from seedling.scaffold import folders

    project = Project.find()
    folders.refuse_missing(project, model)
    question = f"Remove models/{model}/ with all that is in it, its settings and its steps?"
    if not yes and not click.confirm(question):
        return
    folders.remove(project, model)
    click.echo(f"Removed {model}. What it registered stays in local_assets/; nothing serves it.")
    for path in folders.mentions(project, model):
        click.echo(f"{path} still names it: change that by hand.")
