"""Single values without numpy or pandas: labels as text, rows as JSON."""

import math
from collections.abc import Mapping
from typing import Any

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


def short(value: Any) -> str:
    """A number with four digits, or a whole one with all; a dash for None."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.4g}"
