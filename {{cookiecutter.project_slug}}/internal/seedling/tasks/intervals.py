"""Intervals of metrics: exact for shares, by influences for smooth ones, else by drawing rows."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from seedling.tasks.evidence import Interval, Moments

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

LEVEL = 0.95
DRAWS = 200
MOST_DRAWN = 20_000  # rows; of more, the spread over parts says how exact a metric is
PARTS = 50
SEED = 0
ROUNDING = 1e-12  # of a number: what is less is not a spread


def interval(value: float, low: float, high: float) -> Interval:
    """Return an interval; None in the place of each number that is not finite."""
    known = (float(each) if math.isfinite(each) else None for each in (value, low, high))
    return Interval(*known)


def of_share(hits: float, rows: int, level: float = LEVEL) -> Interval:
    """Return a share of rows with Wilson's interval, which is right for few rows too."""
    if not rows:
        return Interval(None)
    z, share = stats.norm.ppf((1 + level) / 2), hits / rows
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * math.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return interval(share, max(0.0, middle - half), min(1.0, middle + half))


def at_edge(found: Interval, rows: int, level: float = LEVEL) -> Interval:
    """Return a share that is 0 or 1 with an interval that reaches as far as n such rows allow.

    Rows that all agree have no spread, and still do not show that all others agree: the interval
    is that of Clopper and Pearson. It is returned as it is for another value.

    Args:
        found: a metric between 0 and 1.
        rows: the number of independent rows that it hangs on, such as those of the rarer class.
        level: the probability that the interval holds the true metric.
    """
    if found.value not in (0.0, 1.0) or rows < 1:
        return found
    reach = 1 - ((1 - level) / 2) ** (1 / rows)
    if found.value == 0.0:
        return interval(0.0, 0.0, max(reach, found.high or 0.0))
    return interval(1.0, min(1 - reach, 1.0 if found.low is None else found.low), 1.0)


def of_influences(
    value: float,
    influences: Numbers,
    level: float = LEVEL,
    scale: str = "",
    fewest: int | None = None,
) -> Interval:
    """Return a metric's interval by how much each row moves it; none where no row moves it.

    Where a few rows move it most, its error is known no better than by these: Student's degrees of
    freedom follow from the kurtosis of the influences (Satterthwaite).

    Args:
        value: the metric.
        influences: of n rows, their mean is about 0: n times what leaving a row out takes away.
        level: the probability that the interval holds the true metric.
        scale: where the metric is nearest to normal: `log` for errors, which are above 0, `logit`
            for shares; `skewed` for itself, made symmetric by the skewness of the influences
            (Hall's transformation), for what few rows decide; itself unless given.
        fewest: the number of rows that the metric hangs on, if not all: those of the rarer class.
    """
    rows = len(influences)
    freedom = (rows if fewest is None else fewest) - 1
    if freedom < 1 or not math.isfinite(value):
        return interval(value, math.nan, math.nan)
    error = float(np.std(influences, ddof=1)) / math.sqrt(rows)
    if error <= ROUNDING * abs(value):  # rows that are all alike do not tell how others may be
        return interval(value, math.nan, math.nan)
    half = float(stats.t.ppf((1 + level) / 2, min(freedom, _known_by(influences)))) * error
    if scale == "log" and value > 0:
        factor = math.exp(half / value)
        return interval(value, value / factor, value * factor)
    if scale == "skewed":
        skew = float(stats.skew(influences)) / math.sqrt(rows)
        low, high = (value - error * _skewed(t, skew) for t in (half / error, -half / error))
        return interval(value, low, high)
    if scale == "logit" and 0 < value < 1:
        middle, half = math.log(value / (1 - value)), half / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-each)) for each in (middle - half, middle + half))
        return interval(value, low, high)
    return interval(value, value - half, value + half)


def _skewed(t: float, skew: float) -> float:
    """Return the Student's t whose transform by Hall is `t`, by the skewness of a mean."""
    if abs(skew) < 1e-9:
        return t
    return 3 / skew * (float(np.cbrt(1 + skew * (t - skew / 6))) - 1)


def _known_by(influences: Numbers) -> float:
    """Return of how many normal rows the variance would be known as well as that of n rows."""
    squares = (influences - influences.mean()) ** 2
    variance = float(squares.mean())
    if variance <= 0:
        return math.inf
    kurtosis = float((squares**2).mean()) / variance**2
    return 2 * len(influences) / max(kurtosis - 1, 2.0)  # as of normal ones where it is smaller


def of_mean(values: Numbers, level: float = LEVEL, scale: str = "") -> Interval:
    """Return the mean of n values with Student's interval; `scale` as in `of_influences`."""
    mean = float(np.mean(values)) if len(values) else math.nan
    return of_influences(mean, values - mean, level, scale)


def moments(losses: Numbers) -> Moments:
    """Return the number, mean and standard deviation of at least one row's losses."""
    return Moments(
        len(losses), float(losses.mean()), float(losses.std(ddof=1)) if len(losses) > 1 else 0.0
    )


def of_any(
    measure: Callable[[Places], Mapping[str, float]], rows: int, level: float = LEVEL
) -> dict[str, Interval]:
    """Return the metrics of n rows with intervals, whatever they are computed by.

    Up to MOST_DRAWN rows are drawn DRAWS times with replacement, always the same ones; of more
    rows, PARTS parts are measured, whose spread says how exact the whole is. A metric that is the
    same for all of these has no interval.

    Args:
        measure: takes the places of some rows, and returns the metrics of these. A ValueError says
            that they cannot be computed, and such rows are left out of account.
        rows: the number n of all rows.
        level: the probability that an interval holds the true metric.
    """
    generator = np.random.default_rng(SEED)
    whole = measure(np.arange(rows))
    is_large = rows > MOST_DRAWN
    if is_large:
        drawn = np.array_split(generator.permutation(rows), PARTS)
    else:
        drawn = [generator.integers(0, rows, rows) for _ in range(DRAWS)]
    found: list[Mapping[str, float]] = []
    for places in drawn:
        try:
            found.append(measure(places))
        except ValueError:  # no row of one of the classes is among them
            continue
    return {
        name: _spread(value, _column(found, name), level, is_large) for name, value in whole.items()
    }


def _column(found: Sequence[Mapping[str, float]], name: str) -> Numbers:
    return np.array([each.get(name, math.nan) for each in found])


def _spread(value: float, drawn: Numbers, level: float, of_parts: bool) -> Interval:
    known = drawn[np.isfinite(drawn)]
    few = len(known) < max(2, len(drawn) / 2)
    if few or float(np.ptp(known)) <= ROUNDING * abs(value):
        return interval(value, math.nan, math.nan)
    if not of_parts:
        # Of so few draws, the limits beyond which one more draw is as often as asked for.
        low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2], method="weibull")
        return interval(value, min(low, value), max(high, value))
    half = stats.t.ppf((1 + level) / 2, len(known) - 1) * known.std(ddof=1) / math.sqrt(len(known))
    return interval(value, value - half, value + half)
