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


@verbs.command("deploy-online")
@click.option(
    "--traffic",
    default=100,
    show_default=True,
    type=click.IntRange(0, 100),
    help="Percent of the requests that the new deployment gets; what answers now keeps the rest.",
)
def deploy_online(traffic: int) -> None:
    """Deploy the registered models to the managed online endpoint.

    They are tried on this machine, then in a deployment that gets no requests yet, then behind the
    endpoint. What fails is taken back: the endpoint answers as before.
    """
    from mlops.aml import online

    online.deploy(Project.find(), traffic, click.echo)


@verbs.command("test-online")
def test_online() -> None:
    """Send every model's test instances to the online endpoint."""
    from mlops.aml import online

    online.test(Project.find(), click.echo)


@verbs.command("roll-back-online")
def roll_back_online() -> None:
    """Give all requests back to the deployment that answered before."""
    from mlops.aml import online

    online.roll_back(Project.find(), click.echo)
