"""The Azure ML workspace of this project: where it is, who enters it, and what it refuses."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NamedTuple

from seedling.azure import identity
from seedling.config import AzureEnvironment, AzureMl, Project
from seedling.errors import ProjectError
from seedling.setting import Setting
from seedling.settings import DEV, JOB_WORKSPACE, WORKSPACE, azure_environment

PORTAL = ("subscription_id", "resource_group", "workspace_name")
DISCOVERY_URL = "REGISTRY_DISCOVERY_ENDPOINT_URL"  # a variable of the SDK
HOW = (
    "put subscription_id and aml into model.yaml, set "
    "AZURE_SUBSCRIPTION_ID, AML_RESOURCE_GROUP and AML_WORKSPACE in .env, or save the portal's "
    "config.json here"
)


class Place(NamedTuple):
    """A workspace, and where it was named."""

    subscription_id: str
    resource_group: str
    workspace: str
    named_in: str


def find(project: Project) -> Place | None:
    """Find the workspace: of the job that this runs in, else of .env, model.yaml or config.json.

    Raises:
        ProjectError: only a part of it is named.
    """
    looks = (_of_job, _of_environment, _of_model_yaml, _of_config_json)
    return next((found for look in looks if (found := look(project))), None)


def settings(project: Project, model: str = "") -> AzureEnvironment:
    """Return the settings of model.yaml for jobs and deployments in the current environment.

    Args:
        project: the project of the settings.
        model: the model that they are for; those of the whole project unless given.

    Raises:
        ProjectError: ENVIRONMENT is none of those that model.yaml has.
    """
    aml = project.config.aml or AzureMl()
    known = aml.environments
    name = environment()
    if known and name != DEV and name not in known:
        raise ProjectError(
            f"ENVIRONMENT is {name!r}; aml.environments of model.yaml has {', '.join(known)}."
        )
    return aml.settings(name, model)


def environment() -> str:
    """Return the environment that verbs work for: ENVIRONMENT, or dev."""
    return azure_environment()


def client(project: Project, may_ask: bool = True) -> Any:
    """Make the SDK's client for the workspace; it asks for a token at its first use.

    Args:
        project: names the workspace.
        may_ask: whether a person at the terminal may be asked to log in.

    Raises:
        ProjectError: no workspace is named, or the SDK is not installed.
    """
    where = find(project)
    if where is None:
        raise ProjectError(f"No Azure ML workspace is named: {HOW}.")
    names = where.subscription_id, where.resource_group, where.workspace
    return _client(*names, may_ask=may_ask)


def open_as(subscription_id: str, resource_group: str, workspace: str, credential: Any) -> Any:
    """Make the SDK's client for a workspace as an identity of its own.

    Args:
        subscription_id: of the workspace.
        resource_group: of the workspace.
        workspace: its name.
        credential: an azure.identity credential.

    Raises:
        ProjectError: the SDK is not installed.
    """
    return _client(subscription_id, resource_group, workspace, credential=credential)


def registry_client(project: Project) -> Any:
    """Make the SDK's client for the registry that model.yaml names.

    Raises:
        ProjectError: it names none, the registry is not reached, or the SDK is not installed.
    """
    registry = project.config.registry
    if registry is None:
        raise ProjectError("No shared registry is named: put `registry` into model.yaml.")
    if registry.discovery:  # the SDK asks there
        os.environ.setdefault(DISCOVERY_URL, registry.discovery)
    with project_errors(f"Opening the registry {registry.name}"):
        return _client(registry_name=registry.name)


def tracking_uri(client: Any) -> str:
    """Return the URI of the workspace's MLflow."""
    with project_errors("Looking for the workspace"):
        return str(client.workspaces.get(client.workspace_name).mlflow_tracking_uri)


def has_sdk() -> bool:
    """Say whether the SDK of Azure ML is installed."""
    try:
        return find_spec("azure.ai.ml") is not None
    except ModuleNotFoundError:  # not even `azure` is
        return False


def _client(*where: str, may_ask: bool = True, credential: Any = None, **options: Any) -> Any:
    try:
        from azure.ai.ml import MLClient

        credential = credential or identity.credential(may_ask)
    except ImportError:
        raise ProjectError("Azure ML needs its SDK: run init with the group `aml`.") from None
    for name in ("azure.ai.ml", "azure.identity", "azure.core", "msrest"):
        logging.getLogger(name).setLevel(logging.ERROR)  # their errors are put into words
    return MLClient(credential, *where, enable_telemetry=False, **options)


@contextmanager
def project_errors(what: str) -> Iterator[None]:
    """Turn the SDK's errors into a ProjectError of one sentence.

    Args:
        what: the action, such as "Looking for income".

    Raises:
        ProjectError: Azure refused, or is not reached.
    """
    from azure.ai.ml.exceptions import MlException
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        raise ProjectError(f"{what}: {_refused(error)} ({_first_line(error)})") from None
    except MlException as error:  # an AzureError too, but the SDK's own refusal
        raise ProjectError(f"{what}: {_first_line(error)}") from None
    except AzureError as error:
        raise ProjectError(f"{what}: Azure is not reached: {_first_line(error)}") from None


def _refused(error: Any) -> str:
    """Return the reason of a refusal, or of a request that was not sent."""
    if error.response is None:
        return (
            "There is no Azure credential: run `az login`, or set AZURE_TENANT_ID, "
            "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET in .env."
        )
    if error.status_code < 400:  # it was begun, and did not end well
        return "Azure says that it failed."
    reasons = {401: "the token is not accepted.", 403: "the caller may not do that."}
    return reasons.get(error.status_code, f"Azure answers {error.status_code}.")


def _of_job(project: Project) -> Place | None:
    return _of_settings(JOB_WORKSPACE, "the job's own context")


def _of_environment(project: Project) -> Place | None:
    return _of_settings(WORKSPACE, "the environment")


def _of_settings(settings: Sequence[Setting[str]], named_in: str) -> Place | None:
    names = tuple(setting.name for setting in settings)
    return _complete([setting.get() for setting in settings], names, named_in)


def _of_model_yaml(project: Project) -> Place | None:
    aml = project.config.aml or AzureMl()
    names = ("subscription_id", "aml.resource_group_name", "aml.workspace_name")
    values = [project.config.subscription_id, aml.resource_group_name, aml.workspace_name]
    return _complete(values, names, "model.yaml")


def _of_config_json(project: Project) -> Place | None:
    for path in (project.root / "config.json", project.root / ".azureml" / "config.json"):
        if path.is_file():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                values = [found.get(name) for name in PORTAL]
                if not all(isinstance(value, str | None) for value in values):
                    raise ValueError
            except (ValueError, AttributeError):
                raise ProjectError(f"{path} is not what the portal gave: load it again.") from None
            return _complete(values, PORTAL, path.name)
    return None


def _complete(values: list[str | None], names: tuple[str, ...], named_in: str) -> Place | None:
    """Return the place if all its parts are given, None if none is."""
    missing = [name for name, value in zip(names, values, strict=True) if not value]
    if missing == list(names):
        return None
    if missing:
        raise ProjectError(f"The Azure ML workspace in {named_in} lacks {', '.join(missing)}.")
    subscription, group, name = (str(value) for value in values)
    return Place(subscription, group, name, named_in)


def _first_line(error: Exception) -> str:
    words = str(getattr(error, "message", "") or error).strip()
    return words.splitlines()[0] if words else type(error).__name__


def find_asset(operations: Any, kind: str, name: str, version: str, mend: str) -> str:
    """Return `name:version` of an asset of the workspace.

    Args:
        operations: the SDK's operations on assets of this kind.
        kind: what such an asset is called in messages.
        name: as model.yaml has it: `name`, `name:version` or `name@latest`.
        version: the one that `name` alone stands for; the latest if empty.
        mend: the last words of the error's message.

    Raises:
        ProjectError: there is none, or Azure refuses.
    """
    from azure.core.exceptions import ResourceNotFoundError

    named, _, given = name.removesuffix("@latest").partition(":")
    wanted = "" if name.endswith("@latest") else given or version
    with project_errors(f"Looking for the {kind} {name}"):
        try:
            found = operations.get(named, **{"version": wanted} if wanted else {"label": "latest"})
        except ResourceNotFoundError:
            shown = f"{named}:{wanted}" if wanted else name
            raise ProjectError(f"The workspace has no {kind} {shown}: {mend}") from None
    return f"{found.name}:{found.version}"
