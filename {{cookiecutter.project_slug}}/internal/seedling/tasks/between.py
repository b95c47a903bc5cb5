"""Answers with an interval, `low` to `high`: how many hold the truth, and which errors to expect.

A wide interval promises a large error. Held-out rows say how the squared width goes with the
squared error; later rows without truth then have an estimate of their errors.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from seedling.tasks.evidence import Coverage, Estimated, Interval
from seedling.tasks.intervals import LEVEL, Numbers, interval, of_share

FEWEST = 100  # held-out rows
MOST_OFF = 1.5  # times that narrow or wide intervals may promise too much or too little
STRICT = 0.01


def _span(answer: Mapping[str, Any]) -> tuple[Numbers, Numbers]:
    low, high = (np.asarray(answer[key], dtype="float64") for key in ("low", "high"))
    return low, high


def coverage(
    truth: pd.Series, answer: Mapping[str, Any], wanted: float | None, level: float = LEVEL
) -> Coverage:
    """Return the share of n rows within their intervals, and a test against the share `wanted`."""
    low, high = _span(answer)
    values = truth.to_numpy(dtype="float64")
    hits = int(((values >= low) & (values <= high)).sum())
    p = None if wanted is None else float(stats.binomtest(hits, len(values), wanted).pvalue)
    return Coverage(of_share(hits, len(values), level), wanted, p)


def estimator(truth: pd.Series, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return how held-out errors go with the widths of intervals.

    Returns:
        `rows`; `square`, the mean squared error by the squared width, with its standard error
        `square_error`; `size`, the mean error by the width, with `size_error`; and `off`, a
        sentence where narrow and wide intervals do not keep the same promise.
    """
    low, high = _span(answer)
    widths = high - low
    errors = truth.to_numpy(dtype="float64") - np.asarray(answer["predictions"], dtype="float64")
    usable = np.isfinite(widths) & (widths > 0) & np.isfinite(errors)
    errors, widths = errors[usable], widths[usable]
    if len(errors) < FEWEST:
        return {"rows": len(errors)}
    square, square_error = _ratio(errors**2, widths**2)
    size, size_error = _ratio(np.abs(errors), widths)
    return {
        "rows": len(errors),
        "square": square,
        "square_error": square_error,
        "size": size,
        "size_error": size_error,
        "spread": float(np.std(errors**2 / widths**2 / square)),
        "off": _off(errors, widths),
    }


def _ratio(above: Numbers, below: Numbers) -> tuple[float, float]:
    """Return the ratio of two means, and its standard error."""
    ratio = float(above.mean() / below.mean())
    rest = (above - ratio * below) / below.mean()
    return ratio, float(rest.std(ddof=1)) / math.sqrt(len(rest))


def _off(errors: Numbers, widths: Numbers) -> str:
    """Compare the promises that narrow and wide intervals keep; empty where they are alike."""
    order = np.argsort(widths, kind="stable")
    narrow, wide = np.array_split(order, 2)
    (one, one_error), (other, other_error) = (
        _ratio(errors[half] ** 2, widths[half] ** 2) for half in (narrow, wide)
    )
    if min(one, other) <= 0:
        return "some of its intervals have no errors at all"
    gap = math.log(other / one)
    z = abs(gap) / math.hypot(one_error / one, other_error / other)
    if 2 * stats.norm.sf(z) < STRICT and abs(gap) > 2 * math.log(MOST_OFF):
        return "its narrow and wide intervals do not keep the same promise on held-out rows"
    return ""


def estimate(
    fitted: Mapping[str, Any],
    answer: Mapping[str, Any],
    level: float = LEVEL,
    known: tuple[pd.Series, Mapping[str, Any]] | None = None,
) -> Estimated:
    """Return `rmse` and `mae` of n rows as their intervals promise them.

    Args:
        fitted: the result of `estimator` for held-out rows.
        answer: has `low` and `high`.
        level: the probability that an interval holds the metric of these rows.
        known: later rows with truth: their errors must be those that the widths promised.
    """
    if fitted.get("rows", 0) < FEWEST:
        return Estimated(refused=f"the version has fewer than {FEWEST} held-out rows to learn from")
    broken = fitted["off"] or (_broken(fitted, *known) if known else "")
    if broken:
        return Estimated(refused=broken)
    low, high = _span(answer)
    widths = (high - low)[np.isfinite(high - low)]
    if not len(widths):
        return Estimated(refused="no row has an interval")
    z = float(stats.norm.ppf((1 + level) / 2))
    squares = fitted["square"] * widths**2
    off = math.hypot(
        fitted["square_error"] / fitted["square"],
        math.sqrt(float((squares**2).sum())) * fitted["spread"] / float(squares.sum()),
    )
    rmse = math.sqrt(float(squares.mean()))
    sizes = fitted["size"] * widths
    size_off = math.hypot(
        fitted["size_error"] / fitted["size"],
        math.sqrt(float((sizes**2).sum())) * 0.76 / float(sizes.sum()),  # of a normal error's size
    )
    return Estimated(
        {
            "rmse": _around(rmse, z * off / 2),
            "mae": _around(float(sizes.mean()), z * size_off),
        }
    )


def _around(value: float, off: float) -> Interval:
    return interval(value, value * math.exp(-off), value * math.exp(off))


def _broken(fitted: Mapping[str, Any], truth: pd.Series, answer: Mapping[str, Any]) -> str:
    """Say whether errors of later rows are others than their intervals promise; empty if not."""
    now = estimator(truth, answer)
    if now["rows"] < FEWEST:
        return ""
    gap = math.log(now["square"] / fitted["square"])
    error = math.hypot(
        now["square_error"] / now["square"], fitted["square_error"] / fitted["square"]
    )
    if abs(gap) / error > stats.norm.ppf(1 - STRICT / 2) and abs(gap) > math.log(MOST_OFF):
        times = math.sqrt(now["square"] / fitted["square"])
        return f"errors that became known are {times:.2g} times what the intervals promised"
    return ""
