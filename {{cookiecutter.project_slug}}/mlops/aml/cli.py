"""The verbs for Azure ML; they join the core's command line."""

import sys

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


@verbs.command("publish-assets-in-registry")
def publish_assets_in_registry() -> None:
    """Publish the datasets and models to the shared registry."""
    from mlops.aml import publish

    wrong = False
    for published in publish.publish(Project.find()):
        wrong = wrong or bool(published.problem)
        click.echo(published.problem or published.message, err=bool(published.problem))
    sys.exit(wrong)
