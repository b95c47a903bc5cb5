"""The project's batch endpoint: found by its tags, made under a name that is free."""

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.errors import ProjectError

from mlops.aml import endpoints, workspace
from mlops.aml.endpoints import LONGEST, PACKAGE


def find(project: Project, client: Any) -> Any:
    """The endpoint of this project and environment; None where there is none."""
    return endpoints.find(client.batch_endpoints, _wanted(project))


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

    def make(name: str) -> Any:
        wanted = BatchEndpoint(
            name=name, description=project.config.description, tags=endpoints.tags()
        )
        begin = client.batch_endpoints.begin_create_or_update
        return finish(f"Creating the endpoint {name}", lambda: begin(wanted))

    key = "batch.endpoint_name"
    return endpoints.create(client.batch_endpoints, _wanted(project), make, key)


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
