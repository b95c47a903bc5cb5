"""MLflow's registry on SQLite: the versions that this machine has registered for itself."""

import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import replacing, sha256
from seedling.registry import audit, mlflow_file, model_files
from seedling.registry.protocol import CHAMPION, RegisteredVersion
from seedling.training import mlflow_runs


class LocalRegistry:
    """MLflow's registry; the files stand in local_assets/models/<name>/<version>/."""

    shared = False

    def __init__(self, project: Project) -> None:
        self.root = project.models_folder
        self._project = project
        self._database = mlflow_runs.database_of(project)

    @cached_property
    def client(self) -> Any:
        """Return MLflow's client; its import takes seconds."""
        return mlflow_runs.client(self._project)

    def name_of(self, dataset: str, model: str) -> str:
        return f"{dataset}-{model}"

    def champion(self, name: str) -> RegisteredVersion | None:
        if self._database:
            version = mlflow_file.champion(self._database, name)
            return None if version is None else self.find(name, version)
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise ProjectError(f"The registry did not answer: {error}") from None
        return self._version(name, found.version, found.tags)

    def find(self, name: str, version: str) -> RegisteredVersion:
        for found in self.versions(name):
            if found.version == version:
                return found
        raise ProjectError(f"The registry has no version {version!r} of {name}.")

    def fetch(self, version: RegisteredVersion) -> Path:
        return version.folder

    def set_champion(self, name: str, version: str) -> None:
        if self._database:
            mlflow_file.set_champion(self._database, name, version)
        else:
            self.client.set_registered_model_alias(name, CHAMPION, version)

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> RegisteredVersion:
        model_files.refuse_smoke(folder, name, "registered")
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
        self.set_champion(name, str(created.version))
        return self._version(name, created.version, created.tags)

    def versions(self, name: str) -> list[RegisteredVersion]:
        if self._database:
            tagged = mlflow_file.versions(self._database, name)
            return [self._version(name, version, tags) for version, tags in tagged.items()]
        found = self.client.search_model_versions(f"name = '{name}'")
        found = sorted(found, key=lambda each: int(each.version))
        return [self._version(name, each.version, each.tags) for each in found]

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        if version not in [found.version for found in self.versions(name)]:
            raise ProjectError(
                f"There is no {name}, version {version}: registered-models lists them."
            )
        for key, value in tags.items():
            self.client.set_model_version_tag(name, version, key, value)

    def note(self, name: str, entry: audit.Entry) -> None:
        """Do nothing: the file of the audit stands beside the versions."""

    def history(self, name: str) -> list[audit.Entry]:
        return [entry for entry in audit.read(self.root / audit.FILE_NAME) if entry.name == name]

    def _create(self, name: str, description: str) -> None:
        """Create a registered model of this name, unless there is one."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name, description=description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise ProjectError(f"The registry refused {name!r}: {error}") from None

    def _version(self, name: str, version: int | str, tags: Mapping[str, str]) -> RegisteredVersion:
        folder = self.root / name / str(version)
        return RegisteredVersion(name, str(version), folder, tags.get("sha256", ""), dict(tags))
