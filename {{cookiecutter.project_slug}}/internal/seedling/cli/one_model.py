"""The verbs of one model: train and serve it in a container, or here, under a name.

`python -m seedling model NAME VERB`, and `make VERB` in models/NAME/.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from seedling.cli.section import find_project, port_option
from seedling.errors import ProjectError

ALL = "all"  # the folder models/all/
NAME = click.option("--model-name", default="", help="The name to register, or to serve.")
TABLE = click.option("--dataset-name", metavar="data/FILE", help="The table to train on.")


class Chosen:
    """The folder of models/ that the command line names: a model's, or models/all/."""

    def __init__(self, name: str) -> None:
        self.project = find_project()
        self.name = name
        if name != ALL:
            self.project.config.trained_model(name)

    def refuse_all(self) -> None:
        """Refuse to train models/all/, which is not a model."""
        if self.name == ALL:
            raise ProjectError("Models are trained one by one, or by train-all.")

    def table(self, table: str | None) -> str:
        """Return `$ref` of a payload: the dataset's own file unless another is named."""
        dataset = self.project.config.trained_model(self.name).dataset
        return table or f"data/{self.project.config.dataset(dataset).file_name}"


def chosen_folder(function: Callable[..., None]) -> Callable[..., None]:
    """Pass a verb the folder that its group's argument names; `--help` needs none."""

    @wraps(function)
    def verb(**options: Any) -> None:
        function(Chosen(click.get_current_context().obj), **options)

    return verb


def image(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare the two options that name an image, and give the verb its name as `tag`.

    Args:
        kind: of the image: `train` or `predict`.
    """

    def decorator(function: Callable[..., None]) -> Callable[..., None]:
        @click.option("--tag", help="The image's name, in full.")
        @click.option("--container-name", help=f"Or its name without -{kind} behind.")
        @wraps(function)
        def verb(
            chosen: Chosen, tag: str | None, container_name: str | None, **options: Any
        ) -> None:
            from seedling.scaffold.model_folder import image_name

            name = container_name or image_name(chosen.project.config.slug, chosen.name)
            function(chosen, tag=tag or f"{name}-{kind}", **options)

        return verb

    return decorator


@click.group()
@click.argument("model")
@click.pass_context
def model(context: click.Context, model: str) -> None:
    """Train or serve one model, in containers or here; `all` serves all."""
    context.obj = model


@model.command("build-train")
@chosen_folder
@image("train")
def build_train(chosen: Chosen, tag: str) -> None:
    """Build the image that trains it."""
    from seedling.containers import images

    chosen.refuse_all()
    images.build_from_source(chosen.project, chosen.name, "train", tag)


@model.command("build-predict")
@chosen_folder
@image("predict")
def build_predict(chosen: Chosen, tag: str) -> None:
    """Build the image that serves it."""
    from seedling.containers import images

    images.build_from_source(chosen.project, chosen.name, "predict", tag)


@model.command()
@NAME
@TABLE
@chosen_folder
@image("train")
def train(chosen: Chosen, tag: str, model_name: str, dataset_name: str | None) -> None:
    """Train it in a container."""
    from seedling.containers import run

    chosen.refuse_all()
    table, name = chosen.table(dataset_name), model_name or chosen.name
    run.train(chosen.project, tag, table, name)


@model.command("train-local")
@NAME
@TABLE
@chosen_folder
def train_local(chosen: Chosen, model_name: str, dataset_name: str | None) -> None:
    """Train it here, by the same entry point."""
    from seedling.containers import entry_points, s2i

    chosen.refuse_all()
    variables = s2i.environment(chosen.project.root / "models" / chosen.name)
    payload = {"$ref": chosen.table(dataset_name), "model_name": model_name or chosen.name}
    module, function = (_variable(variables, f"TRAIN_{part}") for part in ("MODULE", "FUNCTION"))
    outcome = entry_points.train(module, function, json.dumps(payload))
    click.echo(json.dumps(outcome, indent=2, ensure_ascii=False, default=str))


@model.command()
@NAME
@port_option()
@click.option("--detach", is_flag=True, help="Leave it running in the background.")
@chosen_folder
@image("predict")
def predict(chosen: Chosen, tag: str, model_name: str, port: int, detach: bool) -> None:
    """Serve it in a container."""
    from seedling.containers import images, run
    from seedling.scaffold import all_models
    from seedling.settings import MODEL_DIRS

    if not model_name:
        images.refuse_unregistered(chosen.project, chosen.name)
    fewer = chosen.name == ALL and MODEL_DIRS.is_set()
    variables = all_models.variables(chosen.project.root) if fewer else {}
    address = run.predict(chosen.project, tag, model_name, port, detach, variables)
    if detach:
        click.echo(f"{chosen.name} is served at {address}; stop ends it.")


@model.command()
@chosen_folder
@image("predict")
def stop(chosen: Chosen, tag: str) -> None:
    """Stop the container that serves it."""
    from seedling.containers import run

    stopped = run.stop(tag)
    click.echo(f"Stopped {stopped}." if stopped else "Nothing runs in the background.")


@model.command("predict-local")
@NAME
@port_option()
@chosen_folder
def predict_local(chosen: Chosen, model_name: str, port: int) -> None:
    """Serve it here, with the routes of its image."""
    from seedling.containers import s2i
    from seedling.serving import start_server
    from seedling.settings import MODEL_NAME

    os.environ.update(s2i.environment(chosen.project.root / "models" / chosen.name))
    if model_name:
        os.environ[MODEL_NAME.name] = model_name
    sys.exit(start_server.serve(chosen.project, "127.0.0.1", port))


@model.command("test-endpoint")
@port_option()
@click.option("--url", help="Where it is served, if not on this machine.")
@chosen_folder
def test_endpoint(chosen: Chosen, port: int, url: str | None) -> None:
    """Send its test instances to its endpoint."""
    from seedling.containers import images, s2i
    from seedling.serving import try_endpoint
    from seedling.serving.client import Client

    root, client = chosen.project.root, Client(url or f"http://127.0.0.1:{port}")
    tried = [
        try_endpoint.attempt(chosen.project, name, client, entry.route)
        for name in images.members(chosen.project, chosen.name)
        for entry in s2i.predict_routes(root / "models" / name)
    ]
    for line in try_endpoint.lines(tried):
        click.echo(line)
    sys.exit(any(each.problem for each in tried))


def _variable(variables: dict[str, str], name: str) -> str:
    if name not in variables:
        raise ProjectError(f".s2i/environment does not set {name}.")
    return variables[name]
