"""The last verdicts, and all reports, as the page shows them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from seedling.config import Project
from seedling.home import chart
from seedling.home.facts import link
from seedling.lifecycle import comparison
from seedling.lifecycle.sequence import BETTER, EQUAL, NOT_YET, WORSE
from seedling.registry import audit
from seedling.registry.audit import Entry

MONITOR, COMPARE, LATEST, REPORT = "monitor", "compare", "latest.json", "report.html"
FOLDER = "%Y-%m-%dT%H-%M-%SZ"  # of one look of `monitor`, in UTC
TONES = {
    "steady": "good",
    "moved, harmless": "good",
    "moderate": "watch",
    "severe": "bad",
}
# The verdicts of `compare` about a challenger, the ones first that ask for something.
COMPARED = {WORSE: "watch", BETTER: "good", EQUAL: "good", NOT_YET: "none"}
SURE = [*COMPARED]


class Verdict(NamedTuple):
    """The last verdict of `monitor` or `compare` about a model.

    Attributes:
        words: the verdict.
        reason: the most important one, as a sentence; may be empty.
        version: the one that was looked at.
        time: in seconds since 1970.
        page: a link to its report; empty where there is none.
        tone: `good`, `watch`, `bad`, or `none` where it says nothing yet.
    """

    words: str
    reason: str
    version: str
    time: float
    page: str
    tone: str


class _Found(msgspec.Struct):
    """The part of the findings of `monitor` that is shown: to read all of them loads SciPy."""

    version: str = ""
    made: str = ""
    verdict: str = ""
    reasons: list[str] = []


class Report(NamedTuple):
    """A page below the reports' folder."""

    kind: str
    model: str
    time: float
    page: str


def worst_first(verdicts: Mapping[str, Verdict | None]) -> dict[str, Verdict]:
    """Return the verdicts that there are by their models, the worst first."""
    order = ["bad", "watch", "none", "good"]
    found = {model: one for model, one in verdicts.items() if one}
    return dict(sorted(found.items(), key=lambda item: order.index(item[1].tone)))


def sources(project: Project) -> list[Path]:
    """Return the files that this module reads, whether they are there or not."""
    reports = project.assets / "reports"
    latest = [
        reports / kind / model.name / LATEST
        for kind in (MONITOR, COMPARE)
        for model in project.config.training.models
    ]
    return [audit.path_of(project), *latest]


def since(trail: Iterable[Entry]) -> dict[tuple[str, str], float]:
    """Return when each version of a model got the role that it has, by both names."""
    found: dict[tuple[str, str], float] = {}
    roles: dict[str, Mapping[str, str | float]] = {}
    for entry in trail:
        before = roles.get(entry.model, {})
        for version, role in entry.roles.items():
            if before.get(version) != role:
                found[entry.model, version] = seconds(entry.time)
        roles[entry.model] = entry.roles
    return found


def champions(trail: Iterable[Entry]) -> list[chart.Change]:
    """Return the changes of champions that no run made, the oldest first."""
    return [
        chart.Change(entry.model, entry.champion, seconds(entry.time))
        for entry in trail
        if entry.champion not in ("", entry.from_version) and entry.action != "register"
    ]


def seconds(time: str) -> float:
    """Return a time of ISO 8601 in seconds since 1970; 0 where it is none."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        return 0.0


def monitored(project: Project, model: str) -> Verdict | None:
    """Return the last verdict of `monitor` about a model; None if it was never asked."""
    folder = project.assets / "reports" / MONITOR / model
    found = _read(folder / LATEST)
    if found is None:
        return None
    made = seconds(found.made)
    report = folder / f"{datetime.fromtimestamp(made, UTC):{FOLDER}}" / REPORT
    return Verdict(
        found.verdict,
        next(iter(found.reasons), ""),
        found.version,
        made,
        link(project.assets / "reports", report) if report.is_file() else "",
        TONES.get(found.verdict, "none"),
    )


def compared(project: Project, model: str) -> Verdict | None:
    """Return the last verdict of `compare` about a model; None if it was never asked.

    Of several challengers it is the one about which most is known.
    """
    found = sorted(comparison.latest(project, model), key=lambda one: SURE.index(one.verdict))
    if not found:
        return None
    one = found[0]
    page = comparison.folder_of(project, model) / REPORT
    link_to = link(project.assets / "reports", page) if page.is_file() else ""
    tone = "bad" if one.is_harmful else COMPARED[one.verdict]
    words = f"{one.verdict}: stop it" if one.is_harmful else one.verdict
    first = f"{one.words.partition('. ')[0].removesuffix('.')}."
    return Verdict(words, first, one.challenger, seconds(one.made), link_to, tone)


def reports(project: Project) -> list[Report]:
    """List the pages of runs and of monitoring, the newest first."""
    folder = project.assets / "reports"
    found = []
    for path in folder.glob("*/*/report.html"):
        kind = path.parts[-3] if path.parts[-3] in (MONITOR, COMPARE) else "training"
        found.append(Report(kind, path.parts[-2], path.stat().st_mtime, link(folder, path)))
    for path in folder.glob("*/*/*/report.html"):
        kind, model = path.parts[-4:-2]
        found.append(Report(kind, model, path.stat().st_mtime, link(folder, path)))
    return sorted(found, key=lambda each: each.time, reverse=True)


def _read(path: Path) -> _Found | None:
    """Read findings of `monitor`; None if there are none, or those of another release."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Found)
    except (OSError, msgspec.MsgspecError):
        return None
