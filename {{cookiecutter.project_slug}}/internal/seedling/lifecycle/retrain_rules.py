"""The rules that give a reason to train a model again, each with the numbers that it looked at."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from seedling.config import Project, RegisteredModel, span
from seedling.data.dataset_files import note_path
from seedling.files import read_json
from seedling.lifecycle import attempts, labelled_rows
from seedling.monitoring import findings
from seedling.monitoring.drift import columns
from seedling.monitoring.findings import TOO_FEW, VERDICTS, Findings
from seedling.registry import model_files
from seedling.wording import counted, listed

NEVER = "model.yaml makes it no reason"
NOTHING = "monitor has said nothing of it since the last training: run monitor"


class Rule(msgspec.Struct, frozen=True):
    """The answer of one rule.

    Attributes:
        name: drift, performance, new_rows, age, or champion where there is none.
        fires: whether it gives a reason.
        words: a clause that says why or why not, with what model.yaml asks for.
        brief: the reason in a few words, for the audit.
        numbers: those that were compared, by name.
    """

    name: str
    fires: bool
    words: str
    numbers: dict[str, Any] = {}
    brief: str = ""


def champion_of(project: Project, model: str) -> RegisteredModel | None:
    """Return the champion of a model; None if it has none."""
    mine = (entry for entry in project.config.models if entry.model == model)
    return next((entry for entry in mine if entry.is_champion), None)


def of_model(project: Project, model: str, now: datetime) -> list[Rule]:
    """Ask every rule about a model.

    Raises:
        ProjectError: there is no such model, or the prediction log does not answer.
    """
    project.config.trained_model(model)
    champion = champion_of(project, model)
    if champion is None:
        missing = "no version is registered"
        return [Rule("champion", True, missing, brief=missing)]
    since = _trained(project, model, champion)
    found = findings.latest(project, model)
    if found is not None and (found.version != champion.version or _is_before(found, since)):
        found = None
    return [
        _drift(project, found),
        _performance(project, found),
        _new_rows(project, model, since, now),
        _age(project, since, now),
    ]


def _trained(project: Project, model: str, champion: RegisteredModel) -> datetime | None:
    """Return when the model was last trained: the champion, or another that the gate refused.

    Else a champion that stays would be a reason again and again.
    """
    last = attempts.last_of(project, model)
    created = model_files.created(project.model_path(champion))
    ended = datetime.fromisoformat(last.ended) if last and not last.problem else None
    return max((each for each in (created, ended) if each), default=None)


def _is_before(found: Findings, since: datetime | None) -> bool:
    return since is not None and datetime.fromisoformat(found.made) < since


def _drift(project: Project, found: Findings | None) -> Rule:
    wanted = project.config.monitoring.retrain.drift
    if wanted is None:
        return Rule("drift", False, NEVER)
    last = found.last if found else None
    if found is None or last is None:
        return Rule("drift", False, NOTHING)
    verdict = found.verdict if found.own_rule else last.verdict
    fires = verdict != TOO_FEW and VERDICTS.index(verdict) >= VERDICTS.index(wanted)
    moved = columns(last.drifts, "moderate", "severe")
    brief = f"{verdict}{f' ({listed(moved)})' if moved else ''}"
    words = f"{brief} in {counted(last.rows, 'row')}"
    if last.simulated:
        words += f", {last.simulated:,} of them simulated"
    numbers = {
        "verdict": verdict,
        "rows": last.rows,
        "simulated": last.simulated,
        "effects": {drift.name: drift.effect for drift in last.drifts if drift.name in moved},
    }
    words += f", said monitor at {found.made[:16].replace('T', ' ')} UTC; from {wanted} on"
    return Rule("drift", fires, words, numbers, brief)


def _performance(project: Project, found: Findings | None) -> Rule:
    wanted = project.config.monitoring.retrain.performance
    if wanted is None:
        return Rule("performance", False, NEVER)
    measured = found.performance if found else None
    if measured is None:
        return Rule("performance", False, NOTHING)
    words = next(iter(measured.sentences), measured.verdict).rstrip(".")
    numbers: dict[str, Any] = {"verdict": measured.verdict, "rows": measured.rows}
    worse_by, fires, brief = measured.worse_by, False, ""
    if worse_by and worse_by.value is not None and worse_by.low is not None:
        loss = worse_by.value / measured.scale if measured.scale else 0.0
        fires = worse_by.low > 0 and loss >= wanted
        numbers |= {"metric": measured.metric, "loss": loss}
        brief = f"{measured.metric} worse by {loss:.3g}"
    return Rule("performance", fires, f"{words}; from a loss of {wanted:g} on", numbers, brief)


def _new_rows(project: Project, model: str, since: datetime | None, now: datetime) -> Rule:
    wanted = project.config.monitoring.retrain.new_rows
    if wanted is None:
        return Rule("new_rows", False, NEVER)
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    note = note_path(project.dataset_path(dataset))
    if since is None or not note.exists():
        return Rule("new_rows", False, "the dataset is not there to be compared with")
    rows = int(read_json(note)["rows"])
    found = labelled_rows.count(project, model, since, now)
    share = found.rows / max(1, rows)
    beside = f", beside {found.simulated:,} simulated ones" if found.simulated else ""
    words = (
        f"{counted(found.rows, 'logged row')} with truth since it was trained{beside}: {share:.1%} "
        f"of the dataset's {rows:,}; from {wanted:.0%} on"
    )
    numbers = {"rows": found.rows, "simulated": found.simulated, "dataset_rows": rows}
    brief = f"{counted(found.rows, 'new labelled row')}"
    return Rule("new_rows", share >= wanted, words, numbers, brief)


def _age(project: Project, since: datetime | None, now: datetime) -> Rule:
    wanted = project.config.monitoring.retrain.age
    if wanted is None:
        return Rule("age", False, NEVER)
    if since is None:
        return Rule("age", False, "it is unknown when it was trained")
    days = (now - since) / timedelta(days=1)
    words = f"trained {days:.1f} days ago, {since.astimezone(UTC):%Y-%m-%d}; from {wanted} on"
    numbers = {"days": round(days, 3)}
    return Rule("age", now - since >= span(wanted), words, numbers, f"{days:.0f} days")
