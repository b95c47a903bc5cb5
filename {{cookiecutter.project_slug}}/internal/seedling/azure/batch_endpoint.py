"""The project's batch endpoint: found by its tags, made under a name that is free."""

from typing import Any

from seedling.azure import endpoints, workspace
from seedling.azure.endpoints import LONGEST
from seedling.config import Project
from seedling.errors import ProjectError

KEY = "batch.endpoint_name"  # of model.yaml


def find(project: Project, client: Any, model: str = "") -> Any:
    """Find the endpoint of this project and environment, as the model has it; None if none."""
    return endpoints.find(project, client.batch_endpoints, _wanted(project, model))


def existing(project: Project, client: Any, model: str = "") -> Any:
    """Find the endpoint, which must have a default deployment.

    Raises:
        ProjectError: there is none.
    """
    endpoint = find(project, client, model)
    if endpoint is None or not default_of(endpoint):
        raise ProjectError(
            f"The workspace has no batch endpoint of {project.config.slug} for the environment "
            f"{workspace.environment()}: run deploy-batch."
        )
    return endpoint


def description(project: Project, model: str = "") -> str:
    """Return the endpoint's description."""
    given = workspace.settings(project, model).batch.endpoint_desc
    return project.config.description if given is None else given


def create(project: Project, client: Any, model: str = "") -> Any:
    """Create the endpoint, under the next free name if the wanted one is taken."""
    from azure.ai.ml.entities import BatchEndpoint

    def make(name: str) -> Any:
        wanted = BatchEndpoint(
            name=name, description=description(project, model), tags=endpoints.tags(project)
        )
        begin = client.batch_endpoints.begin_create_or_update
        return endpoints.finish(lambda: begin(wanted), f"Creating the endpoint {name}")

    return endpoints.create(client.batch_endpoints, _wanted(project, model), make, KEY)


def default_of(endpoint: Any) -> str:
    """Return the name of the default deployment; empty if there is none yet."""
    defaults = endpoint.defaults
    if isinstance(defaults, dict):
        return str(defaults.get("deployment_name") or "")
    return str(getattr(defaults, "deployment_name", None) or "")


def _wanted(project: Project, model: str) -> str:
    given = workspace.settings(project, model).batch.endpoint_name
    if given is not None:
        return endpoints.checked(given, KEY)
    return f"{project.config.slug.replace('_', '-').strip('-')[: LONGEST - 6].rstrip('-')}-batch"
