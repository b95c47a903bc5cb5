"""The version that is watched: its schema, its profile, and its role in the service."""

from typing import NamedTuple

from seedling.config import Dataset, Project, Target
from seedling.errors import ProjectError
from seedling.monitoring import profiles
from seedling.monitoring.profiles import Profile
from seedling.registry import model_files
from seedling.registry.open import registry_of
from seedling.registry.traffic import champion_of
from seedling.serving import assets
from seedling.wording import listed


class Watched(NamedTuple):
    """A registered version.

    Attributes:
        version: its number.
        role: of its answers in the log: served or shadow.
        dataset: the schema that it learned.
        profile: None for a version from before there were any.
        remarks: what a reader has to know about it.
    """

    version: str
    role: str
    dataset: Dataset
    profile: Profile | None
    remarks: list[str]


def find(project: Project, model: str, version: str | None = None) -> Watched:
    """Find a version by its number; the champion unless given.

    Raises:
        ProjectError: there is none, or its files are gone or not those that were registered.
    """
    project.config.trained_model(model)
    champion = champion_of(project, model)
    entry = next(
        (
            each
            for each in project.config.models
            if each.model == model and each.version == (version or champion.version)
        ),
        None,
    )
    if entry is not None:
        assets.fetch(project, entry)
        folder, sha256 = project.model_path(entry), entry.sha256
    else:
        registry = registry_of(project, champion)
        known = registry.find(champion.name, str(version))
        folder, sha256 = registry.fetch(known), known.sha256
    model_files.verify(folder, sha256)
    dataset, _ = model_files.read_schema(folder)
    profile = profiles.of_version(folder)
    number = entry.version if entry else str(version)
    role = "shadow" if entry is not None and entry.shadow else "served"
    return Watched(number, role, dataset, profile, _remarks(project, number, dataset))


def _remarks(project: Project, version: str, dataset: Dataset) -> list[str]:
    """Say which columns model.yaml has by now that the version did not learn, or the reverse."""
    try:
        now = project.config.dataset(dataset.name)
    except ProjectError:
        return [f"model.yaml no longer has {dataset.name}, which version {version} has learned."]
    then_types = {column.name: column.type for column in dataset.raw}
    now_types = {column.name: column.type for column in now.raw}
    added = [name for name in now_types if name not in then_types]
    gone = [name for name in then_types if name not in now_types]
    other = [name for name, kind in now_types.items() if then_types.get(name, kind) != kind]
    parts = [
        f"{words} {listed(names)}"
        for words, names in (
            ("it does not know", added),
            ("model.yaml no longer has", gone),
            ("of another type now is", other),
        )
        if names
    ]
    parts += _other_target(dataset.target, now.target)
    if not parts:
        return []
    return [f"The schema has changed since version {version}: {'; '.join(parts)}."]


def _other_target(then: Target, now: Target) -> list[str]:
    """Say how the target has changed; labels that rows are too rare for are not a change."""
    if then.name != now.name:
        return [f"its target was {then.name}, and is {now.name} in model.yaml"]
    if then.type != now.type:
        return [f"{now.name} was a {then.type}, and is a {now.type} in model.yaml"]
    if {*map(str, then.labels)} != {*map(str, now.labels)} and now.rare_classes is None:
        return [f"{now.name} has other labels in model.yaml"]
    return []
