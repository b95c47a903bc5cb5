"""Yours: what the service and your serve.py promise to those who call them."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from seedling import Project, example_row
from seedling.testing import first_model, root

MODEL = first_model(Project(root()))


@pytest.fixture(scope="module")
def row(trained: Project) -> dict[str, Any]:
    """A row that the model can be asked about."""
    dataset = trained.config.trained_model(MODEL).dataset
    return example_row(trained.config.dataset(dataset).features)


def test_a_trained_model_is_ready_to_answer(client: FlaskClient) -> None:
    assert client.get("/ready").get_json()["models"] == {MODEL: "1"}


def test_a_model_answers_at_its_own_route(client: FlaskClient, row: dict[str, Any]) -> None:
    answer = client.post(f"/{MODEL}/predict", json={"payload": {"instances": [row, row]}})
    payload = answer.get_json()["payload"]
    assert len(payload["predictions"]) == 2
    assert (payload["model"], payload["version"]) == (MODEL, "1")


def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    client: FlaskClient, row: dict[str, Any]
) -> None:
    name = next(iter(row))
    wrong = {"payload": {"instances": [row | {name: [1]}]}}
    answer = client.post(f"/{MODEL}/predict", json=wrong)
    assert answer.status_code == 400
    assert name in answer.get_json()["payload"]["error"]


def test_ping(client: FlaskClient) -> None:
    assert client.get("/ping").status_code == 200


def test_run(client: FlaskClient, row: dict[str, Any]) -> None:
    """The features that the model was asked about come back beside its answer."""
    answer = client.post("/run", json=row)
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json().keys() >= {"id", "user_inputs", "features", "outputs"}


def test_run_needs_something_to_go_by(client: FlaskClient) -> None:
    assert client.post("/run", json={}).status_code == 400


def test_run_fake_answers_in_the_same_shape(
    client: FlaskClient, fake_client: FlaskClient, row: dict[str, Any]
) -> None:
    real = client.post("/run", json=row).get_json()
    fake = fake_client.post("/run", json={}).get_json()
    assert fake.keys() == real.keys()
