"""Shifts of a column's cells, as `simulate-month` makes them, and the texts that ask for one."""

import re
from typing import Any

import numpy as np
import pandas as pd

from seedling.data.scalars import label_text

MISSING = "missing"  # in place of a value: `missing=10%`
NEW = "new"  # a value that no row has
_share = re.compile(r"(\d+(?:\.\d+)?) ?%").fullmatch
_deviations = re.compile(r"([+-]?\d+(?:\.\d+)?) ?sd").fullmatch
_days = re.compile(r"([+-]?\d+) ?d").fullmatch


def share(text: str) -> float | None:
    """Return the share of rows that `30%` means, above 0 and at most 1; None for another text."""
    found = _share(text)
    number = float(found[1]) / 100 if found else 0.0
    return number if 0 < number <= 1 else None


def deviations(text: str) -> float | None:
    """Return the number of standard deviations of `-0.5sd`; None for another text."""
    found = _deviations(text)
    return float(found[1]) if found else None


def days(text: str) -> int | None:
    """Return the number of days of `30d`; None for another text."""
    found = _days(text)
    return int(found[1]) if found else None


def replaced(
    cells: pd.Series, value: Any, of_rows: float, generator: np.random.Generator
) -> pd.Series:
    """Return n cells, a share of them replaced by one value; None makes them missing.

    A missing cell stays missing, so that only one thing changes.
    """
    chosen = (generator.random(len(cells)) < of_rows) & cells.notna().to_numpy()
    if value is None:
        return cells.mask(chosen)
    return cells.astype(object).mask(chosen, value).infer_objects()


def rarest(cells: pd.Series) -> Any:
    """Return the value that fewest of n cells have; of several, the first by its text.

    Raises:
        ValueError: no cell has a value.
    """
    counts = cells.value_counts()
    if counts.empty:
        raise ValueError("all its values are missing")
    return min(counts.index, key=lambda value: (counts[value], label_text(value)))
