"""The verb `publish-assets-in-registry`: from the workspace to the registry that others share."""

import logging
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from seedling.azure import assets, workspace
from seedling.config import Config, Project
from seedling.errors import ProjectError
from seedling.files import sha256

EXPERIMENTAL = "azure.ai.ml._utils._experimental"  # logs that sharing is experimental
HASH = "sha256"  # the tag with the hash of an asset's files


class Published(NamedTuple):
    """The result of publishing one asset: `problem` is empty if it succeeded."""

    message: str
    problem: str = ""


class Asset(NamedTuple):
    """A dataset or a model as model.yaml names it."""

    kind: str  # `data` or `models`, as the SDK and the registry call them
    name: str
    version: str
    sha256: str  # of a model's files; a dataset's hash is a tag in the workspace
    verb: str  # registers it in the workspace

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"


class Places(NamedTuple):
    """The SDK's clients for both ends, and the registry's name."""

    workspace: Any
    registry: Any
    name: str


def publish(project: Project) -> Iterator[Published]:
    """Publish every dataset and model of model.yaml at its version; what is there already stays.

    What this machine has registered for itself is not published, and is a problem where the team
    shares no version of the model.

    Raises:
        ProjectError: no workspace or no registry is named, the registry is not reached, or the SDK
            is not installed.
    """
    registry = workspace.registry_client(project)
    assert project.config.registry is not None  # or there would be no client
    places = Places(workspace.client(project), registry, project.config.registry.name)
    for registered in project.registered_here:
        if all(entry.model != registered.model for entry in project.model_yaml.models):
            what = f"{registered.name}, version {registered.version}"
            words = "is registered on this machine only: run train-model-in-aml."
            yield Published("", f"{what}, {words}")
    for asset in named(project.model_yaml):
        try:
            yield Published(f"{asset}: {_publish(places, asset)}")
        except ProjectError as error:  # the others may be well
            yield Published("", str(error))


def named(config: Config) -> list[Asset]:
    """Return the datasets and models that model.yaml names, also those without a schema."""
    verb = "register-datasets-in-aml"
    data = [Asset("data", each.name, each.version, "", verb) for each in config.named_datasets]
    verb = "train-model-in-aml"
    models = [Asset("models", e.name, e.version, e.sha256, verb) for e in config.models]
    return [*data, *models]


def _publish(places: Places, asset: Asset) -> str:
    """Publish one asset; says what was done."""
    ours = _find(places.workspace, asset, "workspace")
    theirs = _find(places.registry, asset, f"registry {places.name}")
    if ours is None and theirs is None:
        raise ProjectError(f"{asset}, is not in the workspace: run {asset.verb}.")
    digest = asset.sha256 or (ours or theirs).tags.get(HASH, "")
    if ours is not None and ours.tags.get(HASH, "") != digest:
        raise ProjectError(
            f"{asset}, has another hash in the workspace than in model.yaml: run {asset.verb}, or "
            "restore model.yaml."
        )
    done = "is there already"
    if theirs is None:
        theirs, done = _share(places, asset), "published"
    elif digest and (theirs.tags.get(HASH) or _hash_in(places.name, asset)) != digest:
        raise ProjectError(
            f"{asset}, is in the registry {places.name} with other files: give it another version."
        )
    if digest and HASH not in theirs.tags:
        theirs.tags = {**(ours.tags if ours else {}), HASH: digest, **theirs.tags}
        with workspace.project_errors(
            f"Writing the tags of {asset}, in the registry {places.name}"
        ):
            getattr(places.registry, asset.kind).create_or_update(theirs)
    return done


def _find(client: Any, asset: Asset, where: str) -> Any:
    """Look an asset up in the workspace or the registry; None if there is none."""
    from azure.core.exceptions import ResourceNotFoundError

    with workspace.project_errors(f"Looking for {asset}, in the {where}"):
        try:
            return getattr(client, asset.kind).get(asset.name, asset.version)
        except ResourceNotFoundError:
            return None


def _share(places: Places, asset: Asset) -> Any:
    """Have Azure copy the asset; what arrived, whose tags may be missing."""
    logging.getLogger(EXPERIMENTAL).setLevel(logging.ERROR)
    with workspace.project_errors(f"Publishing {asset}"):
        return getattr(places.workspace, asset.kind).share(
            asset.name,
            asset.version,
            share_with_name=asset.name,
            share_with_version=asset.version,
            registry_name=places.name,
        )


def _hash_in(registry: str, asset: Asset) -> str:
    """Download an asset of the registry that has no `sha256` tag, and hash it."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            assets.download(registry, asset.kind, asset.name, asset.version, folder)
        except ProjectError as error:
            raise ProjectError(f"{asset}, cannot be compared: {error}") from None
        return sha256(folder if asset.kind == "models" else next(folder.iterdir()))
