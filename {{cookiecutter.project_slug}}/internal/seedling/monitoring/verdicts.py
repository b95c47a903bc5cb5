"""The verdict about a version as a word and as sentences, by the team's own rule if it has one."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from seedling import team_code
from seedling.data.scalars import short
from seedling.errors import ProjectError
from seedling.monitoring import drift
from seedling.monitoring.drift import UNJUDGED, Drift
from seedling.monitoring.findings import TOO_FEW, VERDICTS, Findings, Window, worst
from seedling.monitoring.performance import Performance
from seedling.wording import counted, listed

ALARMS = ("moderate", "severe")
NAMED = 6  # columns that a sentence has
OF_TEAM = {"none": "steady", "mild": "moderate", "severe": "severe"}


def judged(found: Findings) -> Findings:
    """Return findings with verdict and reasons."""
    rule = team_code.severity()
    if rule is not None:
        found.own_rule = True
        for window in found.windows:
            _by_team(rule, window.drifts)
            if window.drifts:
                window.verdict = drift.worst(window.drifts)
            window.performance = _performance_by_team(rule, window.performance)
        if found.together:
            found.together.performance = _performance_by_team(rule, found.together.performance)
    of_data = found.last.verdict if found.last else TOO_FEW
    of_truth = _of_truth(found)
    found.verdict = worst([of_data, of_truth])
    truth = [*found.performance.sentences] if found.performance else []
    if found.measured is not None and found.measured is not found.last:
        truth.append(_span(found, found.measured))
    first = truth if of_truth in ALARMS else []
    sentences = [*first, *_of_data(found), *truth, *_estimated(found)]
    found.reasons = [*dict.fromkeys(sentences)]
    return found


def headline(found: Findings) -> str:
    """Return the verdict as a sentence."""
    who = f"{found.model}, version {found.version}"
    if found.verdict == TOO_FEW:
        return f"Too few answers of {who} to say anything."
    if found.verdict == "steady":
        return f"Nothing that matters has changed for {who}."
    columns = [each for each in found.drifts if each.status == found.verdict]
    is_sent = any(each.part == "feature" for each in columns)
    if found.verdict == "moved, harmless":
        if columns:
            what = "is sent" if is_sent else "answers"
            return f"What {who}, {what} has moved, but harmlessly."
        worse_by = found.performance.worse_by if found.performance else None
        if worse_by and (worse_by.value or 0) < 0:
            return f"{who}, is better than it was on its held-out rows."
        return f"{who}, is a little worse than it was on its held-out rows."
    if _of_truth(found) in ALARMS:
        return f"{who}, is worse than it was on its held-out rows."
    if is_sent:
        return f"{who}, is sent other data than it learned from."
    return f"{who}, answers otherwise than on its held-out rows."


def _span(found: Findings, measured: Window) -> str:
    """Say of which answers the performance is, where these are not the last window."""
    start, end = (
        f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}" for text in (measured.start, measured.end)
    )
    if measured is not found.together:
        return f"That is of the answers from {start} to {end} UTC: later truth says less."
    alone = "even so, truth is too thin" if _is_thin(measured) else "the last one alone is too thin"
    windows = counted(measured.parts, "window")
    return f"That is of the newest {windows} together, from {start} to {end} UTC: {alone}."


def _is_thin(window: Window) -> bool:
    return window.performance is None or window.performance.verdict == TOO_FEW


def _of_truth(found: Findings) -> str:
    performance = found.performance
    return performance.verdict if performance and performance.verdict in VERDICTS else TOO_FEW


def _performance_by_team(rule: Callable[..., Any], found: Performance | None) -> Performance | None:
    """Return a performance with the team's verdict, and a sentence where that is another one."""
    if found is None or found.verdict not in VERDICTS:
        return found
    verdict = _asked(rule, {"part": "performance", **_by_name(found)})
    if verdict == "steady" and found.verdict != "steady":
        verdict = "moved, harmless"
    if verdict == found.verdict:
        return found
    said = f"By the team's own rule, monitoring/severity.py, that is {verdict}."
    sentences = [*found.sentences[:1], said, *found.sentences[1:]]
    return msgspec.structs.replace(found, verdict=verdict, sentences=sentences)


def _by_team(rule: Callable[..., Any], drifts: Sequence[Drift]) -> None:
    """Replace the verdict about each column by the team's, where we have one."""
    for each in drifts:
        if each.status in UNJUDGED:
            continue
        verdict = _asked(rule, _by_name(each))
        if verdict == "steady" and each.status != "steady":
            verdict = "moved, harmless"
        each.status = verdict  # type: ignore[assignment]


def _by_name(found: msgspec.Struct) -> dict[str, Any]:
    """Return all fields of a finding as JSON values, also those at their default."""
    return {
        name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(found).items()
    }


def _asked(rule: Callable[..., Any], finding: dict[str, Any]) -> str:
    """Return the verdict of the team's rule about one finding.

    Raises:
        ProjectError: it fails, or answers something else.
    """
    try:
        said = rule(finding)
    except (Exception, SystemExit) as error:
        raise ProjectError(f"monitoring/severity.py: {team_code.fault(error)}.") from error
    if not isinstance(said, str) or said not in OF_TEAM:
        shown = " ".join(repr(said).split())[:100]
        raise ProjectError(
            f"monitoring/severity.py: severity returned {shown}: return none, mild or severe."
        )
    return OF_TEAM[said]


def _of_data(found: Findings) -> list[str]:
    """Return a sentence for each verdict that columns have, the worst first."""
    sentences = []
    for part in ("feature", "output"):
        drifts = [each for each in found.drifts if each.part == part]
        for status, words in (
            ("severe", "changed severely"),
            ("moderate", "changed moderately"),
            ("moved, harmless", "moved, harmlessly"),
        ):
            names = sorted(
                (each for each in drifts if each.status == status), key=lambda each: -each.effect
            )
            if names:
                shown = listed([f"{each.name} ({_size(each)})" for each in names], NAMED)
                of_answer = " of the answers" if part == "output" else ""
                sentences.append(f"{counted(len(names), 'column')}{of_answer} {words}: {shown}.")
    features = [each for each in found.drifts if each.part == "feature"]
    steady = [each for each in features if each.status == "steady"]
    few = [each for each in features if each.status == TOO_FEW]
    later = [each.name for each in features if each.status == "moves with time"]
    answers = [each for each in found.drifts if each.part == "output"]
    if _held_back(found, answers) and not found.own_rule:
        sentences.append(
            "Other answers are no alarm by themselves where what is sent is as before: they are of "
            "another mixture of rows than the held-out ones."
        )
    if steady:
        sentences.append(
            f"{len(steady)} of {counted(len(features), 'column')} "
            f"{'is' if len(steady) == 1 else 'are'} as before, as far as chance lets one see."
        )
    if later:
        verb = "moves" if len(later) == 1 else "move"
        sentences.append(f"{listed(later, NAMED)} {verb} with time, which is no verdict.")
    if few:
        sentences.append(f"For {counted(len(few), 'column')} there are too few rows to say.")
    return sentences


def _held_back(found: Findings, answers: Sequence[Drift]) -> bool:
    """Return whether an answer has moved further than its verdict says."""
    return any(
        (each.status == "moved, harmless" and each.effect >= max(found.moderate, each.floor))
        or (each.status == "moderate" and each.effect >= max(found.severe, each.floor))
        for each in answers
    )


def _size(found: Drift) -> str:
    """Say how far a column moved, in standard deviations, and what else is new of it."""
    parts = [f"{short(round(found.effect, 3))} sd"]
    if abs(found.missing_now - found.missing_then) >= 0.01:
        parts.append(f"missing {found.missing_then:.1%} → {found.missing_now:.1%}")
    if found.new_share >= 0.01:
        parts.append(f"{found.new_share:.1%} new values")
    return ", ".join(parts)


def _estimated(found: Findings) -> list[str]:
    """Return what is estimated, where truth says nothing yet."""
    if found.estimate is None or (found.performance and not found.performance.thin):
        return []
    return found.estimate.sentences
