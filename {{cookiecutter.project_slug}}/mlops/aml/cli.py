"""The verbs for Azure ML; they join the core's command line."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from {{cookiecutter.project_slug}}.config import Project


@click.group()
def verbs() -> None:
    """Holds the verbs below for the core's command line."""


@verbs.command("register-datasets-in-aml")
def register_datasets_in_aml() -> None:
    """Register the datasets in the Azure ML workspace."""
    from mlops.aml import data

    wrong = False
    for registered in data.register(Project.find()):
        wrong = wrong or bool(registered.problem)
        click.echo(registered.problem or registered.message, err=bool(registered.problem))
    sys.exit(wrong)


@verbs.command("train-model-in-aml")
@click.option("--model", "models", multiple=True, help="Only this model; may be given again.")
@click.option("--data", metavar="URI", help="A folder in Azure's storage, not what is registered.")
@click.option("--no-wait", is_flag=True, help="Leave the job running.")
@click.option("--follow", "job", help="A job that was submitted before.")
def train_model_in_aml(
    models: Sequence[str], data: str | None, no_wait: bool, job: str | None
) -> None:
    """Train, evaluate and register on Azure ML."""
    from mlops import train
    from mlops.aml import training

    project = Project.find()
    if job and (models or data or no_wait):
        raise click.UsageError("--follow goes alone.")
    if job:
        train.show(training.follow(project, job))
    elif no_wait:
        for job in training.submit(project, models, data):
            click.echo(training.how_to_follow(job))
    else:
        train.show(training.train_there(project, models, data))


@verbs.command("deploy-batch")
@click.option("--model", help="The model to deploy; the first registered one unless given.")
def deploy_batch(model: str | None) -> None:
    """Deploy a model to score files on Azure ML."""
    from mlops.aml import batch

    click.echo(batch.deploy(Project.find(), model))


@verbs.command("batch-score-in-aml")
@click.argument("source", metavar="INPUT", required=False)
@click.argument("target", metavar="OUTPUT", default="predictions.csv", type=click.Path())
@click.option("--no-wait", is_flag=True, help="Leave the job running.")
@click.option("--follow", "job", help="A job that was submitted before.")
def batch_score_in_aml(source: str | None, target: str, no_wait: bool, job: str | None) -> None:
    """Score files here, or in Azure's storage, on Azure ML."""
    from mlops.aml import batch

    project = Project.find()
    if (source is None) == (job is None):
        raise click.UsageError("Give INPUT, or --follow and a job.")
    if job is None:
        job = batch.submit(project, str(source))
        click.echo(f"Submitted {job}.")
    if no_wait:
        click.echo(batch.how_to_follow(job))
        return
    rows, problems = batch.fetch(project, job, Path(target))
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    click.echo(f"The predictions of {rows:,} rows are in {target}.")
    sys.exit(bool(problems))


@verbs.command("sweep-model-in-aml")
@click.argument("model")
@click.option("--trials", type=click.IntRange(1), help="How many; all combinations, else 20.")
@click.option("--concurrent", default=4, show_default=True, type=click.IntRange(1))
@click.option("--write", is_flag=True, help="Put the best hyperparameters into model.yaml.")
def sweep_model_in_aml(model: str, trials: int | None, concurrent: int, write: bool) -> None:
    """Search a model's hyperparameters on Azure ML."""
    from mlops.aml import sweep

    project = Project.find()
    found = sweep.sweep(project, model, trials, concurrent)
    for trial in found:
        values = ", ".join(f"{name} {value}" for name, value in trial.values.items())
        shown = "failed" if trial.metric is None else f"{trial.metric:.4f}"
        click.echo(f"{shown:>10}  {values}")
    best = ", ".join(f"{name}: {value}" for name, value in found[0].values.items())
    click.echo(f"The best hyperparameters: {best}.")
    if write:
        sweep.write(project, model, found[0])
        click.echo(f"They are in model.yaml; now run train --model {model}.")
    else:
        click.echo(f"Put them into model.yaml (--write does), then run train --model {model}.")
