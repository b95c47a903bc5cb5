"""The verbs `registered-models` and `tag-model`: what a build has registered, and its tags.

Where a workspace is named they ask that, otherwise this machine's registry.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from seedling.azure import workspace
from seedling.azure.registry import AzureRegistry
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.registry.registries import LocalRegistry
from seedling.steps.register import NOT_REGISTERED
from seedling.training import mlflow_runs

TOLD = ("metric", "data_version", "stage")  # the tags that a line shows


class Version(NamedTuple):
    """A registered version of a model, with its tags."""

    name: str
    version: str
    tags: Mapping[str, str]


class Registered(Protocol):
    """What the verbs need of a registry."""

    def name_of(self, dataset: str, model: str) -> str:
        """What it calls a model."""

    def versions(self, name: str) -> list[Version]:
        """All versions of a name; none where nothing was registered."""

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set these tags of a version; its other tags stay."""


class InWorkspace:
    """The models of the Azure ML workspace."""

    def __init__(self, project: Project) -> None:
        self.registry = AzureRegistry(project)
        self.name_of = self.registry.name_of

    def versions(self, name: str) -> list[Version]:
        found = self.registry.versions(name)
        return [Version(name, model.version, model.tags or {}) for model in found]

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        self.registry.tag(name, version, tags)


class Here:
    """The models of this machine's registry."""

    def __init__(self, project: Project) -> None:
        self.client = mlflow_runs.client(project)
        self.name_of = LocalRegistry(project).name_of

    def versions(self, name: str) -> list[Version]:
        found: list[Any] = self.client.search_model_versions(f"name = '{name}'")
        return [Version(name, str(model.version), model.tags) for model in found]

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        if version not in [found.version for found in self.versions(name)]:
            raise _unknown(name, version)
        for key, value in tags.items():
            self.client.set_model_version_tag(name, version, key, value)


def of_build(project: Project, build_id: str) -> list[Version]:
    """The versions that a build has registered, by name and number."""
    registry = _open(project)
    found = []
    for model in project.config.training.models:
        versions = registry.versions(registry.name_of(model.dataset, model.name))
        found += sorted(versions, key=_number)
    return [version for version in found if version.tags.get("build_id") == build_id]


def tag(project: Project, versions: Sequence[tuple[str, str]], tags: Mapping[str, str]) -> None:
    """Set these tags of each (name, version)."""
    registry = _open(project)
    for name, version in versions:
        registry.tag(name, version, tags)


def line(version: Version) -> str:
    """A version in a line, with what its tags say of it."""
    words = [version.tags[key] for key in TOLD if version.tags.get(key)]
    return f"{version.name}, version {version.version}: {', '.join(words) or 'no tags'}"


def told(versions: Sequence[Version]) -> list[str]:
    """A line for each version, or that there is none."""
    return [line(version) for version in versions] or [NOT_REGISTERED]


def _open(project: Project) -> Registered:
    return InWorkspace(project) if workspace.find(project) else Here(project)


def _number(version: Version) -> tuple[int, str]:
    """Versions are numbers: 10 comes after 9. Names, which people gave, come first."""
    digits = version.version
    return (int(digits), "") if digits.isdigit() else (-1, digits)


def _unknown(name: str, version: str) -> ProjectError:
    return ProjectError(f"There is no {name}, version {version}: registered-models lists them.")
