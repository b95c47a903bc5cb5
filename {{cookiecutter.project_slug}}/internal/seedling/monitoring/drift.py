"""The verdict about each column of a window of later rows, by the reference's profile.

A column has moved if its difference is significant after Benjamini and Hochberg's correction for
all columns of the window. How much it has moved is another question, which `effect` answers on one
scale for all kinds: the shift of a normal distribution, in standard deviations. What moves as time
goes by has no verdict, and answers are no alarm where the columns that are sent have not moved.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

import msgspec
import numpy as np
from msgspec.structs import replace
from scipy import stats

from seedling.monitoring import compare_categories, compare_numbers, compare_words
from seedling.monitoring.compared import Compared, squared_size, two_shares
from seedling.monitoring.expected import NOTHING, Expected
from seedling.monitoring.structs import ColumnProfile, Kind, Profile

Status = Literal[
    "moves with time", "steady", "too few rows", "moved, harmless", "moderate", "severe"
]
ORDER: tuple[Status, ...] = get_args(Status)  # the worst last

UNJUDGED = ("moves with time", "too few rows")
FEWEST = 10  # rows of a window with a value of the column

COMPARE: dict[str, Callable[[ColumnProfile, ColumnProfile], Compared]] = {
    "numbers": compare_numbers.compare,
    "categories": compare_categories.compare,
    "words": compare_words.compare,
}


class DriftSettings(msgspec.Struct, frozen=True):
    """
    Attributes:
        alpha: the probability of a false alarm in a window; `spending` divides it among windows.
        moderate, severe: effects from which a column that has moved is called so.
    """

    alpha: float = 0.05
    moderate: float = 0.1
    severe: float = 0.25


class Drift(msgspec.Struct, omit_defaults=True):
    """The difference of one column; what its kind does not have is None.

    Attributes:
        part: whether callers send it, or the model answers it.
        rows, rows_then: of the window and of the reference, with missing values.
        status: the verdict.
        effect: the size of the difference in standard deviations, without the share of noise.
        floor: the effect that noise alone stays below in 95 of 100 windows of as many rows.
        p, adjusted_p: before and after the correction for all columns.
        ks, ks_bound: the Kolmogorov-Smirnov statistic, and how much it may lack by the edges.
        wasserstein: in standard deviations of the reference.
        chi2, js, psi: Pearson's statistic of homogeneity, the Jensen-Shannon distance (0 to 1),
            the population stability index.
        tests: the p-value of each test.
        missing_then, missing_now: shares of the rows.
        new_share: of the window's values, those that the reference does not have.
        new_values: the most frequent of them.
    """

    name: str
    kind: Kind
    part: Literal["feature", "output"]
    rows: int
    rows_then: int
    status: Status = "steady"
    effect: float = 0.0
    floor: float = 0.0
    p: float = 1.0
    adjusted_p: float = 1.0
    ks: float | None = None
    ks_bound: float | None = None
    wasserstein: float | None = None
    chi2: float | None = None
    js: float | None = None
    psi: float | None = None
    tests: dict[str, float] = {}
    missing_then: float = 0.0
    missing_now: float = 0.0
    new_share: float = 0.0
    new_values: list[str] = []


def drifts(
    reference: Profile,
    window: Profile,
    settings: DriftSettings | None = None,
    expected: Expected = NOTHING,
) -> list[Drift]:
    """Compare each column of a window with the reference's.

    Args:
        reference: the profile that was stored with the version.
        window: one that was counted like it.
        settings: alpha and the thresholds of the effect.
        expected: the changes that the dataset lets one expect.

    Returns:
        The features in their order, then the outputs. A column that either profile lacks has
        too few rows.
    """
    settings = settings or DriftSettings()
    found = [
        *_compared("feature", reference.features, window.features, settings),
        *_compared("output", reference.outputs, window.outputs, settings),
    ]
    for drift in found:
        if drift.part == "feature" and drift.status != "too few rows":
            _set_apart(drift, reference.features, window.features, settings, expected)
    judged = [drift for drift in found if drift.status not in UNJUDGED]
    if judged:
        adjusted = stats.false_discovery_control([drift.p for drift in judged])
        for drift, p in zip(judged, adjusted.tolist(), strict=True):
            drift.adjusted_p = p
            drift.status = _status(drift, settings)
    _hold_back(found, expected)
    return found


def _set_apart(
    drift: Drift,
    old: dict[str, ColumnProfile],
    new: dict[str, ColumnProfile],
    settings: DriftSettings,
    expected: Expected,
) -> None:
    """Give no verdict about a feature that moves as time goes by, and none about new groups."""
    then, now = old[drift.name], new.get(drift.name)
    if now is None:
        return
    is_later = drift.name in expected.times and now.counts and now.counts[-1] > now.known / 2
    if drift.name in expected.later or is_later:
        drift.status = "moves with time"
    elif drift.name in expected.groups and drift.new_share:
        known = {name: count for name, count in now.values.items() if name in then.values}
        rows = now.missing + sum(known.values())
        if rows - now.missing < FEWEST:
            drift.status = "moves with time"
            return
        fresh = drift.new_share, drift.new_values
        drift.tests = {}
        _compare(drift, then, replace(now, values=known, rows=rows, rest=0), settings)
        drift.new_share, drift.new_values = fresh


def _hold_back(found: Sequence[Drift], expected: Expected) -> None:
    """Judge no answer worse than its features let one.

    A version answers the same to the same row. So where no feature has moved, other answers are of
    another mixture of rows: worth a look, but no alarm. Held-out rows that are the last ones are
    such a mixture themselves.
    """
    features = [drift.status for drift in found if drift.part == "feature"]
    most: Status = "moved, harmless" if expected.is_split_by_time else "moderate"
    most = max([most, *features], key=ORDER.index)
    for drift in found:
        if drift.part == "output":
            drift.status = min(drift.status, most, key=ORDER.index)


def worst(drifts: Iterable[Drift]) -> Status:
    """Return the verdict about a window: of its columns' the worst.

    Too few rows for some columns do not count beside others that are steady.
    """
    found = {drift.status for drift in drifts} - {"moves with time"}
    if "steady" in found:
        found.discard("too few rows")
    return max(found, key=ORDER.index, default="too few rows")


def _compared(
    part: Literal["feature", "output"],
    old: dict[str, ColumnProfile],
    new: dict[str, ColumnProfile],
    settings: DriftSettings,
) -> list[Drift]:
    found = []
    for name, then in old.items():
        now = new.get(name, ColumnProfile(name, then.kind))
        drift = Drift(name, then.kind, part, now.rows, then.rows)
        if now.kind != then.kind or min(now.rows, then.rows) < FEWEST:
            drift.status = "too few rows"
        else:
            _compare(drift, then, now, settings)
        found.append(drift)
    return found


def _compare(
    drift: Drift, then: ColumnProfile, now: ColumnProfile, settings: DriftSettings
) -> None:
    """Fill in what two columns with enough rows have in common; both counts and gaps."""
    drift.missing_then, drift.missing_now = then.missing / then.rows, now.missing / now.rows
    parts: list[Compared] = []
    if min(then.known, now.known) >= FEWEST:
        values = COMPARE[then.kind](then, now)
        parts.append(values)
        for name in ("ks", "ks_bound", "wasserstein", "chi2", "js", "psi"):
            setattr(drift, name, getattr(values, name))
        drift.new_share, drift.new_values = values.new_share, values.new_values
        drift.tests |= values.tests
    if then.missing or now.missing:
        parts.append(_gaps(then, now))
        drift.tests |= parts[-1].tests
    drift.p = min(1.0, len(parts) * min(part.p for part in parts))
    moved = [part for part in parts if len(parts) * part.p <= settings.alpha]
    shown = max(moved or parts[:1], key=lambda part: part.effect)
    drift.effect, drift.floor = shown.effect, shown.floor


def _gaps(then: ColumnProfile, now: ColumnProfile) -> Compared:
    """Compare the shares of missing cells."""
    p = two_shares(then.missing, then.rows, now.missing, now.rows)
    shares = [
        np.array([column.missing, column.known], dtype="float64") / column.rows
        for column in (then, now)
    ]
    mean = 1 / then.rows + 1 / now.rows  # of a squared difference of two shares, by its variance
    noise = mean, float(stats.chi2.ppf(0.95, 1)) * mean
    return Compared({"missing": p}, float(squared_size(*shares)), noise)


def _status(drift: Drift, settings: DriftSettings) -> Status:
    if drift.adjusted_p > settings.alpha:
        return "too few rows" if drift.floor > settings.severe else "steady"
    if drift.effect >= max(settings.severe, drift.floor):
        return "severe"
    if drift.effect >= max(settings.moderate, drift.floor):
        return "moderate"
    return "moved, harmless"


def columns(drifts: Sequence[Drift], *statuses: Status) -> list[str]:
    """Return the names of the columns with one of these verdicts."""
    return [drift.name for drift in drifts if drift.status in statuses]
