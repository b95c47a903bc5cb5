"""The errors to expect of numbers without an interval, by what was predicted.

Held-out rows say how large errors are where small numbers are predicted, and where large ones are.
That holds for later rows as long as what is sent has not moved: the estimate says nothing else.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from seedling.tasks.evidence import Estimated, Interval
from seedling.tasks.intervals import SEED, Numbers, interval
from seedling.tasks.regression.exact import errors_of

FEWEST = 200  # held-out rows
BINS, FEWEST_IN_BIN = 10, 50
MOST_BEYOND = 0.01  # of the rows, with predictions that no held-out row has had
MOST_OFF = 1.5  # times that errors may be larger or smaller than expected
STRICT_Z = float(stats.norm.ppf(1 - 0.01 / 2))  # one of a hundred by chance


def estimator(truth: pd.Series, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return how large held-out errors are by what was predicted.

    Returns:
        `rows`; `edges` of the bins of predictions, from the smallest to the largest; by bin the
        mean of squared errors and of sizes, `square` and `size`, with the variance of one,
        `square_variance` and `size_variance`, and `counts`; and `off`, a sentence where the errors
        of one half of the rows are not those that the other half lets one expect.
    """
    predicted = np.asarray(answer["predictions"], dtype="float64")
    errors = errors_of(truth, answer)
    usable = np.isfinite(predicted) & np.isfinite(errors)
    predicted, errors = predicted[usable], errors[usable]
    if len(errors) < FEWEST:
        return {"rows": len(errors)}
    found = _fitted(predicted, errors)
    halves = np.array_split(np.random.default_rng(SEED).permutation(len(errors)), 2)
    gaps = [
        _gap(_fitted(predicted[one], errors[one]), predicted[other], errors[other])
        for one, other in (halves, halves[::-1])
    ]
    off = ""
    if any(gap > STRICT_Z and times > MOST_OFF for gap, times in gaps):
        off = "the errors of one half of its held-out rows are not those of the other half"
    return {**found, "off": off}


def estimate(
    fitted: Mapping[str, Any],
    answer: Mapping[str, Any],
    level: float,
    known: tuple[pd.Series, Mapping[str, Any]] | None = None,
) -> Estimated:
    """Return `rmse` and `mae` that n rows are expected to have, where nothing that is sent moved.

    Args:
        fitted: the result of `estimator` for held-out rows.
        answer: the answer to the n rows.
        level: the probability that an interval holds the metric of these rows.
        known: later rows with truth: their errors must be those to be expected.
    """
    if fitted.get("rows", 0) < FEWEST:
        return Estimated(refused=f"the version has fewer than {FEWEST} held-out rows to learn from")
    if fitted["off"]:
        return Estimated(refused=fitted["off"])
    predicted = np.asarray(answer["predictions"], dtype="float64")
    predicted = predicted[np.isfinite(predicted)]
    if not len(predicted):
        return Estimated(refused="there are no answers")
    edges = fitted["edges"]
    beyond = float(((predicted < edges[0]) | (predicted > edges[-1])).mean())
    if beyond > MOST_BEYOND:
        words = f"{beyond:.1%} of the predictions are beyond all that held-out rows have had"
        return Estimated(refused=words)
    if known is not None:
        errors = errors_of(*known)
        gap, times = _gap(fitted, np.asarray(known[1]["predictions"], dtype="float64"), errors)
        if gap > STRICT_Z and times > MOST_OFF:
            return Estimated(refused="errors that became known are others than those expected")
    z = float(stats.norm.ppf((1 + level) / 2))
    square, off = _expected(fitted, predicted, "square")
    size, size_off = _expected(fitted, predicted, "size")
    return Estimated(
        {
            "rmse": _around(math.sqrt(square), z * off / square / 2 if square else 0.0),
            "mae": _around(size, z * size_off / size if size else 0.0),
        },
        needs_steady=True,
    )


def _fitted(predicted: Numbers, errors: Numbers) -> dict[str, Any]:
    bins = max(1, min(BINS, len(errors) // FEWEST_IN_BIN))
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, bins + 1)))
    places = _places(edges, predicted)
    found: dict[str, Any] = {"rows": len(errors), "edges": edges.tolist()}
    for name, values in (("square", errors**2), ("size", np.abs(errors))):
        parts = [values[places == at] for at in range(max(1, len(edges) - 1))]
        found[name] = [float(part.mean()) for part in parts]
        found[f"{name}_variance"] = [
            float(part.var(ddof=1)) if len(part) > 1 else 0.0 for part in parts
        ]
        found["counts"] = [len(part) for part in parts]
    return found


def _places(edges: Any, predicted: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Return the bin of each of n predictions; of one beyond all, the nearest."""
    inner = np.asarray(edges, dtype="float64")[1:-1]
    return np.searchsorted(inner, predicted, side="right")


def _expected(fitted: Mapping[str, Any], predicted: Numbers, name: str) -> tuple[float, float]:
    """Return the mean that n rows are expected to have, and its standard error.

    It has both parts: what is not known of the means of the bins, and the chance of these n rows.
    """
    means, variances = np.array(fitted[name]), np.array(fitted[f"{name}_variance"])
    counts = np.bincount(_places(fitted["edges"], predicted), minlength=len(means))
    shares = counts / len(predicted)
    unsure = shares**2 * variances / np.array(fitted["counts"])
    chance = shares * variances / len(predicted)
    return float((shares * means).sum()), math.sqrt(float(unsure.sum() + chance.sum()))


def _gap(fitted: Mapping[str, Any], predicted: Numbers, errors: Numbers) -> tuple[float, float]:
    """Return how far squared errors are from those expected, in standard errors and as a factor."""
    usable = np.isfinite(predicted) & np.isfinite(errors)
    if not usable.any():
        return 0.0, 1.0
    expected, off = _expected(fitted, predicted[usable], "square")
    seen = float((errors[usable] ** 2).mean())
    if not off or not expected or not seen:
        return (0.0, 1.0) if expected == seen else (math.inf, math.inf)
    return abs(seen - expected) / off, math.sqrt(max(seen / expected, expected / seen))


def _around(value: float, off: float) -> Interval:
    return interval(value, value * math.exp(-off), value * math.exp(off))
