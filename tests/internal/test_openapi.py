"""The OpenAPI document allows what the service answers, and describes what it refuses with."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from seedling.config import Project
from seedling.data.example_rows import example
from seedling.registry import model_files
from seedling.serving.app import create_app
from seedling.testing import first_model

pytestmark = pytest.mark.every_vertical


@pytest.fixture(scope="module")
def asked(trained: Project) -> FlaskClient:
    return create_app(trained, environment="").test_client()


def fits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    whole = schema | {"components": document["components"]}
    return bool(Draft202012Validator(whole).is_valid(value))


def test_the_document_is_not_stricter_than_the_service(
    asked: FlaskClient, trained: Project
) -> None:
    (registered,) = trained.config.models
    columns = model_files.read_schema(trained.model_path(registered))[0].features
    row = example(columns)
    gaps = {column.name: row[column.name] for column in columns if not column.nullable}
    named = list(row)
    table = {"columns": named, "data": [[*row.values()]] * 2}
    bodies: list[tuple[str, Any]] = [
        ("/invocations", {"dataframe_records": [row, gaps]}),
        ("/invocations", {"inputs": {name: [value] for name, value in gaps.items()}}),
        ("/invocations", {"dataframe_split": table | {"index": [{}, ["a", 1]]}}),
        ("/invocations", {"instances": [row], "params": {"top": 3}}),
        ("/score", {"dataframe_records": [row, gaps]}),
        ("/score", {"input_data": table | {"index": [{}, None]}}),
        ("/score", {"data": [gaps]}),
    ]
    document = asked.get("/openapi.json").get_json()
    for path, body in bodies:
        content = document["paths"][path]["post"]["requestBody"]["content"]
        assert asked.post(path, json=body).status_code == 200, body
        assert fits(document, content["application/json"]["schema"], body), body


def test_each_refusal_has_the_shape_that_the_document_says(
    asked: FlaskClient, trained: Project
) -> None:
    document = asked.get("/openapi.json").get_json()
    model = first_model(trained)
    for path in ("/score", "/invocations", f"/{model}/predict", f"/{model}/invocations", "/run"):
        responses = document["paths"][path]["post"]["responses"]
        for status, headers in ((400, {}), (403, {"Host": "a.example"})):
            refused = asked.post(path, data="{", headers=headers, content_type="application/json")
            assert refused.status_code == status
            name = responses[str(status)]["$ref"].rpartition("/")[2]
            content = document["components"]["responses"][name]["content"]["application/json"]
            assert fits(document, content["schema"], refused.get_json())
