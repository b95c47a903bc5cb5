"""The report's drawings as inline SVG, whose colours are those of the page's style."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import escape

from seedling.monitoring.findings import Shape
from seedling.tasks.evidence import Bin

WIDE, HIGH, EDGE = 360.0, 150.0, 44.0  # of a drawing over time; the edge has the numbers

SEQUENCE_EDGE = 58.0  # numbers with a sign
LETTER = 12.0  # the height of a line of text


class Point(NamedTuple):
    """A metric in one window; None where it is not known."""

    label: str
    value: float | None
    low: float | None
    high: float | None


class Step(NamedTuple):
    """A difference at one time, with its interval."""

    label: str
    value: float
    low: float
    high: float


def steps(shape: Shape) -> str:
    """Draw the distribution of numbers: then as an area, now as a line."""
    width, height = 240.0, 70.0
    most = max([*shape.then, *shape.now, 1e-9])
    words = f"Distribution of {shape.name}: then as an area, now as a line"
    then, now = (_steps(shares, most, width, height) for shares in (shape.then, shape.now))
    body = (
        f'<path class="then" d="{then} V{height:g} H0 Z"/>'
        f'<path class="now" d="{now}"/><path class="axis" d="M0 {height:g} H{width:g}"/>'
    )
    return _svg(width, height + 2, words, body)


def _steps(shares: Sequence[float], most: float, width: float, height: float) -> str:
    step = width / max(1, len(shares))
    tops = [height - share / most * (height - 4) for share in shares]
    return f"M0 {height:g} " + " ".join(
        f"V{top:.1f} H{(at + 1) * step:.1f}" for at, top in enumerate(tops)
    )


def over_time(points: Sequence[Point], then: float | None, words: str) -> str:
    """Draw a metric window by window, with intervals, and what it was on the held-out rows."""
    values = [each for point in points for each in point[1:] if each is not None]
    values += [] if then is None else [then]
    if not values:
        return ""
    low, high = min(values), max(values)
    room = (high - low) * 0.1 or abs(high) * 0.1 or 0.1
    low, high = low - room, high + room

    def y(value: float) -> float:
        return 8 + (high - value) / (high - low) * (HIGH - 34)

    step = (WIDE - EDGE - 10) / max(1, len(points))
    xs = [EDGE + (at + 0.5) * step for at in range(len(points))]
    parts = [
        f'<text x="{EDGE - 4:g}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>'
        f'<path class="grid" d="M{EDGE:g} {y(value):.1f} H{WIDE:g}"/>'
        for value in (low + room, high - room)
    ]
    if then is not None:
        parts.append(f'<path class="before" d="M{EDGE:g} {y(then):.1f} H{WIDE:g}"/>')
    known = [(x, point) for x, point in zip(xs, points, strict=True) if point.value is not None]
    for x, point in known:
        if point.low is not None and point.high is not None:
            parts.append(
                f'<path class="whisker" d="M{x:.1f} {y(point.low):.1f} V{y(point.high):.1f} '
                f'M{x - 3:.1f} {y(point.low):.1f} h6 M{x - 3:.1f} {y(point.high):.1f} h6"/>'
            )
    places = [f"{x:.1f} {y(point.value or 0):.1f}" for x, point in known]
    parts.append(f'<path class="now" d="M{" L".join(places or ["0 0"])}"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y(p.value or 0):.1f}" r="3"/>' for x, p in known]
    every = -(-len(points) // 5)
    parts += [
        f'<text x="{x:.1f}" y="{HIGH - 6:g}" text-anchor="middle">{escape(point.label)}</text>'
        for at, (x, point) in enumerate(zip(xs, points, strict=True))
        if at % every == 0
    ]
    return _svg(WIDE, HIGH, words, "".join(parts))


def sequence(steps: Sequence[Step], margin: float, words: str) -> str:
    """Draw a difference with its interval as they became over time, around 0 and its margin.

    Args:
        steps: at least one, the oldest first.
        margin: of the difference, within which two versions are equal.
        words: for those who do not see the drawing.
    """
    values = [0.0, *(each for step in steps for each in (step.value, step.low, step.high))]
    if margin <= 2 * max(map(abs, values)):
        values += [margin, -margin]
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or 0.1
    low, high = low - room, high + room

    def y(value: float) -> float:
        return 8 + (high - value) / (high - low) * (HIGH - 34)

    width = (WIDE - SEQUENCE_EDGE - 24) / max(1, len(steps) - 1)
    xs = [SEQUENCE_EDGE + 12 + at * width for at in range(len(steps))]
    places = [*zip(xs, steps, strict=True)]

    middle = [f"{x:.1f} {y(step.value):.1f}" for x, step in places]
    lower = [f"{x:.1f} {y(step.low):.1f}" for x, step in places]
    upper = [f"{x:.1f} {y(step.high):.1f}" for x, step in places]
    parts = [
        f'<path class="band" d="M{" L".join([*upper, *lower[::-1]])} Z"/>',
        f'<path class="zero" d="M{SEQUENCE_EDGE:g} {y(0):.1f} H{WIDE:g}"/>',
    ]
    parts += [
        f'<path class="margin" d="M{SEQUENCE_EDGE:g} {y(value):.1f} H{WIDE:g}"/>'
        for value in (margin, -margin)
        if low < value < high and margin
    ]
    parts += [
        f'<text x="{SEQUENCE_EDGE - 4:g}" y="{y(value) + 4:.1f}" text-anchor="end">'
        f"{value:+.2g}</text>"
        for value in (low + room, high - room)
        if abs(y(value) - y(0)) > LETTER
    ]
    parts.append(f'<text x="{SEQUENCE_EDGE - 4:g}" y="{y(0) + 4:.1f}" text-anchor="end">0</text>')
    parts.append(f'<path class="now" d="M{" L".join(middle)}"/>')
    x, last = places[-1]
    parts.append(
        f'<path class="whisker" d="M{x:.1f} {y(last.low):.1f} V{y(last.high):.1f}"/>'
        f'<circle cx="{x:.1f}" cy="{y(last.value):.1f}" r="3"/>'
    )
    parts += [
        f'<text x="{x:.1f}" y="{HIGH - 6:g}" text-anchor="{anchor}">{escape(step.label)}</text>'
        for (x, step), anchor in _labelled(places)
    ]
    return _svg(WIDE, HIGH, words, "".join(parts))


def _labelled(places: Sequence[tuple[float, Step]]) -> list[tuple[tuple[float, Step], str]]:
    """Return the places that have a label below them: the first and the last."""
    if len(places) == 1:
        return [(places[0], "middle")]
    return [(places[0], "start"), (places[-1], "end")]


def calibration(bins: Sequence[Bin], words: str) -> str:
    """Draw what scores say against what was seen, with intervals: good ones lie on the diagonal."""
    size, edge = 220.0, 30.0
    inner = size - edge - 8

    def place(said: float, seen: float) -> tuple[float, float]:
        return edge + said * inner, 8 + (1 - seen) * inner

    x1, y1 = place(1, 1)
    x0, y0 = place(0, 0)
    parts = [
        f'<path class="before" d="M{x0:.1f} {y0:.1f} L{x1:.1f} {y1:.1f}"/>',
        f'<path class="axis" d="M{x0:.1f} {y1:.1f} V{y0:.1f} H{x1:.1f}"/>',
        f'<text x="{x0 - 4:.1f}" y="{y1 + 5:.1f}" text-anchor="end">1</text>',
        f'<text x="{x0 - 4:.1f}" y="{y0:.1f}" text-anchor="end">0</text>',
        f'<text x="{x1:.1f}" y="{y0 + 14:.1f}" text-anchor="end">1</text>',
        f'<text x="{(x0 + x1) / 2:.1f}" y="{y0 + 16:.1f}" text-anchor="middle">said</text>',
        f'<text x="{x0 + 4:.1f}" y="{y1 + 8:.1f}">seen</text>',
    ]
    for each in bins:
        x, y = place(each.said, each.seen)
        _, top = place(each.said, each.high)
        _, bottom = place(each.said, each.low)
        parts.append(
            f'<path class="whisker" d="M{x:.1f} {top:.1f} V{bottom:.1f}"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        )
    return _svg(size, size, words, "".join(parts))


def _svg(width: float, height: float, words: str, body: str) -> str:
    """Return an <svg>; `body` has only numbers of ours and escaped texts."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}">'
        f"{body}</svg>"
    )
