"""Yours: what the service does at start-up and for each call of /run."""

import re
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


class Serve:
    """Answers /run: looks a {{ cookiecutter.__entity }}'s features up in the feature store and asks the model."""

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
        """The features and the outputs for what the caller sent: a {{ cookiecutter.__key }}, or the features."""
        if not user_inputs:
            raise InputError("Give a {{ cookiecutter.__key }}, or the features.")
        if "{{ cookiecutter.__key }}" in user_inputs:
            features = self.look_up(user_inputs["{{ cookiecutter.__key }}"])
        else:
            features = self.model.features(user_inputs)
        return features, self.model.answer(features)

    def run_fake(self, user_inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The shape of a real answer, for app developers: no feature store, no model."""
        features = example_row(self.model.dataset.raw)
        return features, self.model.answer(features)

    def look_up(self, {{ cookiecutter.__key }}: Any) -> dict[str, Any]:
        """The latest features of one {{ cookiecutter.__entity }}."""
        if not re.fullmatch(r"[0-9]{1,18}", str({{ cookiecutter.__key }})):
            raise InputError("{{ cookiecutter.__key }}: expected a whole number.")
        row = first_row(self.sql_engine, FEATURES, {"{{ cookiecutter.__key }}": int({{ cookiecutter.__key }})})
        if row is None:
            raise NotFound(f"The feature store has no {{ cookiecutter.__entity }} with {{ cookiecutter.__key }} {{ "{" }}{{ cookiecutter.__key }}}.")
        missing = [column.name for column in self.model.dataset.raw if column.name not in row]
        if missing:
            raise Unavailable(f"feature_inference_query.sql yields no {', '.join(missing)}.")
        return as_json(row)


if __name__ == "__main__":
    run_here(__file__, "serve-local")
