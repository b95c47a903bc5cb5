"""What the page and the OpenAPI document say about a served model."""

from collections.abc import Iterable
from typing import NamedTuple

from seedling.config import Dataset


class ModelFacts(NamedTuple):
    """One served version of a model: its schema, and how it did on rows that it had not seen."""

    name: str
    version: str
    description: str
    dataset: Dataset
    metrics: dict[str, float]  # empty where nothing was measured
    holdout_rows: int | None


def by_name(models: Iterable[ModelFacts]) -> dict[str, list[ModelFacts]]:
    """The versions of each model in the order given; the first one's schema speaks for all."""
    found: dict[str, list[ModelFacts]] = {}
    for facts in models:
        found.setdefault(facts.name, []).append(facts)
    return found
