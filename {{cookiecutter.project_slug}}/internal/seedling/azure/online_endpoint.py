"""One managed online endpoint: found or made, asked, and its requests shared out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seedling.azure import endpoints, workspace
from seedling.azure.endpoints import LONGEST
from seedling.config import Project
from seedling.errors import ProjectError

KEY = "online.endpoint_name"  # of model.yaml
RETRIES = 4  # of a request that the endpoint's front cannot forward
BEFORE = "before"  # the tag with the content of what answered before


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the workspace, by its name."""

    client: Any
    name: str

    def document(self) -> Any:
        """Fetch the endpoint; deployments without requests have a share of 0."""
        with workspace.project_errors(f"Looking at the endpoint {self.name}"):
            return self.client.online_endpoints.get(self.name)

    def deployments(self) -> dict[str, Any]:
        with workspace.project_errors(f"Looking at the deployments of {self.name}"):
            return {one.name: one for one in self.client.online_deployments.list(self.name)}

    def shares(self) -> dict[str, int]:
        """Return the deployments that receive requests, with their shares in percent."""
        return {name: share for name, share in self.document().traffic.items() if share}

    def deploy(self, deployment: Any) -> None:
        """Create a deployment, and follow it until it is Healthy.

        Raises:
            ProjectError: it is Unhealthy, or Azure refuses it.
        """
        create = self.client.online_deployments.begin_create_or_update
        endpoints.finish(
            lambda: create(deployment),
            f"Creating {deployment.name} of {self.name}",
            lambda: self.health(deployment.name),
        )

    def health(self, deployment: str) -> str:
        """Return Healthy, Unhealthy or Transitioning; the last, too, where Azure does not say."""
        try:
            with workspace.project_errors(f"Looking at {deployment} of {self.name}"):
                found = self.client.online_deployments.get(deployment, self.name)
        except ProjectError:  # it is not there yet, or this look was one too many
            return endpoints.TRANSITIONING
        return endpoints.health(found.provisioning_state)

    def delete(self, deployment: str) -> None:
        begin = self.client.online_deployments.begin_delete
        what = f"Deleting {deployment} of {self.name}"
        endpoints.finish(lambda: begin(deployment, self.name), what)

    def route(self, shares: Mapping[str, int], before: str, description: str = "") -> None:
        """Share the requests out, and note the content of what answered before."""
        document = self.document()
        document.description = description or document.description
        document.traffic = dict(shares)
        document.tags = {**document.tags, BEFORE: before}
        begin = self.client.online_endpoints.begin_create_or_update
        endpoints.finish(lambda: begin(document), f"Moving the requests of {self.name}")

    def logs(self, deployment: str, lines: int) -> str:
        """Return the last log lines of a deployment; empty if Azure has none."""
        try:
            with workspace.project_errors(f"Reading the log of {deployment}"):
                return str(self.client.online_deployments.get_logs(deployment, self.name, lines))
        except ProjectError:  # it may not even have begun
            return ""

    def ask(self, body: Any, deployment: str = "") -> Any:
        """Ask the endpoint, or one deployment of it whatever its share.

        Raises:
            ProjectError: it answers with an error, or not at all.
        """
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import RetryPolicy
        from azure.core.rest import HttpRequest

        with workspace.project_errors(f"Asking {self.name}"):
            key = self.client.online_endpoints.get_keys(self.name).primary_key
            url = self.document().scoring_uri
            headers = {"Authorization": f"Bearer {key}"}
            headers |= {"azureml-model-deployment": deployment} if deployment else {}
            request = HttpRequest("POST", url, headers=headers, json=body)
            policies = [RetryPolicy(retry_total=RETRIES)]
            pipeline: Any = PipelineClient(url, policies=policies)
            with pipeline:
                response = pipeline.send_request(request)
        if response.status_code != 200:
            # 424 stands for whatever the deployment itself has answered with.
            status = response.headers.get("ms-azureml-model-error-statuscode")
            raise ProjectError(
                f"{self.name} answers {status or response.status_code}: {_words(response.text())}"
            )
        try:
            return response.json()
        except ValueError:
            raise ProjectError(f"{self.name} answers no JSON.") from None


def wanted(project: Project, model: str = "") -> str:
    """Return the name that the endpoint should have: the project's, or that of one model.

    Raises:
        ProjectError: model.yaml gives one that Azure does not take.
    """
    name = workspace.settings(project, model).online.endpoint_name
    if name is None:
        slug = "-".join([project.config.slug, *([model] if model else [])])
        slug = slug.replace("_", "-").strip("-")
        return slug[:LONGEST].rstrip("-") if len(slug) > 2 else f"{slug}-online"
    return endpoints.checked(name, KEY)


def find(project: Project, client: Any, model: str = "") -> Endpoint | None:
    """Find the endpoint of this project and environment; None if there is none."""
    found = endpoints.find(project, client.online_endpoints, wanted(project, model), model)
    return Endpoint(client, found.name) if found else None


def existing(project: Project, client: Any, model: str = "") -> Endpoint:
    """Find the endpoint of this project and environment; of one model if it is named.

    Raises:
        ProjectError: there is none yet.
    """
    found = find(project, client, model)
    if found is None:
        raise ProjectError(
            f"The workspace has no endpoint of {model or project.config.slug} for the environment "
            f"{workspace.environment()}: run deploy-online."
        )
    return found


def description(project: Project, model: str = "") -> str:
    """Return the endpoint's description."""
    given = workspace.settings(project, model).online.endpoint_desc
    return project.config.description if given is None else given


def create(project: Project, client: Any, model: str = "") -> Endpoint:
    """Create the endpoint, under the next free name if the wanted one is taken."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    def make(name: str) -> Endpoint:
        endpoint = ManagedOnlineEndpoint(
            name=name,
            description=description(project, model),
            auth_mode="key",
            tags=endpoints.tags(project, model),
        )
        begin = client.online_endpoints.begin_create_or_update
        endpoints.finish(lambda: begin(endpoint), f"Creating the endpoint {name}")
        return Endpoint(client, name)

    return endpoints.create(client.online_endpoints, wanted(project, model), make, KEY)


def _words(text: str) -> str:
    """Return the first line of an answer."""
    return " ".join(text.split())[:300]
