"""The verbs for Azure ML; they join the core's command line."""

import sys
from collections.abc import Sequence

import click

from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.errors import ProjectError


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


@verbs.command("publish-training-pipeline")
@click.option("--version", help="BUILD_ID unless given, else of the content's hash.")
def publish_training_pipeline(version: str | None) -> None:
    """Register the training pipeline with its components."""
    from mlops.aml import published

    for each in published.publish(Project.find(), version):
        done = "is published" if each.is_new else "is published already"
        click.echo(f"{each.name}, version {each.version}, {done}")


@verbs.command("registered-models")
@click.option("--build-id", help="BUILD_ID unless given.")
@click.option("--fail", is_flag=True, help="Exit code 1 where no model was registered.")
def registered_models(build_id: str | None, fail: bool) -> None:
    """List the models that a build has registered."""
    from mlops.aml import ci_output, registered

    found = registered.of_build(Project.find(), build_id or registered.build_id())
    for line in registered.told(found):
        click.echo(line)
    ci_output.tell("registered", "true" if found else "false")
    sys.exit(fail and not found)


@verbs.command("tag-model")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--model", help="A name, as registered-models says it.")
@click.option("--version", help="Which version of it.")
@click.option("--build-id", help="Instead: what this build has registered.")
def tag_model(
    tags: Sequence[str], model: str | None, version: str | None, build_id: str | None
) -> None:
    """Set tags of registered models."""
    from mlops.aml import registered

    wrong = [tag for tag in tags if not tag.partition("=")[0] or "=" not in tag]
    if wrong:
        raise click.UsageError(f"{wrong[0]!r} is no tag: write key=value.")
    if (model is None) != (version is None) or (model is None) == (build_id is None):
        raise click.UsageError("Give --model and --version, or --build-id.")
    project = Project.find()
    if model is not None and version is not None:
        chosen = [(model, version)]
    else:
        found = registered.of_build(project, build_id or "")
        chosen = [(each.name, each.version) for each in found]
    registered.tag(project, chosen, dict(tag.split("=", 1) for tag in tags))
    if not chosen:
        raise ProjectError("Nothing was tagged: no model was registered by this build.")
    for name, number in chosen:
        click.echo(f"{name}, version {number}: {', '.join(tags)}")


@verbs.command("deploy-web-app")
def deploy_web_app() -> None:
    """Run the service's image as an Azure web app."""
    from mlops.aml import web_app

    for line in web_app.deploy(Project.find()):
        click.echo(line)
