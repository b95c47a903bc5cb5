"""Scoring script of the model of a run: the deployment's code is the project, the model beside it.

A run folder with a score.py of its own has that deployed instead. Bodies are `{"instances": [rows
by column name]}`, or `{"input_data": {"columns": [...], "data": [...]}}` as Azure's clients send.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
MODEL = "run_model"  # the folder of the MLflow model in the deployment's code

model: Any = None


def init() -> None:
    """Load the model, once, as the container starts."""
    global model
    sys.path[:0] = [str(ROOT), str(ROOT / "internal")]
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(ROOT / MODEL))


def run(data: str) -> Any:
    """Answer the body of a request: `{"predictions": [...]}`, or an error with status 400."""
    from flask import Response

    try:
        rows = _rows(json.loads(data))
    except (ValueError, TypeError, KeyError) as error:
        words = f"The body does not fit the model: {error}"
        return Response(json.dumps({"error": words}), 400, mimetype="application/json")
    return {"predictions": _listed(model.predict(rows))}


def _rows(body: Any) -> Any:
    """Return the table of a body, typed by the model's signature."""
    from mlflow.utils.proto_json_utils import dataframe_from_parsed_json

    schema = model.metadata.get_input_schema()
    if "instances" in body:
        return dataframe_from_parsed_json(body["instances"], "records", schema)
    if "input_data" in body:
        found = {key: body["input_data"][key] for key in ("columns", "data")}
        return dataframe_from_parsed_json(found, "split", schema)
    raise ValueError('it has neither "instances" nor "input_data".')


def _listed(answers: Any) -> list[Any]:
    """Return answers as values of JSON: a table as rows by column name."""
    import numpy as np
    import pandas as pd

    if isinstance(answers, pd.DataFrame):
        found: list[Any] = json.loads(answers.to_json(orient="records"))
    else:
        found = json.loads(pd.Series(np.asarray(answers).tolist()).to_json(orient="values"))
    return found
