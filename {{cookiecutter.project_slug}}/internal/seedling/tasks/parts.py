"""Parts of rows by the values of a column, in each of which losses are compared with those before.

A column of numbers has four parts with about as many of the held-out rows each, one of names a part
for each frequent name; the groups of a dataset are parts too. Dates and texts have none.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from seedling.data.distinct import label_texts
from seedling.data.scalars import short
from seedling.tasks.intervals import Numbers

if TYPE_CHECKING:
    from seedling.config import Dataset

MOST_PARTS = 20  # of a column of values
MOST_GROUPS = 2_000
QUARTERS = (0.25, 0.5, 0.75)
MISSING = "missing"


class Parted(NamedTuple):
    """The name of the part that each of n rows is in, by a column's values; NaN for none."""

    column: str
    names: pd.Series
    edges: list[float]  # of a column of numbers


def of(
    rows: pd.DataFrame,
    dataset: "Dataset",
    edges: Mapping[str, Sequence[float]],
    columns: Sequence[str] = (),
) -> Iterator[Parted]:
    """Yield the parts of n rows by each column.

    Args:
        rows: have the dataset's raw columns, or some of them.
        dataset: its schema says which columns hold numbers.
        edges: the inner edges of the parts of numbers, by column; found here for another one.
        columns: names of columns; all unless given, and the groups.
    """
    for column in dataset.raw:
        name = column.name
        if name not in rows or not column.has_parts or (columns and name not in columns):
            continue
        if column.profiled == "categories":
            texts = column.measures(rows[name]).fillna(MISSING)
            yield Parted(name, _frequent(texts, MOST_PARTS), [])
            continue
        numbers = column.measures(rows[name]).to_numpy(dtype="float64", na_value=np.nan)
        inner = list(edges[name]) if name in edges else _quarters(numbers)
        yield Parted(name, _by_edges(numbers, inner, rows.index), inner)
    groups = [name for name in dataset.groups if name in rows]
    if len(groups) > 1 and not columns:
        yield Parted(", ".join(groups), _groups(rows, groups), [])


def _quarters(numbers: Numbers) -> list[float]:
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return []
    return [float(edge) for edge in np.unique(np.quantile(known, QUARTERS)) if edge > known.min()]


def _by_edges(numbers: Numbers, edges: Sequence[float], index: pd.Index) -> pd.Series:
    texts = [short(edge) for edge in edges]
    inner = [f"{low} to {high}" for low, high in pairwise(texts)]
    names = [f"below {texts[0]}", *inner, f"from {texts[-1]}"] if texts else ["all"]
    places = np.searchsorted(np.asarray(edges, dtype="float64"), numbers, side="right")
    places[~np.isfinite(numbers)] = len(names)
    return pd.Series(np.array([*names, MISSING], dtype=object)[places], index=index)


def _frequent(names: pd.Series, most: int) -> pd.Series:
    counts = names.value_counts()
    return names if len(counts) <= most else names.where(names.isin(counts.index[:most]))


def _groups(rows: pd.DataFrame, groups: Sequence[str]) -> pd.Series:
    found = groups[0] + " " + label_texts(rows[groups[0]]).fillna(MISSING)
    for name in groups[1:]:
        found = found + f", {name} " + label_texts(rows[name]).fillna(MISSING)
    return _frequent(found, MOST_GROUPS)
