"""The section Azure: train, register, publish, deploy and score on Azure ML."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from seedling.cli.section import Section, find_project
from seedling.errors import ProjectError
from seedling.wording import counted


def not_empty(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Refuse an empty argument: make passes one if its variable is not set."""
    if not value:
        raise click.BadParameter("is missing.", context, parameter)
    return value


section = Section("Azure", part="azure")
kind_option = click.option(
    "--what",
    "kind",
    type=click.Choice(["drift", "performance", "retrain", "collect"]),
    help="Only drift or performance, else both; retrain: look at both, and train where a rule says "
    "so; collect: copy the log for Azure's own monitors.",
)
log_option = click.option(
    "--log",
    metavar="URI",
    help="A folder in Azure with a file of the prediction log, instead of it.",
)
truth_option = click.option(
    "--truth", metavar="URI", help="A folder in Azure with the truth; else what is registered."
)
retrain_option = click.option(
    "--retrain", is_flag=True, help="Train where a rule of monitoring.retrain says so."
)


@section.command("register-datasets-in-aml")
def register_datasets_in_aml() -> None:
    """Register the datasets in the Azure ML workspace."""
    from seedling.azure import data

    wrong = False
    for registered in data.register(find_project()):
        wrong = wrong or bool(registered.problem)
        click.echo(registered.problem or registered.message, err=bool(registered.problem))
    sys.exit(wrong)


@section.command("train-model-in-aml")
@click.option("--model", "models", multiple=True, help="Only this model; may be given again.")
@click.option(
    "--data", metavar="URI", help="A folder in Azure's storage; else the registered data."
)
@click.option(
    "--job",
    "kind",
    type=click.Choice(["pipeline", "command", "parallel", "automl"]),
    help="A pipeline of steps (the default), one command, a pipeline in which many nodes sum up a "
    "large table, or a search by Azure's AutoML.",
)
@click.option("--no-wait", is_flag=True, help="Leave the job running.")
@click.option("--follow", "job", help="A job that was submitted before.")
def train_model_in_aml(
    models: Sequence[str], data: str | None, kind: str | None, no_wait: bool, job: str | None
) -> None:
    """Train, evaluate and register on Azure ML."""
    from seedling.azure import training, training_kinds
    from seedling.ci import output
    from seedling.training import outcomes, train

    project = find_project()
    if job and (models or data or kind or no_wait):
        raise click.UsageError("--follow takes no other option beside it.")
    if job:
        outcomes.show(train.complete(project, [training_kinds.find(project, job)]))
        return
    runs = training_kinds.start(project, kind or "pipeline", models, data, no_wait)
    if no_wait:
        for run in runs:
            click.echo(training.how_to_follow(run.id))
            output.write("job", run.id)
    else:
        outcomes.show(train.complete(project, runs))


@section.command("download-datasets")
def download_datasets() -> None:
    """Download the datasets from Azure ML."""
    from seedling.azure import data

    project = find_project()
    for dataset in project.config.chosen_datasets(None):
        rows = data.download(project, dataset)
        click.echo(f"{dataset.name}, version {dataset.version}: {counted(rows, 'row')}")


@section.command("download-models")
def download_models() -> None:
    """Download the models of model.yaml from Azure ML."""
    from seedling.azure import registry

    for line in registry.download(find_project()):
        click.echo(line)


@section.command("train-on-new-data")
def train_on_new_data() -> None:
    """Create the datasets; train on Azure ML if they are new."""
    from seedling.azure import refresh, training

    for job in refresh.refresh(find_project()):
        click.echo(training.how_to_follow(job))


@section.command("schedule-training")
@click.option("--cron", help='When, five fields in UTC: "0 3 * * 1" is Mondays at three.')
@click.option("--model", "models", multiple=True, help="Only this model; may be given again.")
@click.option(
    "--on-new-data", is_flag=True, help="Create the datasets each time; train if they changed."
)
@click.option("--remove", is_flag=True, help="Delete this project's schedules.")
def schedule_training(
    cron: str | None, models: Sequence[str], on_new_data: bool, remove: bool
) -> None:
    """Let Azure ML train on a schedule."""
    from seedling.azure import schedules

    project = find_project()
    if remove == bool(cron) or (models and (remove or on_new_data)):
        raise click.UsageError("Give --cron, with --model or --on-new-data; or --remove alone.")
    if remove:
        names = schedules.remove(project)
        click.echo(f"Removed {', '.join(names)}." if names else "There is no schedule to remove.")
        return
    for name in schedules.schedule(project, str(cron), models, on_new_data):
        click.echo(f"{name}: {cron} (UTC)")


@section.command("monitor-in-aml")
@click.argument("model", required=False)
@kind_option
@click.option("--since", help="How long ago the first predictions were that are read, such as 30d.")
@log_option
@truth_option
@retrain_option
@click.option(
    "--fail-on",
    type=click.Choice(["moderate", "severe"]),
    help="Exit with 3 if the verdict is this or worse.",
)
@click.option("--no-wait", is_flag=True, help="Leave the jobs running.")
@click.option("--follow", "job", help="A job that was submitted before.")
def monitor_in_aml(no_wait: bool, job: str | None, fail_on: str | None, **given: Any) -> None:
    """Look for drift and lost performance on Azure ML.

    MODEL: a folder of models/; every model that has answered unless given.
    """
    from seedling.cli import azure_monitoring

    if job and (no_wait or any(given.values())):
        raise click.UsageError("--follow takes no other option beside it but --fail-on.")
    project = find_project()
    jobs = azure_monitoring.begun(project, job, given)
    if no_wait:
        azure_monitoring.leave(jobs)
    else:
        sys.exit(azure_monitoring.show(project, jobs, fail_on))


@section.command("schedule-monitoring")
@click.option("--cron", help='When, five fields in UTC: "0 4 * * *" is every day at four.')
@click.option("--model", default="", help="Only this model, by a schedule of its own.")
@kind_option
@log_option
@truth_option
@retrain_option
@click.option("--remove", is_flag=True, help="Delete this project's schedules of monitoring.")
def schedule_monitoring(cron: str | None, remove: bool, **given: Any) -> None:
    """Let Azure ML monitor on a schedule."""
    from seedling.cli import azure_monitoring

    project = find_project()
    if given["kind"] == "retrain":
        cron = cron or project.config.monitoring.retrain.cron
    if remove == bool(cron) or (remove and any(given.values())):
        raise click.UsageError(
            "Give --cron, with other options or without; or --remove alone. What retrain asks by "
            "may also stand in model.yaml: monitoring.retrain.cron."
        )
    azure_monitoring.schedule(project, cron, given)


@section.command("write-azure-monitor")
@click.argument("model", callback=not_empty)
def write_azure_monitor(model: str) -> None:
    """Write Azure ML's own monitor of a model as YAML."""
    from seedling.azure import own_monitors

    project = find_project()
    path = own_monitors.write(project, model).relative_to(project.root).as_posix()
    click.echo(f"{path} is what Azure ML loads: az ml schedule create -f {path}")


@section.command()
def deploy() -> None:
    """Deploy the registered models to what ENVIRONMENT names.

    That is `deploy` of the environment in model.yaml: online, batch, web_app or several; unless
    given, the web app where one is described, and the online endpoint where none is.
    """
    from seedling.azure import deploy

    deploy.deploy(find_project(), click.echo)


@section.command("deploy-online")
@click.option(
    "--traffic",
    type=click.IntRange(0, 100),
    help="Percent of the requests for the new deployment, the present one keeps the rest; that of "
    "model.yaml, else 100.",
)
@click.option("--model", default="", help="Only this model, at an endpoint of its own.")
def deploy_online(traffic: int | None, model: str) -> None:
    """Deploy the registered models to the managed online endpoint.

    They are tested on this machine, then in a deployment without traffic, then through the
    endpoint. After a failure the endpoint is as it was before.
    """
    from seedling.azure import online

    online.deploy(find_project(), traffic, click.echo, model)


@section.command("test-online")
@click.option("--model", default="", help="Only this model, at an endpoint of its own.")
def test_online(model: str) -> None:
    """Send every model's test instances to the online endpoint."""
    from seedling.azure import online

    online.try_models(find_project(), click.echo, model)


@section.command("roll-back-online")
@click.option("--model", default="", help="Only this model, at an endpoint of its own.")
def roll_back_online(model: str) -> None:
    """Route requests to the previous deployment again."""
    from seedling.azure import online

    online.roll_back(find_project(), click.echo, model)


@section.command("publish-assets-in-registry")
def publish_assets_in_registry() -> None:
    """Publish the datasets and models to the shared registry."""
    from seedling.azure import publish_assets

    wrong = False
    for published in publish_assets.publish(find_project()):
        wrong = wrong or bool(published.problem)
        click.echo(published.problem or published.message, err=bool(published.problem))
    sys.exit(wrong)


@section.command("publish-training-pipeline")
@click.option("--version", help="Unless given: BUILD_ID, or a hash of the content.")
def publish_training_pipeline(version: str | None) -> None:
    """Register the training pipeline with its components."""
    from seedling.azure import publish_pipeline

    for each in publish_pipeline.publish(find_project(), version):
        done = "is published" if each.is_new else "is published already"
        click.echo(f"{each.name}, version {each.version}, {done}")


@section.command("ended-training")
def ended_training() -> None:
    """Look for a job of an earlier build that has ended.

    The oldest that train-model-in-aml --no-wait has submitted in this CI system. It is gone on with
    once: its build, commit and branch are outputs of this step. Exit code 1 where it has failed.
    """
    from seedling.azure import ended_training as looking
    from seedling.ci import output

    found = looking.look(find_project())
    if found is None:
        click.echo("No job has ended that was not gone on with.")
        return
    click.echo(found.words)
    for name, value in found.outputs.items():
        output.write(name, value)


@section.command("registered-models")
@click.option("--build-id", help="BUILD_ID unless given.")
@click.option("--fail", is_flag=True, help="Exit code 1 where no model was registered.")
def registered_models(build_id: str | None, fail: bool) -> None:
    """List the models that a build has registered."""
    from seedling.azure import tag_models
    from seedling.ci import output
    from seedling.training import outcomes

    found = tag_models.of_build(find_project(), build_id or outcomes.build_id())
    for line in tag_models.lines(found):
        click.echo(line)
    output.write("registered", "true" if found else "false")
    sys.exit(fail and not found)


@section.command("tag-model")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--model", help="A model's name, as registered-models prints it.")
@click.option("--version", help="The model's version.")
@click.option("--build-id", help="Instead: the versions that this build registered.")
def tag_model(
    tags: Sequence[str], model: str | None, version: str | None, build_id: str | None
) -> None:
    """Set tags of registered models."""
    from seedling.azure import tag_models

    wrong = [tag for tag in tags if not tag.partition("=")[0] or "=" not in tag]
    if wrong:
        raise click.UsageError(f"{wrong[0]!r} is not a tag: write key=value.")
    if (model is None) != (version is None) or (model is None) == (build_id is None):
        raise click.UsageError("Give --model and --version, or --build-id.")
    project = find_project()
    if model is not None and version is not None:
        chosen = [(model, version)]
    else:
        found = tag_models.of_build(project, build_id or "")
        chosen = [(each.name, each.version) for each in found]
    tag_models.tag(project, chosen, dict(tag.split("=", 1) for tag in tags))
    if not chosen:
        raise ProjectError("Nothing was tagged: no model was registered by this build.")
    for name, number in chosen:
        click.echo(f"{name}, version {number}: {', '.join(tags)}")


@section.command("deploy-web-app")
def deploy_web_app() -> None:
    """Run the service's image as an Azure web app."""
    from seedling.azure import web_app

    for line in web_app.deploy(find_project()):
        click.echo(line)


@section.command("deploy-batch")
@click.option("--model", help="The model to deploy; the best champion unless given.")
def deploy_batch(model: str | None) -> None:
    """Deploy a model to score files on Azure ML."""
    from seedling.azure import batch

    click.echo(batch.deploy(find_project(), model))


@section.command("batch-score-in-aml")
@click.argument("source", metavar="INPUT", required=False)
@click.option("--output", "target", default="predictions.csv", show_default=True)
@click.option("--model", help="The model whose endpoint is asked; the best champion unless given.")
@click.option("--no-wait", is_flag=True, help="Leave the job running.")
@click.option("--follow", "job", help="A job that was submitted before.")
def batch_score_in_aml(
    source: str | None, target: str, model: str | None, no_wait: bool, job: str | None
) -> None:
    """Score files here, or in Azure's storage, on Azure ML."""
    from seedling.azure import batch

    project = find_project()
    if bool(source) == bool(job) or (job and no_wait):
        raise click.UsageError("Give INPUT, or --follow and a job.")
    if job is None:
        job = batch.submit(project, str(source), Path(target), model)
        click.echo(f"Submitted {job}.")
    if no_wait:
        click.echo(batch.how_to_follow(job, target))
        return
    rows, problems = batch.fetch(project, job, Path(target))
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    click.echo(f"The predictions of {counted(rows, 'row')} are in {target}.")
    sys.exit(bool(problems))


@section.command("sweep-model-in-aml")
@click.argument("model", callback=not_empty)
@click.option("--trials", type=click.IntRange(1), help="How many; else all combinations, or 20.")
@click.option("--concurrent", default=4, show_default=True, type=click.IntRange(1))
@click.option("--write", is_flag=True, help="Put the best hyperparameters into model.yaml.")
def sweep_model_in_aml(model: str, trials: int | None, concurrent: int, write: bool) -> None:
    """Search a model's hyperparameters on Azure ML."""
    from seedling.azure import sweep
    from seedling.training import tuned

    project = find_project()
    found = sweep.sweep(project, model, trials, concurrent)
    for trial in found:
        values = ", ".join(f"{name} {value}" for name, value in trial.values.items())
        shown = "failed" if trial.metric is None else f"{trial.metric:.4f}"
        click.echo(f"{shown:>10}  {values}")
    best = ", ".join(f"{name}: {value}" for name, value in found[0].values.items())
    click.echo(f"The best hyperparameters: {best}.")
    if write:
        tuned.write(project, model, found[0].values, yes=True)
        click.echo(f"They are in model.yaml; now run train --model {model}.")
    else:
        click.echo(f"Put them into model.yaml (--write does), then run train --model {model}.")
