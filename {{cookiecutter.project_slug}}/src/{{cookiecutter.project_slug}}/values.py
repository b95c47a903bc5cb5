"""Single values and rows without pandas: what the service and the schema share."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from .config import Column

LARGEST = 3e38  # trees compare in single precision


def label_text(value: Any) -> str:
    """A label as text, 1 and 1.0 being the same: a column with gaps turns one into the other."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def plain(value: Any) -> Any:
    """A scalar without numpy: what JSON can carry."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row with plain Python values, None for missing."""
    return {name: plain(value) for name, value in values.items()}


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
