"""The project's batch endpoint: found by its tags, made under a name that is free."""

from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.errors import ProjectError

from mlops.aml import workspace

PACKAGE = "{{cookiecutter.project_slug}}"
LONGEST = 32  # characters of a name
NAMES = 20  # that are tried where they are taken
TAKEN = "unique within a region"  # what Azure says of a name that another workspace has


def find(project: Project, client: Any) -> Any:
    """The endpoint of this project and environment; None where there is none.

    Raises:
        ProjectError: Azure refuses.
    """
    names = set(_names(_wanted(project)))
    for endpoint in _listed(client):
        if endpoint.name in names and _tags().items() <= (endpoint.tags or {}).items():
            return endpoint
    return None


def existing(project: Project, client: Any) -> Any:
    """The endpoint, with a deployment that answers.

    Raises:
        ProjectError: there is none.
    """
    endpoint = find(project, client)
    if endpoint is None or not default_of(endpoint):
        raise ProjectError(
            f"The workspace has no batch endpoint of {PACKAGE} for the environment "
            f"{workspace.environment()}: run deploy-batch."
        )
    return endpoint


def create(project: Project, client: Any) -> Any:
    """Make the endpoint, under the next name where the wanted one is somebody else's."""
    from azure.ai.ml.entities import BatchEndpoint

    there = {endpoint.name for endpoint in _listed(client)}
    begin = client.batch_endpoints.begin_create_or_update
    for name in _names(_wanted(project)):
        if name in there:
            continue
        wanted = BatchEndpoint(name=name, description=project.config.description, tags=_tags())
        try:
            return finish(f"Creating the endpoint {name}", partial(begin, wanted))
        except ProjectError as error:
            if TAKEN not in str(error):
                raise
            print(f"The endpoint name {name} is taken by somebody else.")
    raise ProjectError(
        f"All names from {_wanted(project)} on are taken: give another batch.endpoint_name in "
        "model.yaml."
    )


def default_of(endpoint: Any) -> str:
    """The name of the deployment that answers; empty where there is none yet."""
    defaults = endpoint.defaults
    if isinstance(defaults, dict):
        return str(defaults.get("deployment_name") or "")
    return str(getattr(defaults, "deployment_name", None) or "")


def finish(what: str, begin: Callable[[], Any]) -> Any:
    """Begin what takes Azure a while, and wait for its end.

    Raises:
        ProjectError: Azure refuses it, or it fails.
    """
    with workspace.in_words(what), redirect_stdout(StringIO()):  # the SDK prints dots
        return begin().result()


def _wanted(project: Project) -> str:
    own = f"{PACKAGE.replace('_', '-').strip('-')[: LONGEST - 6].rstrip('-')}-batch"
    return workspace.settings(project).batch.endpoint_name or own


def _names(name: str) -> Iterator[str]:
    """`x`, `x-2`, `x-3` and so on, none longer than Azure takes."""
    yield name
    for number in range(2, NAMES + 1):
        end = f"-{number}"
        yield name[: LONGEST - len(end)].rstrip("-") + end


def _tags() -> dict[str, str]:
    return {"project": PACKAGE, "environment": workspace.environment()}


def _listed(client: Any) -> list[Any]:
    with workspace.in_words("Looking for endpoints"):
        return list(client.batch_endpoints.list())
