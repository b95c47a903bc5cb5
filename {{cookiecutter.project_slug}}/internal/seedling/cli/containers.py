"""The section Containers: the image of the service, and the images of one model."""

import json

import click

from seedling.cli.one_model import model
from seedling.cli.section import Section, find_project

section = Section("Containers", part="containers")
section.add_command(model)


@section.command()
@click.option("--tag", help="The image's name; the project's own unless given.")
def build(tag: str | None) -> None:
    """Build the image of the service."""
    from seedling.containers import images

    images.build(find_project(), tag)


@section.command("generate-all")
def generate_all() -> None:
    """Generate models/all/ from the models' files."""
    from seedling.scaffold import all_models

    all_models.write(find_project().root)
    click.echo("models/all/ agrees with the files of the models.")


@section.command("train-payload", hidden=True)
@click.option("--payload", envvar="PAYLOAD", default="", help="JSON: `$ref`, `model_name`.")
@click.option("--module", envvar="TRAIN_MODULE", default="", help="The function's module.")
@click.option("--function", envvar="TRAIN_FUNCTION", default="train", show_default=True)
def train_payload(payload: str, module: str, function: str) -> None:
    """Train on the table of PAYLOAD, as a training container does."""
    from seedling.containers import entry_points

    outcome = entry_points.train(module, function, payload)
    click.echo(json.dumps(outcome, indent=2, ensure_ascii=False, default=str))
