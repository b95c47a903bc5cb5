"""The runs of a dataset as a chart: a dot for each run, a line for the champion of each model.

All places are in percent of the plot, so that it has any width and its dots stay round.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import quantiles
from typing import NamedTuple

from seedling.training.listed import Listed

MOST_SERIES = 6  # models with a colour of their own; the others share one
REACH = 3.0  # quartile distances beyond the quartiles: a run farther away lies at the edge
ROOM = 0.08  # of the range, above and below
TICKS = 4  # about as many

Place = tuple[float, float]  # percent from the left, and from the top


class Dot(NamedTuple):
    """A run: its number, its model, and its outcome.

    Attributes:
        series: the number of the model's colour.
        kind: `registered`, `refused` by the gate, or `other`.
        beyond: whether its value lies outside of the plot, at whose edge it is drawn.
    """

    run: int
    model: str
    at: Place
    series: int
    kind: str
    beyond: bool


class Stroke(NamedTuple):
    """A straight piece of a champion's line."""

    model: str
    begin: Place
    end: Place
    series: int


class Series(NamedTuple):
    """A model in the chart; `number` is that of its colour, from 0 on."""

    name: str
    number: int
    runs: int
    champion: float | None


class Tick(NamedTuple):
    """A value beside the plot, and how far it is from the top, in percent."""

    label: str
    top: float


class Chart(NamedTuple):
    """The chart of a dataset by one metric.

    Attributes:
        begun: of the first and the last run, in seconds since 1970.
    """

    dataset: str
    metric: str
    lower_is_better: bool
    series: Sequence[Series]
    dots: Sequence[Dot]
    strokes: Sequence[Stroke]
    ticks: Sequence[Tick]
    begun: tuple[float, float]


class Change(NamedTuple):
    """A change of a model's champion that no run made."""

    model: str
    version: str
    time: float


def drawn(
    dataset: str,
    metric: str,
    lower_is_better: bool,
    runs: Iterable[Listed],
    changes: Iterable[Change] = (),
) -> Chart | None:
    """Return the chart of a dataset's runs; None where none of them has the metric.

    Args:
        dataset: its name.
        metric: that of the dataset, by which the gate decides.
        lower_is_better: whether it is an error.
        runs: of this dataset or others, the oldest first; those without a number are left out.
        changes: of champions, the oldest first.
    """
    shown = [
        (one, value)
        for one in runs
        if one.dataset == dataset and one.run is not None and one.begun is not None
        if (value := one.measured(metric)) is not None and math.isfinite(value)
    ]
    if not shown:
        return None
    colours = _colours(one.model for one, _ in shown)
    levels = _levels(shown, changes)
    held = [value for steps in levels.values() for _, value in steps]
    low, high = _range([value for _, value in shown], held)

    def place(order: float, value: float) -> Place:
        across = 100 * (order + 0.5) / len(shown)
        down = 100 * (high - min(max(value, low), high)) / (high - low)
        return round(across, 2), round(down, 2)

    dots = [
        Dot(
            one.run or 0,
            one.model,
            place(order, value),
            colours[one.model],
            "refused" if one.refused else "registered" if one.version else "other",
            not low <= value <= high,
        )
        for order, (one, value) in enumerate(shown)
    ]
    strokes = []
    for model, steps in levels.items():
        ends = [order for order, _ in steps[1:]] + [len(shown) - 0.5]
        before = None
        for (order, value), end in zip(steps, ends, strict=True):
            begin, until = place(order, value), place(end, value)
            if before is not None and before != begin:
                strokes.append(Stroke(model, before, begin, colours[model]))
            strokes.append(Stroke(model, begin, until, colours[model]))
            before = until
    count = Counter(one.model for one, _ in shown)
    return Chart(
        dataset,
        metric,
        lower_is_better,
        [
            Series(name, number, count[name], levels[name][-1][1] if levels.get(name) else None)
            for name, number in colours.items()
        ],
        dots,
        strokes,
        [Tick(f"{value:.6g}", place(0, value)[1]) for value in ticks(low, high)],
        (shown[0][0].begun or 0, shown[-1][0].begun or 0),
    )


def ticks(low: float, high: float) -> list[float]:
    """Return round values between two numbers, the highest first, about TICKS of them."""
    rough = (high - low) / TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in (1, 2, 5, 10) if unit * each >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [each * step for each in range(last, first - 1, -1)]


def _colours(models: Iterable[str]) -> dict[str, int]:
    """Return the number of each model's colour: those with the most runs have their own."""
    often = [name for name, _ in Counter(models).most_common()]
    return {name: min(at, MOST_SERIES) for at, name in enumerate(often)}


def _levels(
    shown: Sequence[tuple[Listed, float]], changes: Iterable[Change]
) -> Mapping[str, list[tuple[float, float]]]:
    """Return for each model when its champion changed, as places among the runs, and its value."""
    values = {(one.model, one.version): value for one, value in shown if one.version}
    found: dict[str, list[tuple[float, float]]] = {}
    for place, (one, value) in enumerate(shown):
        if one.version:
            found.setdefault(one.model, []).append((float(place), value))
    begun = [one.begun or 0.0 for one, _ in shown]
    for change in changes:
        known = values.get((change.model, change.version))
        if known is not None:
            order = sum(time <= change.time for time in begun) - 0.5
            found.setdefault(change.model, []).append((order, known))
    return {model: _sorted(steps) for model, steps in found.items()}


def _sorted(steps: list[Place]) -> list[Place]:
    """Return steps from left to right; one that changes nothing is left out."""
    found: list[Place] = []
    for step in sorted(steps, key=lambda step: step[0]):
        if not found or step[1] != found[-1][1]:
            found.append(step)
    return found


def _range(values: Sequence[float], held: Sequence[float]) -> tuple[float, float]:
    """Return lowest and highest value of the plot: without outliers, with every champion."""
    low, high = min(values), max(values)
    if len(values) > 3:
        first, _, third = quantiles(values, n=4)
        if third > first:
            low = max(low, first - REACH * (third - first))
            high = min(high, third + REACH * (third - first))
    low, high = min([low, *held]), max([high, *held])
    room = ROOM * (high - low) or abs(high) * ROOM or 1.0
    return low - room, high + room
