"""The errors of an answer, group by group."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seedling.data.scalars import label_text, plain
from seedling.tasks.training_protocol import Setback, Setbacks

if TYPE_CHECKING:
    from seedling.config import Dataset

MOST_LISTED = 1_000  # groups that a note lists
ALIKE = 1e-3  # a relative difference of two errors below this is none


def by_group(
    truth: pd.Series, answer: Mapping[str, Any], rows: pd.DataFrame, groups: Sequence[str]
) -> pd.DataFrame:
    """Return a row for each group of n rows: its key, then `rows`, `rmse` and `squares`, their sum.

    Args:
        truth: the target of the rows.
        answer: the answer to them.
        rows: has the columns of the groups.
        groups: their names.
    """
    errors = truth.to_numpy(dtype="float64") - np.asarray(answer["predictions"], dtype="float64")
    keys = rows[list(groups)].reset_index(drop=True)
    numbers = keys.groupby(list(groups), sort=True, dropna=False, observed=True).ngroup()
    counts = np.bincount(numbers)
    squares = np.bincount(numbers, weights=errors**2)
    first = np.full(len(counts), len(keys))
    np.minimum.at(first, numbers.to_numpy(), np.arange(len(keys)))
    found = keys.iloc[first].reset_index(drop=True)
    return found.assign(rows=counts, rmse=np.sqrt(squares / counts), squares=squares)


def name(key: Mapping[str, Any] | pd.Series, groups: Sequence[str]) -> str:
    """Return a group's name: `location north, product_id 7`."""
    return ", ".join(f"{each} {label_text(plain(key[each]))}" for each in groups)


def setbacks(
    truth: pd.Series,
    answer: Mapping[str, Any],
    before: Mapping[str, Any],
    rows: pd.DataFrame,
    dataset: "Dataset",
) -> Setbacks:
    """Return the groups whose RMSE grew from one answer to another; what adds most error first."""
    new, old = (by_group(truth, each, rows, dataset.groups) for each in (answer, before))
    new = new.assign(before=old["rmse"], added=new["squares"] - old["squares"])
    worse = new[new["rmse"] > (1 + ALIKE) * new["before"]].sort_values(
        "added", ascending=False, kind="stable"
    )
    numbers = worse[["rows", "rmse", "before"]].head(MOST_LISTED).itertuples(index=False)
    names = (name(key, dataset.groups) for _, key in worse.head(MOST_LISTED).iterrows())
    listed = [
        Setback(group, int(count), float(error), float(champion))
        for group, (count, error, champion) in zip(names, numbers, strict=True)
    ]
    return Setbacks("group", "rmse", len(new), len(worse), listed)
