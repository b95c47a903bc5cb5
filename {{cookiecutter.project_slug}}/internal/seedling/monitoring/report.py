"""The page of one look at a version: one self-contained HTML file, the verdict first."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from seedling.files import write_text
from seedling.monitoring import drawings, findings, verdicts
from seedling.monitoring.drawings import Point
from seedling.monitoring.drift import ORDER, Drift
from seedling.monitoring.findings import TOO_FEW, VERDICTS, Findings, Window
from seedling.templating import templates

HERE = Path(__file__).parent
PAGE = "report.html"
DRAWN = 12  # distributions in sight; the others unfold
COLOURS = {
    "steady": "steady",
    "moved, harmless": "harmless",
    "moderate": "moderate",
    "severe": "severe",
    TOO_FEW: "few",
    "moves with time": "time",
}


def write(found: Findings, folder: Path) -> Path:
    """Write the page and the findings into a folder, and return the page."""
    findings.write(folder, found)
    write_text(folder / PAGE, text(found))
    return folder / PAGE


def text(found: Findings) -> str:
    """Return the page."""
    order = sorted(found.drifts, key=lambda each: (-ORDER.index(each.status), -each.effect))
    shapes = {(each.part, each.name): each for each in found.shapes if each.labels}
    drawn = [
        (drift, shapes[drift.part, drift.name])
        for drift in order
        if (drift.part, drift.name) in shapes
    ]
    moved = [each for each in drawn if each[0].status in VERDICTS[1:]]
    return (
        templates(HERE, FILTERS)
        .get_template("report.html.j2")
        .render(
            style=style(),
            found=found,
            headline=verdicts.headline(found),
            made=_moment(found.made),
            windows=[(_label(each, found.windows), each) for each in found.windows],
            map_moved=_map(found, [each for each in order if each.status in VERDICTS[1:]]),
            map_others=_map(found, [each for each in order if each.status not in VERDICTS[1:]]),
            drawn=moved[:DRAWN] or drawn[: DRAWN // 2],
            undrawn=moved[DRAWN:] + [each for each in drawn if each not in moved]
            if moved
            else drawn[DRAWN // 2 :],
            order=order,
            steps=drawings.steps,
            performance=found.performance,
            measured_in=_measured_in(found),
            trend=_trend(found),
            calibration=_calibration(found),
        )
    )


def style() -> Markup:
    """Return the style sheet of reports, which stands in each of them."""
    return Markup((HERE / "static" / "report.css").read_text(encoding="utf-8"))  # noqa: S704


def _map(found: Findings, order: Sequence[Drift]) -> list[dict[str, Any]]:
    """Return a line of the heat map for each column: what it was in each window."""
    by_window = [
        {(each.part, each.name): each for each in window.drifts} for window in found.windows
    ]
    return [
        {
            "name": drift.name,
            "part": drift.part,
            "cells": [known.get((drift.part, drift.name)) for known in by_window],
        }
        for drift in order
    ]


def _trend(found: Findings) -> str:
    """Draw the deciding metric over the windows; empty where no window has it."""
    performance = found.performance
    if performance is None:
        return ""
    name = performance.metric
    points = []
    for window in found.windows:
        metric = window.performance.metrics.get(name) if window.performance else None
        known = (metric.value, metric.low, metric.high) if metric else (None, None, None)
        points.append(Point(_label(window, found.windows), *known))
    if all(point.value is None for point in points):
        return ""
    then = performance.then.get(name)
    return drawings.over_time(points, then.value if then else None, f"{name}, window by window")


def _calibration(found: Findings) -> str:
    known = found.performance.calibration if found.performance else None
    if known is None or not known.bins:
        return ""
    return drawings.calibration(known.bins, f"Calibration of the {known.scores}")


def _label(window: Window, windows: Sequence[Window]) -> str:
    """Return the first day of a window, or its time where all windows are of one day."""
    start = datetime.fromisoformat(window.start)
    days = {datetime.fromisoformat(each.start).date() for each in windows}
    if len(days) < len(windows):
        return f"{start:%H:%M}" if len(days) == 1 else f"{start:%d %b %H:%M}"
    return f"{start:%d %b}"


def _measured_in(found: Findings) -> str:
    """Say which windows the performance is of; empty where none has truth."""
    if found.measured is None:
        return ""
    begins = _label(found.measured, [found.measured, *found.windows])
    if found.measured is found.together:
        return f"in all windows from {begins} on"
    return f"in the window that begins {begins}"


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


def _number(value: float | None) -> str:
    """Return a number with three digits, or all those of a whole one."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _chance(value: float) -> str:
    """Return a p-value as people read it."""
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}".rstrip("0").rstrip(".")


FILTERS = {
    "number": _number,
    "share": lambda value: f"{value:.1%}",
    "chance": _chance,
    "colour": lambda status: COLOURS[status],
}
