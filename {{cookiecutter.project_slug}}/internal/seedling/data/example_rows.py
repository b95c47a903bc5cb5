"""A plausible row that follows from the schema alone: for documentation, tests and `run_fake`."""

from collections.abc import Iterable
from typing import Any

from seedling.columns.protocol import Column


def example(features: Iterable[Column]) -> dict[str, Any]:
    """One plausible row, always the same: for documentation, smoke tests and `run_fake`."""
    return {column.name: column.example() for column in features}
