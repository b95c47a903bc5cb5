"""Files from the registry that workspaces share, for a service without the SDK of Azure ML.

The calls are those that the SDK makes: where the registry is, what a version has, a way into its
storage, and the files.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from seedling.azure import identity, workspace
from seedling.config import NamedDataset, Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.files import sha256

DISCOVERY = "https://eastus.api.azureml.ms/"  # knows the registries of all regions
PROVIDER = "Microsoft.MachineLearningServices"
SCOPE = "https://management.azure.com/.default"
VERSION = {"api-version": "2021-10-01-dataplanepreview"}
URIS = {"models": "modelUri", "data": "dataUri"}
MAX_RETRIES = 3  # of a failed request: about five seconds of an outage
MAX_WAIT_SECONDS = 20  # if Azure asks for a longer time; otherwise the start could take hours
TIMEOUTS_SECONDS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 30}
REASONS = {
    401: "the credential is not accepted",
    403: "the caller may not read it: give it the role AzureML Registry User",
    404: "there is none such: publish it, or correct its name in model.yaml",
}


def fetch(project: Project, registered: RegisteredModel, folder: Path) -> None:
    """Write the files of a registered model to a folder; see download."""
    registry = project.config.registry
    assert registry is not None  # the caller checks that model.yaml names one
    files = (registry.name, "models", registered.name, registered.version)
    download(*files, folder, registry.discovery)


def fetch_dataset(project: Project, dataset: NamedDataset, folder: Path) -> None:
    """Write the file of a published dataset to a folder, and verify its hash where it has one.

    Raises:
        ProjectError: what `download` raises, or the file is not the published one.
    """
    registry = project.config.registry
    assert registry is not None  # the caller checks that model.yaml names one
    files = (registry.name, "data", dataset.name, dataset.version)
    tags = download(*files, folder, registry.discovery)
    file = folder / dataset.file_name
    if not file.exists():
        raise ProjectError(f"the registry has no {dataset.file_name} under that name and version.")
    if tags.get("sha256", sha256(file)) != sha256(file):
        raise ProjectError("what came is not what was published: its hash differs.")


def download(
    registry: str, kind: str, name: str, version: str, folder: Path, discovery: str = ""
) -> dict[str, str]:
    """Write the files of an asset to a folder; return its tags.

    Args:
        registry: its name.
        kind: `models` or `data`.
        discovery: the URL that says where the registry is, unless the environment has another.

    Raises:
        ProjectError: the registry is not reached, refuses or has no such asset, or the client is
            not installed.
    """
    try:
        from azure.storage.blob import ContainerClient, ExponentialRetry
    except ImportError:
        raise ProjectError(
            "The shared registry needs azure-storage-blob: run init with the group `registry`."
        ) from None
    logging.getLogger("azure").setLevel(logging.ERROR)  # its errors are put into words
    retry = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=MAX_RETRIES)
    with _client() as client:
        with _project_errors(f"the registry {registry}"):
            front = _front(client, registry, discovery or DISCOVERY)
        with _project_errors(f"{name}, version {version}, in the registry {registry}"):
            asset = f"{kind}/{name}/versions/{version}"
            properties = _ask(client, "GET", f"{front}/{asset}")["properties"]
            uri = properties[URIS[kind]]
            url, prefix = _storage(client, front, registry, asset, uri)
            with ContainerClient.from_container_url(
                url, retry_policy=retry, **TIMEOUTS_SECONDS
            ) as container:
                _write(container, prefix, folder)
    return dict(properties.get("tags") or {})


@contextmanager
def _client() -> Iterator[Any]:
    """Asks with this machine's credential, and retries what may pass."""
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy

    class Retry(RetryPolicy):
        def get_retry_after(self, response: Any) -> float | None:
            asked = super().get_retry_after(response)
            return asked and min(asked, MAX_WAIT_SECONDS)

    with identity.credential(may_ask=False) as credential:
        bearer = BearerTokenCredentialPolicy(credential, SCOPE)
        policies = [Retry(retry_total=MAX_RETRIES), bearer]
        client: PipelineClient[Any, Any] = PipelineClient("", policies=policies, **TIMEOUTS_SECONDS)
        with client:
            yield client


def _front(client: Any, registry: str, discovery: str) -> str:
    """Return the URL below which the registry's assets are."""
    address = os.environ.get(workspace.DISCOVERY_URL) or discovery
    url = f"{address}registrymanagement/v1.0/registries/{registry}/discovery"
    found = _ask(client, "GET", url)
    return (
        f"{found['primaryRegionResourceProviderUri']}mferp/managementfrontend"
        f"/subscriptions/{found['subscriptionId']}/resourceGroups/{found['resourceGroup']}"
        f"/providers/{PROVIDER}/registries/{registry}"
    )


def _storage(client: Any, front: str, registry: str, asset: str, uri: str) -> tuple[str, str]:
    """Return a signed URL of an asset's container, and the path of its files in it."""
    _, _, version = asset.partition("/")
    wanted = {"assetId": f"azureml://registries/{registry}/{asset}", "blobUri": uri}
    found = _ask(client, "POST", f"{front}/datarefs/{version}", wanted)
    prefix = unquote(urlsplit(uri).path).lstrip("/").partition("/")[2]
    return found["blobReferenceForConsumption"]["credential"]["sasUri"], prefix.rstrip("/")


def _ask(client: Any, method: str, url: str, body: Any = None) -> Any:
    from azure.core.rest import HttpRequest

    request = HttpRequest(method, url, params=VERSION, json=body)
    response = client.send_request(request, retry_on_methods=["GET", "POST"])  # it only reads
    response.raise_for_status()
    return response.json()


def _write(container: Any, prefix: str, folder: Path) -> None:
    """Write the blobs of a prefix to the folder."""
    for blob in container.list_blobs(name_starts_with=prefix, include=["metadata"]):
        name = _relative(blob.name, prefix)
        if not name or (blob.metadata or {}).get("hdi_isfolder"):
            continue
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ProjectError(f"The registry has a file {name!r}, which leads elsewhere.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            container.download_blob(blob.name).readinto(file)


def _relative(name: str, prefix: str) -> str:
    """Return a blob's path within the asset; empty if it belongs to another asset."""
    if name == prefix:
        return PurePosixPath(name).name
    folder = f"{prefix}/" if prefix else ""
    return name.removeprefix(folder) if name.startswith(folder) else ""


@contextmanager
def _project_errors(what: str) -> Iterator[None]:
    """Turn Azure's errors into a ProjectError without the URL, which may hold a signature."""
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        raise ProjectError(f"{what}: {_refused(error)}.") from None
    except AzureError as error:
        reason = type(error.inner_exception or error).__name__
        raise ProjectError(f"{what}: Azure is not reached ({reason}).") from None


def _refused(error: Any) -> str:
    """Return the reason of a refusal, or of a request that was not sent."""
    if error.response is None:
        return (
            "There is no Azure credential: give this machine a managed identity, or set "
            "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
        )
    return REASONS.get(error.status_code, f"Azure answers {error.status_code}")
