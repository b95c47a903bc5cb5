"""The section Serve: predict over HTTP and in bulk, and test the endpoints."""

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import click

from seedling.cli.section import Section, find_project, port_option

section = Section("Serve")
HOST = click.option("--host", default="127.0.0.1", show_default=True, help="The address to bind.")


@section.command("serve-local")
@HOST
@port_option()
def serve_local(host: str, port: int) -> None:
    """Serve the registered models over HTTP."""
    from seedling.serving import start_server

    sys.exit(start_server.serve(find_project(), host, port))


@section.command("serve-local-app-dev")
@HOST
@port_option()
def serve_local_app_dev(host: str, port: int) -> None:
    """Serve made-up answers, without models."""
    from seedling.serving import start_server
    from seedling.settings import APP_DEV, ENVIRONMENT

    project = find_project()
    os.environ[ENVIRONMENT.name] = APP_DEV
    sys.exit(start_server.serve(project, host, port))


@section.command("predict-all")
@port_option()
def predict_all(port: int) -> None:
    """Serve all registered models in the background."""
    from seedling.serving import background_service

    address = background_service.start(find_project(), port)
    click.echo(f"All models are served at {address}; stop ends it.")


@section.command("test-all")
@click.option("--url", help="Where they are served; what predict-all has started unless given.")
def test_all(url: str | None) -> None:
    """Send every model's test instances to its endpoint."""
    from seedling.serving import background_service, try_endpoint
    from seedling.serving.client import Client

    project = find_project()
    client = Client(url) if url else background_service.client(project)
    names = [model.name for model in project.config.training.models]
    tried = [try_endpoint.attempt(project, name, client) for name in names]
    for line in try_endpoint.lines(tried):
        click.echo(line)
    sys.exit(any(each.problem for each in tried))


@section.command("test-endpoint")
@click.argument("model")
@click.option("--url", help="Where it is served; what predict-all has started unless given.")
def test_endpoint(model: str, url: str | None) -> None:
    """Send a model's test instances to its endpoint."""
    from seedling.serving import background_service, try_endpoint
    from seedling.serving.client import Client

    project = find_project()
    project.config.trained_model(model)
    client = Client(url) if url else background_service.client(project)
    tried = try_endpoint.attempt(project, model, client)
    if tried.answer:
        click.echo(json.dumps(tried.answer, indent=2, ensure_ascii=False))
    click.echo(try_endpoint.lines([tried])[0])
    sys.exit(bool(tried.problem))


@section.command()
def stop() -> None:
    """Stop the service that predict-all has started."""
    from seedling.serving import background_service

    address = background_service.stop(find_project())
    click.echo(f"Stopped {address}." if address else "Nothing runs in the background.")


@section.command()
@click.argument("model", required=False)
@click.option("--version", help="A version of the registry, as training named it.")
@click.option(
    "--share", type=click.FloatRange(0, 1), help="Of the entities that the version answers."
)
@click.option("--shadow", is_flag=True, help="Its answers go to the prediction log only.")
@click.option("--champion", is_flag=True, help="It becomes the champion.")
@click.option("--remove", is_flag=True, help="It is not served any more.")
@click.option("--shared", is_flag=True, help="Serve here the versions of model.yaml; no --version.")
def traffic(
    model: str | None,
    version: str | None,
    share: float | None,
    shadow: bool,
    champion: bool,
    remove: bool,
    shared: bool,
) -> None:
    """List the served versions; give one a share."""
    from seedling.registry import traffic as roles

    project = find_project()
    if share is not None and math.isnan(share):
        raise click.BadParameter("a share is a number from 0 to 1.", param_hint="--share")
    roles_given = [share is not None, shadow, champion, remove].count(True)
    if model is None and (version is not None or roles_given or shared):
        raise click.UsageError("Name the model whose version that is.")
    if model is not None and shared:
        if version is not None or roles_given:
            raise click.UsageError("--shared takes no other option beside it.")
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


@section.command("batch-score")
@click.argument("source", metavar="INPUT")
@click.argument("output", metavar="OUTPUT")
@click.option("--model", help="The model that answers; the best unless given.")
@click.option("--strict", is_flag=True, help="Refuse a file with a row that has no answer.")
@click.option("--workers", type=click.IntRange(1), help="Threads; as many as cores unless given.")
@click.option("--restart", is_flag=True, help="Forget what an interrupted run has scored.")
@click.option(
    "--backend",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Where: on this machine, or on a cluster of Ray that is there.",
)
def batch_score(source: str, output: str, **options: Any) -> None:
    """Score the rows of files, each exactly once."""
    from seedling.cli import batch_score

    if "" in (source, output) or Path() in (Path(source), Path(output)):
        raise click.UsageError("Give INPUT and OUTPUT.")  # a script's variable that is not set
    sys.exit(batch_score.score(find_project(), source, output, batch_score.Options(**options)))
