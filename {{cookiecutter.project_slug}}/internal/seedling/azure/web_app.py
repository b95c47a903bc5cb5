"""The verb `deploy-web-app`: the service's image in a registry, and a web app that runs it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from seedling.azure import container_registry, key_vault, workspace
from seedling.azure.progress import Progress
from seedling.azure.sites import POLL_SECONDS, Plan, Site, Sites
from seedling.ci import output
from seedling.config import Project, Stage, WebApp, stage
from seedling.containers import images, run
from seedling.errors import ProjectError
from seedling.serving import try_endpoint
from seedling.serving.client import Client
from seedling.settings import API_KEY, API_KEY_FILE, AZURE_CLIENT_SECRET, passed_on_values

STAGING = "staging"
COMMIT = ("GITHUB_SHA", "BUILD_SOURCEVERSION")  # of GitHub, of Azure DevOps


def deploy(project: Project) -> Iterator[str]:
    """Build and push the image, then let the web app run it; says what was done.

    One that is there already gets it in a slot first, which then changes places with production,
    and back if the models' test instances are not answered there. On a plan without slots it is
    updated in place, and gets its image and settings back. For app-dev the image has no models.

    Raises:
        ProjectError: model.yaml describes no web app, Azure refuses, or it does not answer.
    """
    described = workspace.settings(project).web_app
    if described is None:
        where = f"aml.environments.{workspace.environment()}"
        raise ProjectError(f"No web app is described: put `web_app` below {where} in model.yaml.")
    place = workspace.find(project)
    if place is None:
        raise ProjectError(f"No subscription and resource group are named: {workspace.HOW}.")
    variables = settings(described)
    _key(described)  # a vault that refuses does so before anything is built
    sites = Sites(place, project.config.slug)
    plan = sites.plan(described.plan)
    name, is_free = sites.choose(described.site_name)
    if name != described.site_name:
        yield f"{described.site_name} is taken: it is {name}."
    image = f"{described.container_registry}/{project.config.slug}:{tag(project.root)}"
    images.build(project, image, is_made_up(project))
    container_registry.push(image)
    yield f"Pushed {image}."
    site = _site(project, plan, image, variables)
    if is_free:
        yield from _checked(project, described, sites, sites.put(name, None, site))
    elif plan.has_slots:
        yield from _by_slot(project, described, sites, name, site)
    else:
        yield from _in_place(project, described, sites, name, site)
    address = sites.address(name)
    output.write("image", image)
    output.write("url", address)
    yield f"{name} serves {image} at {address}"


def is_made_up(project: Project) -> bool:
    """Return whether the environment is served made-up answers, without models and data."""
    return stage(project.config) is Stage.APP_DEV


def tag(root: Path) -> str:
    """Return the image's tag: the commit in CI or with a service principal, else `latest`."""
    named = next((os.environ[name] for name in COMMIT if os.environ.get(name)), "")
    return named or (_commit(root) if AZURE_CLIENT_SECRET.is_set() else "") or "latest"


def _commit(root: Path) -> str:
    """Return the commit of a working folder; empty where it has changes, or no git."""
    git = shutil.which("git")
    if git is None:
        return ""

    def said(*words: str) -> str:
        command = [git, "-C", str(root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    return "" if said("status", "--porcelain") else said("rev-parse", "--verify", "HEAD")


def settings(described: WebApp) -> dict[str, str]:
    """Return the environment variables of the service in its container.

    Raises:
        ProjectError: nothing says who may ask the service, which the whole internet reaches.
    """
    found = passed_on_values()
    if described.api_key_secret:
        found["API_KEY"] = f"@Microsoft.KeyVault(SecretUri={described.api_key_secret})"
    if not any(setting.is_set(found) for setting in run.WHO_MAY_ASK):
        raise ProjectError(
            "Nothing says who may ask the web app: give api_key_secret in model.yaml, or set "
            "API_KEY or ENTRA_AUDIENCE in .env."
        )
    return {**found, "WEBSITES_PORT": str(run.PORT)}


def _key(described: WebApp) -> str:
    """Return the key that the app is tried with, from its vault; empty for that of this machine.

    So CI, which has no secrets, tries what it deploys.

    Raises:
        ProjectError: the vault refuses.
    """
    has_own = API_KEY.is_set() or API_KEY_FILE.is_set()
    secret = described.api_key_secret
    return key_vault.read(secret) if secret and not has_own else ""


def _by_slot(
    project: Project, described: WebApp, sites: Sites, name: str, site: dict[str, Any]
) -> Iterator[str]:
    """Try the new version in a slot, then in production, where the one before may come back."""
    staged = sites.put(name, STAGING, site)
    yield from _checked(project, described, sites, staged)
    yield f"{name}/{STAGING} answers."
    sites.swap(name, STAGING)
    try:
        swapped = Site((name,), sites.address(name), staged.principal_id)
        yield from _checked(project, described, sites, swapped)
    except ProjectError as error:
        sites.swap(name, STAGING)
        raise ProjectError(f"{error} The version before is back.") from None


def _in_place(
    project: Project, described: WebApp, sites: Sites, name: str, site: dict[str, Any]
) -> Iterator[str]:
    """Update a web app that has no slot; put the version before back if it does not answer."""
    before = sites.running(name)
    try:
        yield from _checked(project, described, sites, sites.put(name, None, site))
    except ProjectError as error:
        configuration = {**site["properties"]["siteConfig"], **before}
        properties = {**site["properties"], "siteConfig": configuration}
        sites.put(name, None, {**site, "properties": properties})
        raise ProjectError(f"{error} The version before is back.") from None


def _site(project: Project, plan: Plan, image: str, variables: dict[str, str]) -> dict[str, Any]:
    """Describe the web app for the resource manager."""
    return {
        "location": plan.location,
        "kind": "app,linux,container",
        "tags": {"project": project.config.slug},
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "serverFarmId": plan.id,
            "httpsOnly": True,
            "siteConfig": {
                "linuxFxVersion": f"DOCKER|{image}",
                "acrUseManagedIdentityCreds": True,
                "healthCheckPath": "/health",
                "httpLoggingEnabled": True,  # of the container, too: what _checked shows
                "ftpsState": "Disabled",
                "minTlsVersion": "1.2",
                "appSettings": [{"name": key, "value": one} for key, one in variables.items()],
            },
        },
    }


def _checked(project: Project, described: WebApp, sites: Sites, site: Site) -> Iterator[str]:
    """Check that a site answers; the last lines of its log come before an error."""
    try:
        _check(project, described, site)
    except ProjectError:
        log = sites.log(site)
        if log:
            yield f"The last lines of the log of {'/'.join(site.names)}:\n{log}"
        raise


def _check(project: Project, described: WebApp, site: Site) -> None:
    """Wait for /health, then send the models' test instances.

    The answers of app-dev are made up, for all models that model.yaml trains.

    Raises:
        ProjectError: it does not answer in time, or not as it should.
    """
    deadline = time.monotonic() + described.patience
    shown = Progress(f"Waiting until {'/'.join(site.names)} answers")
    while not _is_healthy(site.address):
        if time.monotonic() > deadline:
            shown.end("no answer")
            raise ProjectError(
                f"{site.address}/health does not answer: the portal has its log, and its identity "
                f"{site.principal_id} needs the role AcrPull on {described.container_registry}."
            )
        shown.show("starting")
        time.sleep(POLL_SECONDS)
    shown.end("Healthy")
    key, made_up = _key(described), is_made_up(project)
    trained = [model.name for model in project.config.training.models]
    registered = [entry.model for entry in project.config.models]
    for model in dict.fromkeys(trained if made_up else registered):
        tried = try_endpoint.attempt(project, model, Client(site.address, key))
        if tried.problem:
            raise ProjectError(f"{model} is not answered as it should be: {tried.problem}.")


def _is_healthy(address: str) -> bool:
    try:
        with urlopen(f"{address}/health", timeout=30) as response:
            return bool(response.status == HTTPStatus.OK)
    except OSError:  # an answer that is an error, too
        return False
