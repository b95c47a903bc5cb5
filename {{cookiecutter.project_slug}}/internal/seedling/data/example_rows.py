"""Plausible rows that follow from the schema alone: for documentation, tests and `run_fake`."""

from collections.abc import Iterable
from typing import Any

from seedling.config import Column


def example(features: Iterable[Column]) -> dict[str, Any]:
    """One plausible row, always the same: for documentation, smoke tests and `run_fake`."""
    row: dict[str, Any] = {}
    for column in features:
        if column.type == "category":
            row[column.name] = column.categories[0]
        elif column.type == "boolean":
            row[column.name] = True
        else:
            low, high = value_range(column)
            middle = (low + high) / 2
            row[column.name] = round(middle) if column.type == "integer" else round(middle, 2)
    return row


def value_range(column: Column) -> tuple[float, float]:
    """The numbers that the schema allows, 0 to 1 where it does not say."""
    low = column.minimum
    high = column.maximum
    if low is None:
        low = 0.0 if high is None else min(0.0, high)
    if high is None:
        high = max(1.0, low + 1.0)
    return low, high
