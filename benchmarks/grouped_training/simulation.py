"""Groups whose coefficients are known, and what people fit to groups without pooling."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

WIDTH = 7
KINDS = {"sizes": 2.0, "heavy tails": 1.5, "two clusters": 1.5, "identical": 1.5}  # and noise


class Simulated(NamedTuple):
    """Rows to learn from, and as many to predict; `group` is their key.

    Attributes:
        before, later: with x0 ... x6 and `group`.
        y, truth: their targets.
        sizes: of the groups, in rows to learn from.
    """

    before: pd.DataFrame
    y: Any
    later: pd.DataFrame
    truth: Any
    sizes: Any


def simulate(kind: str, groups: int, seed: int = 0) -> Simulated:
    """Draw groups of lognormal sizes, median 11; their levels differ more than their slopes."""
    draw = np.random.default_rng(seed)
    sizes = np.maximum(1, draw.lognormal(np.log(11), 1.2, groups).round()).astype(int)
    spread, mean = np.append(1.0, np.full(WIDTH, 0.1)), draw.normal(0, 0.3, WIDTH + 1)
    shape = (groups, WIDTH + 1)
    if kind == "sizes":
        b = mean + 4 * spread * draw.normal(size=shape)
    elif kind == "heavy tails":
        b = mean + 1.6 * spread * draw.standard_t(3, shape)
    elif kind == "two clusters":
        b = draw.normal(0, 1.2, (2, WIDTH + 1))[draw.integers(0, 2, groups)]
    else:
        b = np.tile(mean, (groups, 1))

    def rows(numbers: Any) -> tuple[pd.DataFrame, Any]:
        x = draw.normal(size=(len(numbers), WIDTH))
        y = b[numbers, 0] + (x * b[numbers, 1:]).sum(axis=1)
        y += draw.normal(0, KINDS[kind], len(numbers))
        return pd.DataFrame(x).add_prefix("x").assign(group=numbers), y

    numbers = np.repeat(np.arange(groups), sizes)
    return Simulated(*rows(numbers), *rows(numbers), sizes)


def simple(before: pd.DataFrame, y: Any, later: pd.DataFrame, by: list[str]) -> tuple[Any, Any]:
    """Return the answers of each group's own line, that of all where rows are no more than
    coefficients; and those of the line of all."""
    features = [name for name in before if name not in by]
    every = LinearRegression().fit(before[features], y)
    line = every.predict(later[features])
    own, models = line.copy(), {}
    x, z = before[features].to_numpy(float), later[features].to_numpy(float)
    for key, rows in before.groupby(by, observed=True).indices.items():
        if len(rows) > len(features) + 1:
            models[key] = LinearRegression().fit(x[rows], y[rows])
    for key, rows in later.groupby(by, observed=True).indices.items():
        if key in models:
            own[rows] = models[key].predict(z[rows])
    return own, line


def rmse(truth: Any, found: Any) -> float:
    return float(np.sqrt(np.mean((np.asarray(truth) - found) ** 2)))
