"""The names that model.yaml and infra/ have in common.

Whatever model.yaml names already is made under that name; whatever was made is a line of it.
"""

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml.comments import CommentedMap

from seedling.azure.key_vault import ADDRESS
from seedling.config import AzureMl, Config
from seedling.config.document import round_trip
from seedling.config.serving import PredictionLog
from seedling.settings import WORKSPACE

SQL = re.compile(r"(?P<name>[a-z0-9-]+)\.database\.windows\.net")
Lines = dict[str, Any]  # keys of model.yaml, and of their sections


def workspace(config: Config) -> tuple[str, str, str]:
    """Return subscription, resource group and workspace, each as .env or model.yaml names it.

    Empty is what neither does.
    """
    aml = config.aml or AzureMl()
    written = (config.subscription_id, aml.resource_group_name, aml.workspace_name)
    pairs = zip(WORKSPACE, written, strict=True)
    subscription, group, name = (setting.get() or value or "" for setting, value in pairs)
    return subscription, group, name


def parameters(config: Config, environment: str) -> dict[str, str]:
    """Return the parameters of main.bicep that model.yaml gives.

    Args:
        config: of the project.
        environment: one of aml.environments, or one that is not described yet.
    """
    aml = config.aml or AzureMl()
    settings = aml.settings(environment)
    nodes, site = settings.compute, settings.web_app
    found = {
        "suffix": aml.aml_suffix,
        "workspaceName": workspace(config)[2],
        "clusterName": nodes.cluster_name if "cluster_name" in nodes.model_fields_set else "",
        "clusterSize": nodes.cluster_size,
        "minNodes": str(nodes.min_nodes),
        "maxNodes": str(nodes.max_nodes),
        "idleSeconds": str(nodes.idle_seconds_before_scaledown),
        "registryName": config.registry.name if config.registry else "",
    }
    if site is not None:
        found |= {"siteName": site.site_name, "planName": site.plan}
        if ADDRESS.fullmatch(site.api_key_secret or ""):
            vault, path = urlsplit(site.api_key_secret or "")[1:3]
            found |= {
                "serviceVaultName": vault.partition(".")[0],
                "apiKeySecret": path.split("/")[2],
            }
    log = config.serving.prediction_log
    if isinstance(log, PredictionLog) and log.endpoint:
        host = urlsplit(log.endpoint).hostname or ""
        found |= {
            "cosmosName": host.partition(".")[0],
            "cosmosDatabase": log.database,
            "cosmosContainer": log.container,
        }
    server = SQL.fullmatch(config.feature_store.server or "")
    if server:
        found |= {"sqlServerName": server["name"], "sqlDatabase": config.feature_store.database}
    return {name: value for name, value in found.items() if value}


def lines(outputs: Mapping[str, str], environment: str) -> Lines:
    """Return what of model.yaml names what a deployment has made.

    The suffix is none of them: with `aml_suffix`, environments build on an image of one's own in
    the container registry, and a new registry has none.

    Args:
        outputs: of main.bicep; empty is what was not made.
        environment: the one that was deployed.
    """
    site = {
        "site_name": outputs["siteName"],
        "plan": outputs["planName"],
        "container_registry": outputs["containerRegistry"],
        "api_key_secret": outputs["apiKeySecret"],
    }
    aml: Lines = {
        "resource_group_name": outputs["resourceGroupName"],
        "workspace_name": outputs["workspaceName"],
    }
    settings: Lines = {}
    if outputs["clusterName"]:
        settings["compute"] = {"cluster_name": outputs["clusterName"]}
    if outputs["siteName"]:
        settings["web_app"] = site
    if settings:
        aml["environments"] = {environment: settings}
    found: Lines = {"subscription_id": outputs["subscriptionId"], "aml": aml}
    if outputs["registryName"]:
        found["registry"] = {
            "name": outputs["registryName"],
            "location": outputs["registryLocation"],
        }
    if outputs["sqlServer"]:
        found["feature_store"] = {
            "server": outputs["sqlServer"],
            "database": outputs["sqlDatabase"],
        }
    if outputs["cosmosEndpoint"]:
        log = {
            "endpoint": outputs["cosmosEndpoint"],
            "database": outputs["cosmosDatabase"],
            "container": outputs["cosmosContainer"],
        }
        found["serving"] = {"prediction_log": log}
    return found


def put(document: Lines, made: Lines) -> None:
    """Put the lines into model.yaml's document, beside what it says already.

    The feature store stays that of model.yaml unless that is in Azure SQL too: one that was made a
    minute ago is empty.
    """
    made = {**made}
    if "server" not in document.get("feature_store", {}):
        made.pop("feature_store", None)
    log = made.pop("serving", {}).get("prediction_log")
    _merge(document, made)
    if log and "monitoring_store" not in document:
        _merge(document, {"serving": {}})
        document["serving"]["prediction_log"] = CommentedMap(log)  # instead of a URL


def shown(made: Lines) -> str:
    """Return the lines as YAML."""
    stream = StringIO()
    round_trip().dump(_block(made), stream)
    return stream.getvalue()


def _merge(document: Lines, made: Lines) -> None:
    for key, value in made.items():
        if isinstance(value, dict) and isinstance(document.get(key), dict):
            _merge(document[key], value)
        else:
            document[key] = _block(value)


def _block(value: Any) -> Any:
    """Return a value whose mappings are written key by key, a line each."""
    if not isinstance(value, dict):
        return value
    return CommentedMap({key: _block(each) for key, each in value.items()})
