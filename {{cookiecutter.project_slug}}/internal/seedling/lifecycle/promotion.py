"""Promote and retire on evidence: what `compare` says of a version goes into the audit."""

from typing import Any

from msgspec import to_builtins

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.lifecycle import comparison
from seedling.lifecycle.comparison import Comparison
from seedling.lifecycle.sequence import BETTER
from seedling.registry import traffic
from seedling.wording import listed

# Of a comparison: the audit's line has them, but for the course, which its page has.
LEFT_OUT = ("model", "champion", "challenger", "course")


def promote(project: Project, model: str, version: str | None, why: str) -> str:
    """Make a version the champion if it is known to be better, or for a reason; return it.

    Args:
        project: of the model.
        model: a folder of models/.
        version: of the registry; unless given, the only challenger that is better, or with a
            reason the only one.
        why: the reason to do it where it is not known to be better; the audit has it, and what is
            known.

    Raises:
        ProjectError: it is not known to be better, and no reason is given; or it is harmful.
    """
    champion = traffic.champion_of(project, model)
    if version == champion.version:
        raise ProjectError(f"Version {version} of {model} is the champion already.")
    found = _compared(project, model, not why)
    if version is None:
        version = _only(project, model, why, found)
    about = next((each for each in found if each.challenger == version), None)
    if about and about.is_harmful:
        raise ProjectError(
            f"{about.words} No reason makes it the champion: retire {model} --version {version} "
            "stops it."
        )
    if not why:
        if about is None:
            raise ProjectError(
                f"Nothing was compared with version {version} of {model}, which does not answer "
                f"beside the champion: traffic {model} --version {version} --shadow begins that. "
                "Or give --why, a reason for the audit."
            )
        if not about.is_reason:
            raise ProjectError(f"{about.words} To promote it all the same, give --why.")
    words = " ".join(filter(None, [why, about.words if about else ""]))
    evidence = _evidence(about)
    traffic.promote(project, model, version, "promote", words, evidence, champion.version)
    return version


def retire(project: Project, model: str, version: str | None, why: str) -> str:
    """Stop a challenger or a shadow, with what is known of it in the audit; return the version.

    Args:
        project, why: as in `promote`; no reason is needed.
        model: a folder of models/.
        version: the only one beside the champion unless given.

    Raises:
        ProjectError: there is none, or several.
    """
    traffic.champion_of(project, model)
    entries = [entry for entry in project.config.models if entry.model == model]
    beside = [entry.version for entry in entries if not entry.is_champion]
    if version is None:
        if not beside:
            raise ProjectError(f"No version of {model} answers beside the champion.")
        if len(beside) > 1:
            raise ProjectError(f"Name the --version of {model} to retire: {listed(beside)}.")
        version = beside[0]
    # What was found before is enough here: to stop is never to wait for the log to be read.
    known = comparison.latest(project, model)
    champion = traffic.champion_of(project, model).version
    about = next(
        (one for one in known if (one.challenger, one.champion) == (version, champion)), None
    )
    words = why or (about.words if about else "")
    traffic.remove(project, model, version, words, _evidence(about))
    return version


def _compared(project: Project, model: str, needed: bool) -> list[Comparison]:
    """Return the comparisons of a model's challengers as of now; none if it has none.

    Where they are not `needed`, a prediction log that cannot be read is no error.
    """
    from seedling.lifecycle import comparing

    if len([each for each in project.config.models if each.model == model]) < 2:
        return []
    try:
        return comparing.compare(project, model)
    except ProjectError:
        if needed:
            raise
        return []


def _only(project: Project, model: str, why: str, found: list[Comparison]) -> str:
    """Return the only challenger that is better, or the only one that a reason may be for."""
    chosen = [each.challenger for each in found if each.verdict == BETTER]
    if not chosen and why:
        entries = [entry for entry in project.config.models if entry.model == model]
        chosen = [entry.version for entry in entries if not entry.is_champion]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise ProjectError(f"Name the --version of {model} to promote: {listed(chosen)}.")
    if found:
        words = " ".join(each.words for each in found)
        raise ProjectError(f"{words} To promote one all the same, give --why.")
    raise ProjectError(
        f"No version of {model} answers beside the champion: name one with --version and --why."
    )


def _evidence(about: Comparison | None) -> dict[str, Any]:
    if about is None:
        return {}
    return {key: value for key, value in to_builtins(about).items() if key not in LEFT_OUT}
