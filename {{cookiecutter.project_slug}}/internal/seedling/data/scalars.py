"""Scalars as text and as JSON, without numpy or pandas."""

import math
from collections.abc import Mapping
from typing import Any

MAX_NUMBER = 3e38  # trees compare in single precision


def label_text(value: Any) -> str:
    """Return a label as text; 1 and 1.0 give "1", since a missing value makes integers floats."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def plain(value: Any) -> Any:
    """Return a scalar as JSON holds it: no numpy type, and None for NaN and infinities."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row by column name with plain Python values, None for missing ones."""
    return {name: plain(value) for name, value in values.items()}


def short(value: Any) -> str:
    """Format a number with four digits, a whole one with all; a dash for None."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.4g}"
