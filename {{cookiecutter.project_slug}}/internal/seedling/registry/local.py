"""MLflow's registry on SQLite: the versions that this machine has registered for itself."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import replacing, sha256
from seedling.registry.protocol import CHAMPION, RegisteredVersion
from seedling.training import mlflow_runs


class LocalRegistry:
    """MLflow's registry; the files stand in local_assets/models/<name>/<version>/."""

    shared = False

    def __init__(self, project: Project) -> None:
        self.root = project.models_folder
        self.client = mlflow_runs.client(project)

    def name_of(self, dataset: str, model: str) -> str:
        return f"{dataset}-{model}"

    def champion(self, name: str) -> RegisteredVersion | None:
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise ProjectError(f"The registry did not answer: {error}") from None
        return self._version(found)

    def find(self, name: str, version: str) -> RegisteredVersion:
        from mlflow.exceptions import MlflowException

        try:
            return self._version(self.client.get_model_version(name, version))
        except MlflowException:
            raise ProjectError(f"The registry has no version {version!r} of {name}.") from None

    def fetch(self, version: RegisteredVersion) -> Path:
        return version.folder

    def set_champion(self, name: str, version: str) -> None:
        self.client.set_registered_model_alias(name, CHAMPION, version)

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> RegisteredVersion:
        digest = sha256(folder)
        description = tags.get("description", "")
        self._create(name, description.partition(";")[0])
        known = self.versions(name)
        for version in known:
            if version.sha256 == digest:
                self.set_champion(name, version.version)
                return version
        number = 1 + max((int(version.version) for version in known), default=0)
        home = self.root / name / str(number)
        with replacing(home) as aside:
            shutil.copytree(folder, aside)
        created = self.client.create_model_version(
            name,
            source=home.as_uri(),
            run_id=tags.get("run_id"),
            tags={**tags, "sha256": digest},
            description=description,
        )
        if str(created.version) != home.name:  # a version was deleted: its number is not used again
            home.rename(home.with_name(str(created.version)))
        self.set_champion(name, created.version)
        return self._version(created)

    def versions(self, name: str) -> list[RegisteredVersion]:
        found = self.client.search_model_versions(f"name = '{name}'")
        return sorted((self._version(each) for each in found), key=lambda each: int(each.version))

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        if version not in [found.version for found in self.versions(name)]:
            raise ProjectError(
                f"There is no {name}, version {version}: registered-models lists them."
            )
        for key, value in tags.items():
            self.client.set_model_version_tag(name, version, key, value)

    def _create(self, name: str, description: str) -> None:
        """Create a registered model of this name, unless there is one."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name, description=description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise ProjectError(f"The registry refused {name!r}: {error}") from None

    def _version(self, found: Any) -> RegisteredVersion:
        home, tags = self.root / found.name / str(found.version), dict(found.tags)
        return RegisteredVersion(found.name, home.name, home, tags.get("sha256", ""), tags)
