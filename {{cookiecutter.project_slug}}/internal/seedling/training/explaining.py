"""Shapley values: what each column of one row adds to the answer, beside rows as they usually are.

A column's effect is how the answer changes when its value is put into another row, averaged
over such rows and over the orders in which the columns come. The effects add up to
the row's answer less the average answer, whatever the model is.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

MOST_ROWS = 20_000  # that are answered
ORDERS = (20, 200)  # the fewest and the most, each with its reverse

Numbers = npt.NDArray[np.float64]


class Explanation(NamedTuple):
    """The effects of a row's columns on its answer: answer = average + the sum of all effects.

    Attributes:
        output: the number that is explained: a column of what `predict` returns.
        answer: that number for the row.
        average: its average over the rows that the row is compared with.
        effects: `value` and `effect` by column, the largest effect first.
    """

    output: str
    answer: float
    average: float
    effects: pd.DataFrame


def effects(
    row: pd.DataFrame, others: pd.DataFrame, answer: Callable[[pd.DataFrame], Numbers]
) -> tuple[Numbers, float]:
    """Estimate each column's effect, and the average answer that they add to.

    Args:
        row: one row.
        others: rows with the same columns, of which some are drawn; always the same ones.
        answer: returns a number for each row of a table.
    """
    names = list(row.columns)
    fewest, most = ORDERS
    pairs = int(np.clip(MOST_ROWS // (len(names) + 1), fewest, most)) // 2
    draw = np.random.default_rng(0)
    orders = [draw.permutation(len(names)) for _ in range(pairs)]
    orders += [order[::-1] for order in orders]
    chosen = draw.permutation(np.resize(np.arange(len(others)), max(pairs, len(others))))[:pairs]
    chosen = np.concatenate([chosen, chosen])  # an order and its reverse begin with the same row
    places = np.array([np.argsort(order) for order in orders])
    # After n steps the first n columns of the order are the row's, the others the other's.
    taken = places[:, None, :] < np.arange(len(names) + 1)[None, :, None]
    taken = taken.reshape(-1, len(names))
    start = others.iloc[np.repeat(chosen, len(names) + 1)].reset_index(drop=True)
    mixed = pd.DataFrame(
        {
            name: _mixed(start[name], row[name].iloc[0], taken[:, at])
            for at, name in enumerate(names)
        }
    )
    answers = answer(mixed).reshape(len(orders), len(names) + 1)
    steps = np.diff(answers, axis=1)
    found = np.take_along_axis(steps, places, axis=1).mean(axis=0)
    return found, float(answers[:, 0].mean())


def _mixed(cells: pd.Series, value: object, taken: npt.NDArray[np.bool_]) -> pd.Series:
    """Return the cells with the row's value where it is taken; numbers stay numbers."""
    if pd.api.types.is_numeric_dtype(cells) and isinstance(value, int | float | np.number):
        return pd.Series(np.where(taken, value, cells))
    found = cells.astype(object).to_numpy(copy=True)
    for at in np.flatnonzero(taken):
        found[at] = value
    return pd.Series(found, dtype=object).infer_objects()
