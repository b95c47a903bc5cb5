"""A plausible row that follows from the schema alone: for documentation, tests and `run_fake`."""

from collections.abc import Iterable
from typing import Any

from seedling.columns.protocol import Column


def example(features: Iterable[Column]) -> dict[str, Any]:
    """Return one row that the schema allows, by feature name; the same on every call."""
    return {column.name: column.example() for column in features}
