"""Yours: what the service does at start-up and for each call of /run."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from seedling import (
    Config,
    Dataset,
    InputError,
    Models,
    NotFound,
    RegisteredModel,
    ServedModel,
    Unavailable,
    as_json,
    example_row,
    first_row,
    run_here,
)

FEATURES = Path(__file__).with_name("feature_inference_query.sql").read_text(encoding="utf-8")
GROUP = ("location", "product_id")


class Serve:
    """Answers /run: looks the latest week of a group up and asks the model."""

    def __init__(
        self,
        config: Config,
        sql_engine: Engine,
        models: Models,
        model_details: list[RegisteredModel],
        dataset_details: list[Dataset],
    ) -> None:
        """Runs once, when the service starts."""
        self.sql_engine = sql_engine
        self.models = models

    @property
    def model(self) -> ServedModel:
        """The best champion, or `serving.model` of model.yaml; self.models["name"] is another."""
        return self.models.best

    def run(self, user_inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The features and the outputs for what the caller sent: location and product_id.

        The rest is looked up, but for what is sent beside them, such as another week or price.
        """
        missing = [name for name in GROUP if not user_inputs.get(name)]
        if missing:
            raise InputError(f"Give a {' and a '.join(missing)}.")
        given = {**user_inputs}
        if not {column.name for column in self.model.dataset.raw} <= given.keys():
            given = {**self.look_up(given), **given}
        features = self.model.features(given)
        return features, self.model.answer(features)

    def run_fake(self, user_inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The shape of a real answer, for app developers: no feature store, no model."""
        features = example_row(self.model.dataset.raw)
        return features, self.model.answer(features)

    def look_up(self, given: dict[str, Any]) -> dict[str, Any]:
        """The features of a location and a product in their latest week."""
        group = {name: str(given[name]) for name in GROUP}
        others = [column.name for column in self.model.dataset.raw if column.name not in given]
        row = first_row(self.sql_engine, FEATURES, group)
        if row is None:
            raise NotFound(
                f"The feature store has no {group['product_id']} in {group['location']}: "
                f"send {', '.join(others)} as well."
            )
        missing = [name for name in others if name not in row]
        if missing:
            raise Unavailable(f"feature_inference_query.sql yields no {', '.join(missing)}.")
        return as_json(row)


if __name__ == "__main__":
    run_here(__file__, "serve-local")
