"""What an error looks like: one shape for each kind of route, whatever went wrong and wherever."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from seedling.config import Project
from seedling.data.example_rows import example
from seedling.errors import InputError
from seedling.registry import model_files
from seedling.serving.app import create_app
from seedling.serving.encoding import ENCODER
from seedling.serving.inputs import json_value
from seedling.serving.refusals import error_code
from seedling.testing import first_model

JSON, CSV = "application/json", "text/csv"


@pytest.fixture(scope="module")
def app_client(trained: Project) -> FlaskClient:
    return create_app(trained, environment="").test_client()


@pytest.fixture(scope="module")
def row(trained: Project) -> dict[str, Any]:
    (registered,) = trained.config.models
    return example(model_files.read_schema(trained.model_path(registered))[0].features)


@pytest.fixture
def routed(trained: Project, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A service whose routes of ROUTES have paths that tell nothing."""

    def good(message: Any) -> Any:
        return {"predictions": [float("nan")]}

    def bad(message: Any) -> Any:
        raise ValueError("never said")

    own: dict[str, Callable[[Any], Any]] = {"income": good, "mine/go": bad}
    monkeypatch.setattr("seedling.serving.routes.named", lambda text: own)
    return create_app(trained, environment="").test_client()


@pytest.mark.parametrize("path", ["/income", "/income/", "/mine/go"])
def test_a_route_of_routes_answers_errors_in_a_payload_whatever_its_path(
    routed: FlaskClient, path: str
) -> None:
    for status, response in (
        (400, routed.post(path, data=b"{")),
        (400, routed.post(path, json=[])),
        (405, routed.get(path)),
        (403, routed.post(path, json={}, headers={"Host": "elsewhere.example"})),
    ):
        assert response.status_code == status
        payload = response.get_json()["payload"]
        assert payload["success"] is False
        assert payload["error"].endswith(".")


def test_a_function_of_routes_that_raises_answers_500_in_a_payload(routed: FlaskClient) -> None:
    response = routed.post("/mine/go", json={"instances": []})
    assert response.status_code == 500
    assert response.get_json()["payload"]["success"] is False
    assert b"never said" not in response.data


def test_a_number_that_is_not_finite_is_null_in_every_answer(routed: FlaskClient) -> None:
    response = routed.post("/income", json={"instances": []})
    assert json.loads(response.data) == {"payload": {"predictions": [None]}}
    assert json.loads(ENCODER.encode([float("nan"), float("inf"), -float("inf")])) == [None] * 3


def mlflow_bodies(row: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What MLflow's own tests send to its server and want refused, by kind: type and body."""
    names, values = list(row), [*row.values()]
    table = {"columns": names, "data": [values]}
    bodies: dict[str, tuple[str, Any]] = {
        "a list that is empty": (JSON, []),
        "a text": (JSON, "instances"),
        "no key that is known": (JSON, {"rows": [row]}),
        "records as a split": (JSON, {"dataframe_split": [row]}),
        "a split as records": (JSON, {"dataframe_records": table}),
        "an index of another length": (JSON, {"dataframe_split": table | {"index": [0, 1, 2]}}),
        "columns of another length": (JSON, {"dataframe_split": table | {"columns": names[1:]}}),
        "a frame of something else": (JSON, {"dataframe_split": {"columns": ["z"], "data": [[1]]}}),
        "two formats at once": (JSON, {"inputs": [row], "instances": [row]}),
        "columns of uneven length": (JSON, {"inputs": {**row, names[0]: [1, 2], names[1]: [1]}}),
        "a value of another type": (JSON, {"instances": [row | {names[0]: {"a": 1}}]}),
        "a csv of nothing": (CSV, ""),
        "a csv without its columns": (CSV, "z\n1\n"),
    }
    return {
        name: (kind, body if kind == CSV else json.dumps(body))
        for name, (kind, body) in bodies.items()
    } | {"words that are no JSON": (JSON, "this,is,,no,json")}


def test_mlflows_clients_find_the_keys_that_they_read_in_a_refusal(
    app_client: FlaskClient, row: dict[str, Any], trained: Project
) -> None:
    for route in ("/invocations", "/invocations/", f"/{first_model(trained)}/invocations"):
        for name, (kind, body) in mlflow_bodies(row).items():
            response = app_client.post(route, data=body, content_type=kind)
            found = response.get_json()
            assert response.status_code == 400, name
            assert found["error_code"] == "BAD_REQUEST", name
            assert found["message"] == found["error"], name
            assert found["error"].endswith("."), name


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "/invocations", {"Content-Type": "text/plain"}, 415, "BAD_REQUEST"),
        ("GET", "/invocations", {}, 405, "BAD_REQUEST"),
        ("POST", "/nobody/invocations", {"Content-Type": JSON}, 404, "NOT_FOUND"),
        ("POST", "/invocations", {"Host": "a.example"}, 403, "PERMISSION_DENIED"),
    ],
)
def test_every_refusal_of_invocations_has_mlflows_error_code(
    app_client: FlaskClient, method: str, path: str, headers: Any, status: int, code: str
) -> None:
    response = app_client.open(path, method=method, headers=headers, data=b"{}")
    found = response.get_json()
    assert (response.status_code, found["error_code"]) == (status, code)
    assert found["message"] == found["error"]


def test_error_codes_are_names_that_mlflow_knows() -> None:
    from mlflow.protos.databricks_pb2 import ErrorCode

    known = set(ErrorCode.keys())
    for status in range(400, 600):
        assert error_code(status) in known


def test_a_slash_at_the_end_changes_no_answer_and_redirects_nobody(
    app_client: FlaskClient, row: dict[str, Any], trained: Project
) -> None:
    model = first_model(trained)
    for path in ("/ping", "/ready", "/health", "/healthcheck", "/version", "/openapi.json"):
        assert app_client.get(f"{path}/").status_code == app_client.get(path).status_code == 200
    for path in ("/run", "/score", "/invocations", f"/{model}/predict", f"/{model}/score"):
        answers = [app_client.post(where, json=[row]) for where in (path, f"{path}/")]
        if path == "/run":
            answers = [app_client.post(where, json=row) for where in (path, f"{path}/")]
        assert [answer.status_code for answer in answers] == [200, 200]
    twice = app_client.post(f"/{model}//predict", json=[row])
    assert twice.status_code == 404
    assert twice.get_json()["payload"]["error"]
    assert app_client.get("/docs/").headers["Location"] == "../docs"  # a page with relative links


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'["\\ud800"]', "half of a character"),
        (b'{"a": "\\uDC00x"}', "half of a character"),
        (b"[Infinity]", "Infinity is no number; a missing value is null"),
        (b"[NaN, -Infinity]", "-Infinity is no number"),
        (b'["Infinity", nan]', "invalid character"),
        (b'{"a":', "truncated"),
        (b"[1e400]", "out of range"),
        (b'"\xff"', "not UTF-8 text: byte 2"),
        (b"\x1f\x8b\x08\x00", "compressed"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(body: bytes, words: str) -> None:
    with pytest.raises(InputError, match=rf"^The body is .*{words}.*\.$"):
        json_value(body)
