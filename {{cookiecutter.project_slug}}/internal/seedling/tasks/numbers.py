"""Compare answers that are numbers, and describe them in JSON schema."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

NUMBER: dict[str, Any] = {"type": ["number", "null"]}


def largest_difference(
    one: Mapping[str, Any], other: Mapping[str, Any], keys: Iterable[str]
) -> float:
    """Return the largest difference of two answers' numbers, relative to those above 1."""
    worst = 0.0
    for key in keys:
        here, there = one[key], other[key]
        if len(here) != len(there):
            return math.inf
        pairs = [(float(a), float(b)) for a, b in zip(here, there, strict=True)]
        worst = max([worst, *(abs(a - b) / max(1.0, abs(b)) for a, b in pairs)])
    return worst


def column_schema(item: dict[str, Any], description: str = "") -> dict[str, Any]:
    """Return the JSON schema of a list with an item for each row."""
    described = {"description": description} if description else {}
    return {"type": "array", "items": item | described}
