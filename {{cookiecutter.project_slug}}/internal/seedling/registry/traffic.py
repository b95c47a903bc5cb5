"""The verb `traffic`: list the served versions, and change their roles and shares."""

from collections.abc import Mapping
from typing import Any

from seedling.config import Project, RegisteredModel, registrations
from seedling.errors import ProjectError
from seedling.registry import audit, model_files
from seedling.registry.open import registry_of
from seedling.registry.protocol import RegisteredVersion, Registry
from seedling.training import outcomes


def table(project: Project) -> list[str]:
    """Return a line for each registered version, also for those of another machine."""
    found = [["model", "version", "answers"]]
    for entry in project.config.models:
        found.append([entry.model, entry.version, _role(project, entry)])
    for entry in project.registered_elsewhere:
        found.append([entry.model, entry.version, "nothing: registered on another machine"])
    widths = [max(len(row[at]) for row in found) for at in range(2)]
    return [f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}" for row in found]


def _role(project: Project, entry: RegisteredModel) -> str:
    if entry.shadow:
        return "the prediction log only: a shadow"
    if entry.share is not None:
        return f"{entry.share:.0%} of the entities"
    others = [each for each in project.config.models if each.model == entry.model]
    return f"{1 - sum(each.share or 0 for each in others):.0%} of the entities: the champion"


def assign(project: Project, model: str, version: str, share: float | None, shadow: bool) -> None:
    """Let a registered version answer a share of the entities, or shadow the champion.

    Raises:
        ProjectError: the version is not registered, its files are not those registered, or it is
            the champion.
    """
    with audit.changing(project):
        champion = champion_of(project, model)
        if version == champion.version:
            raise ProjectError(f"Version {version} is the champion of {model}: name another.")
        found = _fetched(registry_of(project, champion), champion.name, version)
        entry: dict[str, Any] = {
            "name": champion.name,
            "model": model,
            "description": _description(project, model, found),
            "version": version,
            "is_mlflow": True,
            "sha256": found.sha256,
        }
        entry |= {"shadow": True} if shadow else {"share": share}
        _replace(project, model, version, entry)
        _note(project, "shadow" if shadow else "share", model, "", version)


def remove(
    project: Project,
    model: str,
    version: str,
    why: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> None:
    """Stop serving a challenger or a shadow; the audit has why, and the evidence.

    Raises:
        ProjectError: the version is the champion, or does not answer anyway.
    """
    with audit.changing(project):
        if version == champion_of(project, model).version:
            raise ProjectError(
                f"Version {version} is the champion of {model}: make another the champion first."
            )
        if all((each.model, each.version) != (model, version) for each in project.config.models):
            raise ProjectError(f"Version {version} of {model} does not answer anyway.")
        _replace(project, model, version, None)
        _note(project, "retire", model, version, "", why, evidence)


def promote(
    project: Project,
    model: str,
    version: str,
    action: str = "promote",
    why: str = "",
    evidence: Mapping[str, Any] | None = None,
    instead_of: str | None = None,
) -> None:
    """Make a registered version the champion, which the next training run must beat.

    Args:
        project: of the model.
        model: a folder of models/.
        version: as the registry has it; nothing is done if it is the champion.
        action, why, evidence: for the audit.
        instead_of: the champion that this was decided about; any unless given.

    Raises:
        ProjectError: there is no such version, its files are not those registered, or another
            version became the champion meanwhile.
    """
    with audit.changing(project):
        champion = champion_of(project, model)
        if version == champion.version:
            return
        if instead_of not in (None, champion.version):
            raise ProjectError(
                f"Version {champion.version} of {model} became the champion meanwhile: run the "
                "same command again."
            )
        registry = registry_of(project, champion)
        found = _fetched(registry, champion.name, version)

        def change(entries: list[Any]) -> list[Any]:
            kept = [entry for entry in entries if entry["version"] != version]
            for entry in kept:
                if entry["version"] == champion.version:
                    entry["version"], entry["sha256"] = version, found.sha256
                    entry["description"] = _description(project, model, found)
            return kept

        registry.set_champion(champion.name, version)
        try:
            _edit(project, registry, model, change)
        except BaseException:
            registry.set_champion(champion.name, champion.version)
            raise
        _note(project, action, model, champion.version, version, why, evidence)


def answer_as_shared(project: Project, model: str) -> None:
    """Serve a model's versions of model.yaml on this machine too.

    Raises:
        ProjectError: model.yaml has no version of the model.
    """
    with audit.changing(project):
        if all(entry.model != model for entry in project.model_yaml.models):
            raise ProjectError(f"model.yaml names no version of {model!r}: nothing was changed.")
        before = champion_of(project, model).version
        registrations.remove_here(project, model)
        audit.note(project, "shared", model, before, champion_of(project, model).version)


def _fetched(registry: Registry, name: str, version: str) -> RegisteredVersion:
    """Return a registered version that can be loaded, after a download of its files if needed.

    Raises:
        ProjectError: there is no such version, or its files are not those registered.
    """
    found = registry.find(name, version)
    registry.fetch(found)
    model_files.verify(found.folder, found.sha256)
    return found


def _description(project: Project, model: str, version: RegisteredVersion) -> str:
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    measured = model_files.read_measured(version.folder).metrics
    return outcomes.description(dataset, measured.get(dataset.metric))


def champion_of(project: Project, model: str) -> RegisteredModel:
    """Return the champion of a model; raises ProjectError if none is registered."""
    for entry in project.config.models:
        if entry.model == model and entry.is_champion:
            return entry
    raise ProjectError(f"No version of {model!r} is registered: run train.")


def _replace(project: Project, model: str, version: str, entry: dict[str, Any] | None) -> None:
    """Replace the entry of a version by this one; None removes it."""

    def change(entries: list[Any]) -> list[Any]:
        added = [entry] if entry else []
        return [*(each for each in entries if each["version"] != version), *added]

    _edit(project, registry_of(project, champion_of(project, model)), model, change)


def _note(
    project: Project,
    action: str,
    model: str,
    from_version: str,
    to_version: str,
    why: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> None:
    """Note a change in the audit of this machine, and where others see it too."""
    entry = audit.note(project, action, model, from_version, to_version, why, evidence)
    champion = champion_of(project, model)
    registry_of(project, champion).note(champion.name, entry)


def _edit(project: Project, registry: Registry, model: str, change: registrations.Change) -> None:
    """Edit a model's entries in model.yaml, or in registered.yaml of this machine."""
    edit = registrations.edit_shared if registry.shared else registrations.edit_here
    edit(project, model, change)
