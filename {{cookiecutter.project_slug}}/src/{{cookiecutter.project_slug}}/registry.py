"""The model registry: versions, one of which is the champion. Here it is MLflow's, on SQLite."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from . import tracking
from .config import Project
from .errors import ProjectError
from .files import replacing, sha256

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

    def champion(self, name: str) -> Version | None:
        """The version that serves now, or None where nothing was registered yet."""

    def find(self, name: str, version: str) -> Version:
        """A registered version; raises ProjectError where there is none."""

    def set_champion(self, name: str, version: str) -> None:
        """Let a registered version be the one to beat."""

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> Version:
        """A new champion with the files of `folder`; the same files again are the same version."""


class LocalRegistry:
    """MLflow's registry; the files stand in local_assets/models/<name>/<version>/."""

    def __init__(self, project: Project) -> None:
        self.root = project.assets / "models"
        self.client = tracking.client(project)

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


def open_registry(project: Project) -> Registry:
    return LocalRegistry(project)


def registered_name(dataset: str, model: str) -> str:
    """A model's name in the registry: models of other data are never its champion."""
    return f"{dataset}-{model}"
