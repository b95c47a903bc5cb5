"""Sentences about performance: what a person reads first in the report and in the terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from seedling.data.scalars import short
from seedling.tasks.evidence import Calibration, Coverage, Interval
from seedling.wording import counted, listed

if TYPE_CHECKING:
    from seedling.monitoring.performance import Performance
    from seedling.monitoring.segments import Segment

STRICT = 0.01  # chance of calling intervals off that hold as many rows as they should
CLOSE = 0.01  # a share as near as this to the wanted one is right
SHOWN = 3


def with_interval(found: Interval) -> str:
    """Return a number with its interval: `0.68 (0.58 to 0.77)`."""
    if found.low is None or found.high is None:
        return short(found.value)
    return f"{short(found.value)} ({short(found.low)} to {short(found.high)})"


def too_thin(why: str) -> str:
    """Return the sentence that stands in the place of a verdict."""
    return f"Truth is too thin for a verdict: {why}."


def numbers(metrics: Mapping[str, Interval], first: str) -> str:
    """Return metrics with their intervals, the deciding one first."""
    names = sorted(metrics, key=lambda name: name != first)
    return ", ".join(f"{name} {with_interval(metrics[name])}" for name in names)


def of(found: "Performance", left_out: int) -> list[str]:
    """Return the sentences about a performance, the verdict first.

    Args:
        found: with its verdict.
        left_out: rows with truth that is no value the model knows.
    """
    lines = [_verdict(found)]
    lines += [calibration(found.calibration)] if found.calibration else []
    lines += [coverage(found.coverage)] if found.coverage else []
    lines += _worse([each for each in found.segments if each.worse], found.loss_name)
    if left_out:
        rows = counted(left_out, "row")
        lines.append(f"{rows} left out, whose truth is no value that the model knows.")
    return lines


def _verdict(found: "Performance") -> str:
    if found.verdict == "too few rows":
        return too_thin(found.thin)
    shown = f"{found.metric} {with_interval(found.metrics[found.metric])}"
    shown = f"{_capital(shown)} on {counted(found.rows, 'row')}"
    if found.worse_by is None or found.worse_by.value is None:
        return f"{shown}; the version has no profile of its held-out answers to compare with."
    before = f"{short(found.then[found.metric].value)} on held-out rows"
    if found.verdict == "steady":
        most = found.worse_by.high or 0.0
        sure = f"it is worse by {short(most)} at most" if most > 0 else "it is no worse"
        return f"{shown}, {before}: steady; {sure}."
    word = "worse" if found.worse_by.value > 0 else "better"
    size = {"moved, harmless": "a little"}.get(found.verdict, found.verdict)
    by = f"by {short(abs(found.worse_by.value))}"
    if word == "better":
        return f"{shown}, {before}: better {by}."
    return f"{shown}, {before}: {word} {by}, which is {size}."


def calibration(found: Calibration) -> str:
    """Return the sentence about scores: whether what they say then happens as often."""
    said = f"{_capital(found.scores)} are {found.said:.1%} on average, {found.seen:.1%} came true"
    error = f"calibration error {short(found.error)}, {short(found.by_chance)} by chance"
    if not found.off:
        return f"{said} ({error}): as calibrated as these rows can tell."
    kind = "over-confident" if found.over_confident else "under-confident"
    return f"{said} ({error}): the scores are {kind}, so do not read them as probabilities."


def coverage(found: Coverage) -> str:
    """Return the sentence about intervals: whether they hold as many rows as they are made to."""
    share = f"{with_interval(found.share)} of the rows are within their intervals"
    if found.wanted is None or found.p is None or found.share.value is None:
        return f"{share}."
    if found.p >= STRICT or abs(found.share.value - found.wanted) <= CLOSE:
        return f"{share}, which are made to hold {found.wanted:g}."
    word = "narrow" if found.share.value < found.wanted else "wide"
    return f"{share}, which are made to hold {found.wanted:g}: they are too {word}."


def _worse(found: "list[Segment]", loss: str) -> list[str]:
    if not found:
        return []
    names = [
        f"{each.column} {each.part} ({short(each.loss.value)}, then {short(each.then)})"
        for each in found
    ]
    parts = counted(len(found), "part")
    return [f"The {loss} grew in {parts} of the rows: {listed(names, SHOWN)}."]


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
