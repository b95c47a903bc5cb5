"""The model registry: versions, one of which is the champion. Here it is MLflow's, on SQLite."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from seedling import implementations
from seedling.config import Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.files import replacing, sha256
from seedling.registry import named_models
from seedling.settings import MODEL_REGISTRY, REGISTRY_FOLDER
from seedling.training import mlflow_runs

CHAMPION = "champion"


@dataclass(frozen=True)
class Version:
    """A registered version and the folder that holds its files."""

    name: str
    version: str
    folder: Path
    sha256: str


class Registry(Protocol):
    """What the steps need of a registry, wherever it is."""

    @property
    def shared(self) -> bool | None:
        """Who serves its champions: all that share model.yaml (True), this machine only (False).

        None where the registry notes its champion by itself.
        """

    def name_of(self, dataset: str, model: str) -> str:
        """What it calls a model: models of other data are never its champion."""

    def champion(self, name: str) -> Version | None:
        """The version that serves now, or None where nothing was registered yet."""

    def find(self, name: str, version: str) -> Version:
        """A registered version; raises ProjectError where there is none."""

    def fetch(self, version: Version) -> Path:
        """Where a version's files are on this machine, brought here if they are not."""

    def set_champion(self, name: str, version: str) -> None:
        """Let a registered version be the one to beat."""

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> Version:
        """A new champion with the files of `folder`; the same files again are the same version."""


class LocalRegistry:
    """MLflow's registry; the files stand in local_assets/models/<name>/<version>/."""

    shared = False

    def __init__(self, project: Project) -> None:
        self.root = project.models_folder
        self.client = mlflow_runs.client(project)

    def name_of(self, dataset: str, model: str) -> str:
        return f"{dataset}-{model}"

    def champion(self, name: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise ProjectError(f"The registry did not answer: {error}") from None
        return self._version(found)

    def find(self, name: str, version: str) -> Version:
        from mlflow.exceptions import MlflowException

        try:
            return self._version(self.client.get_model_version(name, version))
        except MlflowException:
            raise ProjectError(f"The registry has no version {version!r} of {name}.") from None

    def fetch(self, version: Version) -> Path:
        return version.folder

    def set_champion(self, name: str, version: str) -> None:
        self.client.set_registered_model_alias(name, CHAMPION, version)

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> Version:
        digest = sha256(folder)
        known = self._versions(name)
        for version in known:
            if version.tags.get("sha256") == digest:
                self.set_champion(name, version.version)
                return self._version(version)
        number = 1 + max((int(version.version) for version in known), default=0)
        home = self.root / name / str(number)
        with replacing(home) as aside:
            shutil.copytree(folder, aside)
        created = self.client.create_model_version(
            name, source=home.as_uri(), run_id=tags.get("run_id"), tags={**tags, "sha256": digest}
        )
        if str(created.version) != home.name:  # a version was deleted: its number is not used again
            home.rename(home.with_name(str(created.version)))
        self.set_champion(name, created.version)
        return self._version(created)

    def _versions(self, name: str) -> list[Any]:
        """All versions of a name, which is created where there is none."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise ProjectError(f"The registry refused {name!r}: {error}") from None
        return list(self.client.search_model_versions(f"name = '{name}'"))

    def _version(self, found: Any) -> Version:
        home = self.root / found.name / str(found.version)
        return Version(found.name, str(found.version), home, found.tags["sha256"])


class FolderRegistry:
    """A model's versions in a folder of any name, with a note of the champion beside them.

    All that a training container is given is a folder to write to.
    """

    shared = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def name_of(self, dataset: str, model: str) -> str:
        return self.folder.name

    def champion(self, name: str) -> Version | None:
        noted = named_models.champion(self.folder)
        return None if noted is None else self._version(noted.version, noted.sha256)

    def find(self, name: str, version: str) -> Version:
        folder = self.folder / version
        if not folder.is_dir():
            raise ProjectError(f"{self.folder.name} has no version {version!r}.")
        return self._version(version, sha256(folder))

    def fetch(self, version: Version) -> Path:
        return version.folder

    def set_champion(self, name: str, version: str) -> None:
        noted = named_models.champion(self.folder)
        if noted:
            found = {"version": version, "sha256": self.find(name, version).sha256}
            named_models.note(self.folder, noted.model_copy(update=found))

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> Version:
        digest = sha256(folder)
        versions = [int(path.name) for path in self.folder.glob("*") if path.name.isdigit()]
        same = [number for number in versions if sha256(self.folder / str(number)) == digest]
        version = str(same[0] if same else 1 + max(versions, default=0))
        with replacing(self.folder / version) as aside:
            shutil.copytree(folder, aside)
        noted = RegisteredModel(
            name=self.folder.name,
            model=tags["model"],
            description=tags["description"],
            version=version,
            sha256=digest,
        )
        named_models.note(self.folder, noted)
        return self._version(version, digest)

    def _version(self, version: str, digest: str) -> Version:
        return Version(self.folder.name, version, self.folder / version, digest)


def open_registry(project: Project) -> Registry:
    """The project's registry, unless a variable names another."""
    folder, other = REGISTRY_FOLDER.get(), MODEL_REGISTRY.get()
    if folder:
        return FolderRegistry(Path(folder))
    opened: Registry = implementations.find(other)(project) if other else LocalRegistry(project)
    return opened
