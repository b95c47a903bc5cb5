"""Rollback: the former champion answers again, from the next request on."""

from collections.abc import Sequence
from typing import NamedTuple

from seedling.config import Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.registry import traffic
from seedling.registry.audit import Entry
from seedling.registry.open import registry_of
from seedling.registry.protocol import Registry

ACTION = "rollback"


class RolledBack(NamedTuple):
    """A rollback of a model: the version that answered, and the one that does again."""

    model: str
    from_version: str
    to_version: str


def roll_back(project: Project, model: str | None, version: str | None, why: str) -> RolledBack:
    """Make the former champion of a model the champion again.

    Args:
        project: its registrations, or model.yaml, are changed.
        model: a folder of models/; the only one with a former champion unless given.
        version: another than the former champion.
        why: for the audit.

    Raises:
        ProjectError: there is none, or its files are not those registered; nothing is changed.
    """
    if model is None:
        model = _only(project, version)
    champion = traffic.champion_of(project, model)
    if version == champion.version:
        raise ProjectError(f"Version {version} of {model} is the champion already.")
    if version is None:
        version = former(registry_of(project, champion), champion)
    if version is None:
        raise ProjectError(
            f"Version {champion.version} of {model} is its first champion: there is none before it "
            f"to roll back to. rollback {model} --version N makes any other registered version the "
            f"champion; train --model {model} makes a new one."
        )
    try:
        traffic.promote(project, model, version, ACTION, why, instead_of=champion.version)
    except ProjectError as error:
        present = traffic.champion_of(project, model).version
        words = f"Nothing was rolled back, version {present} of {model} goes on: {error}"
        raise ProjectError(f"{words} --version names another.") from None
    return RolledBack(model, champion.version, version)


def former(registry: Registry, champion: RegisteredModel) -> str | None:
    """Return the version that was the champion before this one; None if it is the first.

    Where the audit does not say, it is the version before it by number: the gate has let only
    champions in.
    """
    past = champions(registry.history(champion.name))
    if past and past[-1] != champion.version:  # it was made the champion by hand
        return past[-1]
    if len(past) > 1:
        return past[-2]
    numbers = [found.version for found in registry.versions(champion.name)]
    before = numbers[: numbers.index(champion.version)] if champion.version in numbers else []
    return before[-1] if before else None


def champions(history: Sequence[Entry]) -> list[str]:
    """Return the champions of a model one after the other, without those rolled back from.

    After a rollback from 3 to 2 they end with 2, and the next rollback returns to what was before.
    """
    found: list[str] = []
    for entry in history:
        if not found and entry.from_version and entry.to_version:
            found.append(entry.from_version)
        if not entry.champion or found[-1:] == [entry.champion]:
            continue
        if entry.action == ACTION:
            at = found[::-1].index(entry.champion) if entry.champion in found else 0
            found = found[: len(found) - at - 1]
        found.append(entry.champion)
    return found


def _only(project: Project, version: str | None) -> str:
    """Return the only model that has had another champion, or has this version beside its own.

    A model whose former champions were all rolled back to counts too: `rollback` once more is not
    about another model.
    """
    champions = [entry for entry in project.config.models if entry.is_champion]
    found = [each.model for each in champions if _may_return(project, each, version)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ProjectError(f"Name the model to roll back: {', '.join(found)}.")
    if not champions:
        raise ProjectError("No model is registered yet: run train.")
    if version is None:
        raise ProjectError(
            "No model has had another champion than its present one: rollback MODEL --version N "
            "makes any other registered version the champion; train makes a new one."
        )
    raise ProjectError(f"No model has a version {version} beside its champion.")


def _may_return(project: Project, champion: RegisteredModel, version: str | None) -> bool:
    """Return whether a model has had another champion; or has this version, which is none now."""
    registry = registry_of(project, champion)
    if version is not None:
        known = [found.version for found in registry.versions(champion.name)]
        return version in known and version != champion.version
    past = {entry.champion for entry in registry.history(champion.name) if entry.champion}
    return len(past | {champion.version}) > 1 or former(registry, champion) is not None
