"""The verbs `registered-models` and `tag-model`: list and tag the versions of a build.

They use the workspace's registry if a workspace is named, otherwise this machine's.
"""

from collections.abc import Mapping, Sequence

from seedling.azure import workspace
from seedling.config import Project
from seedling.registry.open import HERE, WORKSPACE, open_registry
from seedling.registry.protocol import RegisteredVersion, Registry
from seedling.training.outcomes import NOT_REGISTERED

SHOWN_TAGS = ("metric", "data_version", "stage")  # the tags that a line shows


def of_build(project: Project, build_id: str) -> list[RegisteredVersion]:
    """Return the versions that a build has registered, by name and number."""
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


def line(version: RegisteredVersion) -> str:
    """Return a line with a version's name, number and SHOWN_TAGS."""
    words = [version.tags[key] for key in SHOWN_TAGS if version.tags.get(key)]
    return f"{version.name}, version {version.version}: {', '.join(words) or 'no tags'}"


def lines(versions: Sequence[RegisteredVersion]) -> list[str]:
    """Return a line for each version, or one that says that there is none."""
    return [line(version) for version in versions] or [NOT_REGISTERED]


def _open(project: Project) -> Registry:
    return open_registry(project, WORKSPACE if workspace.find(project) else HERE)


def _number(version: RegisteredVersion) -> tuple[int, str]:
    """Return a sort key: numbers by value, so that 10 follows 9; versions named by people first."""
    digits = version.version
    return (int(digits), "") if digits.isdigit() else (-1, digits)
