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
    """Answers /run: the personal data in a text, or in a form of the feature store."""

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
        """The text and what was found in it, for the text that was sent or a form_id."""
        if not user_inputs.keys() & {"text", "form_id"}:
            raise InputError("Give a text, or the form_id of a form in the feature store.")
        given = user_inputs if "text" in user_inputs else self.look_up(user_inputs["form_id"])
        features = self.model.features(given)
        return features, self.model.answer(features)

    def run_fake(self, user_inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The shape of a real answer, for app developers: no feature store, no model."""
        features = example_row(self.model.dataset.raw)
        return features, self.model.answer(features)

    def look_up(self, form_id: Any) -> dict[str, Any]:
        """The text of one form."""
        if not re.fullmatch(r"[0-9]{1,18}", str(form_id)):
            raise InputError("form_id: expected a whole number.")
        row = first_row(self.sql_engine, FEATURES, {"form_id": int(form_id)})
        if row is None:
            raise NotFound(f"The feature store has no form with form_id {form_id}.")
        if "text" not in row:
            raise Unavailable("feature_inference_query.sql yields no text.")
        return as_json(row)


if __name__ == "__main__":
    run_here(__file__, "serve-local")
