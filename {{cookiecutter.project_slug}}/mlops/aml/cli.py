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
