"""The workspace's models as a registry: tags say which version is the champion.

Azure ML has no aliases. Of several versions with the champion's tag the newest counts, so that one
request is enough to take the place of another.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from seedling.azure import workspace
from seedling.config import Project, RegisteredModel, registrations
from seedling.errors import ProjectError
from seedling.files import replacing, sha256
from seedling.registry import model_files
from seedling.registry.audit import Entry, changed
from seedling.registry.protocol import CHAMPION, RegisteredVersion

ROLE, FORMER = "role", "former champion"
EVIDENCE = ("metric", "data_version", "run_id", "build_id")  # tags that an audit's entry has


class AzureRegistry:
    """Models of the workspace; their files are fetched to the project's models folder."""

    shared = True

    def __init__(self, project: Project) -> None:
        self.project, self.root = project, project.models_folder
        self.client = workspace.client(project)

    def name_of(self, dataset: str, model: str) -> str:
        return registrations.workspace_name(self.project.config.slug, dataset, model)

    def champion(self, name: str) -> RegisteredVersion | None:
        champions = [found for found in self._models(name) if found.tags.get(ROLE) == CHAMPION]
        return self._version(champions[-1]) if champions else None

    def find(self, name: str, version: str) -> RegisteredVersion:
        return self._version(self._find(name, version))

    def fetch(self, version: RegisteredVersion) -> Path:
        """Download a version's files, unless they are here.

        Raises:
            ProjectError: Azure refuses, or what came is not what was registered.
        """
        if version.folder.is_dir() and sha256(version.folder) == version.sha256:
            return version.folder
        what = f"Downloading {version.name}, version {version.version}"
        with replacing(version.folder) as aside:
            _download(self.client, version.name, version.version, aside)
            if sha256(aside) != version.sha256:
                raise ProjectError(f"{what}: the files' hash is not the registered one.")
        return version.folder

    def set_champion(self, name: str, version: str) -> None:
        chosen = self._find(name, version)
        if chosen.tags.get(ROLE) != CHAMPION:
            self._tag(chosen, {ROLE: CHAMPION})
        for other in self._models(name):
            if other.version != version and other.tags.get(ROLE) == CHAMPION:
                self._tag(other, {ROLE: FORMER})

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> RegisteredVersion:
        from azure.ai.ml.constants import AssetTypes
        from azure.ai.ml.entities import Model

        model_files.refuse_smoke(folder, name, "registered")
        digest = sha256(folder)
        known = self._models(name, archived=True)
        same = [found for found in known if found.tags.get("sha256") == digest]
        if same:
            self.set_champion(name, same[-1].version)
            return self._version(same[-1])
        before = self.champion(name)
        number = 1 + max((int(found.version) for found in known), default=0)
        model = Model(
            name=name,
            version=str(number),
            path=str(folder),
            type=AssetTypes.MLFLOW_MODEL,
            description=tags["description"],
            tags={**tags, "sha256": digest, ROLE: CHAMPION},
        )
        with workspace.project_errors(f"Registering {name}, version {number}"):
            created = self.client.models.create_or_update(model)
        self.set_champion(name, created.version)
        self._note_registered(created, before.version if before else "")
        return self._version(created)

    def _note_registered(self, created: Any, before: str) -> None:
        """Note a new champion in the workspace's audit; it is registered all the same."""
        tags = created.tags
        noted = RegisteredModel(
            name=created.name,
            version=created.version,
            model=tags["model"],
            description=created.description or "",
            sha256=tags["sha256"],
        )
        evidence = {key: tags[key] for key in EVIDENCE if key in tags}
        entry = changed("register", [noted], before, created.version)
        entry = replace(entry, evidence=evidence)
        try:
            self.note(created.name, entry)
        except ProjectError as error:
            print(f"Warning: {error}", flush=True)

    def versions(self, name: str) -> list[RegisteredVersion]:
        return [self._version(found) for found in self._models(name)]

    def _models(self, name: str, archived: bool = False) -> list[Any]:
        """Return the SDK's models of a name, the newest last; empty for an unknown name."""
        from azure.ai.ml.constants import ListViewType
        from azure.core.exceptions import ResourceNotFoundError

        with workspace.project_errors(f"Looking for {name}"):
            try:
                kind = ListViewType.ALL if archived else ListViewType.ACTIVE_ONLY
                found = list(self.client.models.list(name=name, list_view_type=kind))
            except ResourceNotFoundError:
                return []
        numbered = [version for version in found if version.version.isdigit()]
        return sorted(numbered, key=lambda version: int(version.version))

    def _find(self, name: str, version: str) -> Any:
        from azure.core.exceptions import ResourceNotFoundError

        with workspace.project_errors(f"Looking for {name}, version {version}"):
            try:
                return self.client.models.get(name, version)
            except ResourceNotFoundError:
                raise ProjectError(f"The workspace has no {name}, version {version}.") from None

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set these tags of a version; its other tags stay.

        Raises:
            ProjectError: there is no such version, or Azure refuses.
        """
        self._tag(self._find(name, version), tags)

    def note(self, name: str, entry: Entry) -> None:
        from seedling.azure import audit  # needs pandas, which a service that downloads has not

        audit.note(self.client, name, entry)

    def history(self, name: str) -> list[Entry]:
        from seedling.azure import audit

        return audit.history(self.client, name)

    def _tag(self, found: Any, tags: Mapping[str, str]) -> None:
        found.tags = {**found.tags, **tags}
        with workspace.project_errors(f"Tagging {found.name}, version {found.version}"):
            self.client.models.create_or_update(found)

    def _version(self, found: Any) -> RegisteredVersion:
        folder = self.root / found.name / found.version
        tags = dict(found.tags or {})
        return RegisteredVersion(found.name, found.version, folder, tags.get("sha256", ""), tags)


def download(project: Project) -> Iterator[str]:
    """Download the versions of model.yaml that the workspace registered; say what was done.

    Raises:
        ProjectError: model.yaml names none, no workspace is named, or one cannot be had.
    """
    wanted = [
        entry
        for entry in project.model_yaml.models
        if registrations.is_of_workspace(project, entry)
    ]
    if not wanted:
        raise ProjectError(
            "model.yaml names no version of the workspace: train-model-in-aml registers some."
        )
    registry = AzureRegistry(project)
    for entry in wanted:
        title, folder = f"{entry.name}, version {entry.version}", project.model_path(entry)
        if folder.is_dir() and entry.sha256 in ("", sha256(folder)):
            yield f"{title}, is here already"
            continue
        found = registry.find(entry.name, entry.version)
        if entry.sha256 and found.sha256 != entry.sha256:
            raise ProjectError(
                f"{title}, has another hash in the workspace than in model.yaml: restore "
                "model.yaml, or run train-model-in-aml."
            )
        registry.fetch(found)
        yield f"{title}, was downloaded"


def fetch(project: Project, registered: RegisteredModel, folder: Path) -> None:
    """Write the files of a workspace's version to a folder.

    Raises:
        ProjectError: no workspace is named, the SDK is not installed, or Azure refuses.
    """
    client = workspace.client(project, may_ask=False)
    _download(client, registered.name, registered.version, folder)


def _download(client: Any, name: str, version: str, folder: Path) -> None:
    """Download a version to a folder; Azure has its files somewhere below the downloaded ones."""
    with TemporaryDirectory() as scratch:
        with workspace.project_errors(f"Downloading {name}, version {version}"):
            client.models.download(name, version, download_path=scratch)
        files = next(Path(scratch).rglob("MLmodel"), Path(scratch, "MLmodel")).parent
        shutil.copytree(files, folder, dirs_exist_ok=True)
