"""Facts about the served models, for the pages, the OpenAPI document and /ready."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from seedling.config import Config, Dataset
from seedling.data.scalars import as_json
from seedling.serving.models import Lineup


class ModelFacts(NamedTuple):
    """One served version of a model: its schema, and its metrics on the holdout."""

    name: str
    version: str
    description: str
    dataset: Dataset
    metrics: dict[str, float]  # empty where nothing was measured
    holdout_rows: int | None


def facts(
    config: Config, lineups: Mapping[str, Lineup], unnamed: str | None = None
) -> list[ModelFacts]:
    """Return the facts of every served version, the models in the order of model.yaml.

    The first one is `unnamed`, the model that answers where a request names none.
    """
    order = [*filter(None, [unnamed]), *(entry.model for entry in config.models)]
    names = sorted(lineups, key=lambda name: order.index(name) if name in order else len(order))
    return [
        ModelFacts(
            name=name,
            version=version.version,
            description=version.registered.description,
            dataset=config.as_sent(version.dataset),
            metrics=as_json(version.measured.metrics),
            holdout_rows=version.measured.holdout_rows,
        )
        for name in names
        for version in lineups[name].versions
    ]


def by_name(models: Iterable[ModelFacts]) -> dict[str, list[ModelFacts]]:
    """Group versions by model, in the order given; the first one's schema is the model's."""
    found: dict[str, list[ModelFacts]] = {}
    for each in models:
        found.setdefault(each.name, []).append(each)
    return found


def roles(config: Config, lineups: Mapping[str, Lineup]) -> dict[str, Any]:
    """Return the version of each champion, and the other versions by their role, if any.

    Returns:
        `models`: the champion's version by model; `challengers`: the share of each version, from 0
        to 1, by model; `shadows`: a list of versions by model.
    """
    found: dict[str, Any] = {
        "models": {name: lineup.champion.version for name, lineup in lineups.items()}
    }
    challengers = {
        name: {version.version: version.registered.share for _, version in lineup.challengers}
        for name, lineup in lineups.items()
        if lineup.challengers
    }
    shadows: dict[str, list[str]] = {}
    for entry in config.models:
        if entry.shadow and entry.model in lineups:
            shadows.setdefault(entry.model, []).append(entry.version)
    if challengers:
        found["challengers"] = challengers
    if shadows:
        found["shadows"] = shadows
    return found
