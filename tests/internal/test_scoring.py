"""The service: what it answers, and how it refuses."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from seedling.cli import demo
from seedling.columns.protocol import Column
from seedling.config import Project
from seedling.data.example_rows import example
from seedling.registry import model_files
from seedling.serving.app import create_app
from seedling.testing import first_model

pytestmark = pytest.mark.every_vertical


@pytest.fixture(scope="module")
def client(trained: Project) -> FlaskClient:
    return create_app(trained, environment="").test_client()


@pytest.fixture(scope="module")
def route(trained: Project) -> str:
    return f"/{first_model(trained)}/predict"


@pytest.fixture(scope="module")
def features(trained: Project) -> list[Column]:
    (registered,) = trained.config.models
    return model_files.read_schema(trained.model_path(registered))[0].features


def ask(client: FlaskClient, route: str, instances: Any) -> tuple[int, dict[str, Any]]:
    response = client.post(route, json={"payload": {"instances": instances}})
    return response.status_code, response.get_json()["payload"]


def test_the_root_says_what_this_is(client: FlaskClient, trained: Project) -> None:
    answer = client.get("/").get_json()
    assert set(answer) == {"name", "description", "api_version"}
    assert answer["name"] == trained.config.name


def test_it_is_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/health").status_code == 200
    assert client.get("/ready").get_json()["problems"] == {}


def test_a_row_gets_a_prediction_with_model_and_version(
    client: FlaskClient, route: str, features: list[Column]
) -> None:
    status, payload = ask(client, route, [example(features)])
    assert status == 200
    assert len(payload["predictions"]) == 1
    assert payload["version"] == "1"
    for scores in payload.get("scores", []):
        assert sum(scores) == pytest.approx(1)


def test_an_object_a_list_and_a_flat_row_are_the_same(
    client: FlaskClient, route: str, features: list[Column]
) -> None:
    row = example(features)
    values = list(row.values())
    answers = [ask(client, route, instances) for instances in ([row], row, [values], values)]
    assert all(answer == answers[0] for answer in answers)


def test_the_row_that_the_demo_sends_is_answered(
    trained: Project, client: FlaskClient, route: str
) -> None:
    """Days and booleans too, whatever the dataset's file keeps them as."""
    status, payload = ask(client, route, [demo._row(trained, first_model(trained))])
    assert (status, len(payload.get("predictions", []))) == (200, 1), payload


def test_a_row_alone_is_answered_as_in_a_batch(
    client: FlaskClient, route: str, features: list[Column]
) -> None:
    full = example(features)
    gaps = full | {column.name: None for column in features if column.nullable}
    _, alone = ask(client, route, [gaps])
    _, batch = ask(client, route, [full, gaps])
    one, other = batch["predictions"][1], alone["predictions"][0]
    assert one == (other if isinstance(other, list) else pytest.approx(other))
    if alone.get("scores"):
        assert batch["scores"][1] == pytest.approx(alone["scores"][0])


def test_a_category_never_seen_is_answered(
    client: FlaskClient, route: str, features: list[Column]
) -> None:
    row = example(features)
    row |= {column.name: "never seen" for column in features if column.type == "category"}
    assert ask(client, route, [row])[0] == 200


def test_no_rows_get_no_predictions(client: FlaskClient, route: str) -> None:
    status, payload = ask(client, route, [])
    assert (status, payload["predictions"], payload.get("scores", [])) == (200, [], [])


def test_a_wrong_type_is_refused_by_the_name_of_the_field(
    client: FlaskClient, route: str, features: list[Column]
) -> None:
    for column in features:
        row = example(features) | {column.name: {"not": "a value"}}
        status, payload = ask(client, route, [example(features), row])
        assert (status, payload["success"]) == (400, False)
        assert payload["error"].startswith(f"instances[1].{column.name}: expected ")


def test_a_text_is_the_number_that_it_spells(
    client: FlaskClient, route: str, features: list[Column]
) -> None:
    for column in features:
        if column.type in ("integer", "number"):
            row = example(features)
            plain = ask(client, route, [row | {column.name: 1234}])
            spelled = ask(client, route, [row | {column.name: "$1,234.00"}])
            assert plain[0] == spelled[0] == 200
            assert plain[1]["predictions"] == spelled[1]["predictions"]
            in_list = [*(row | {column.name: "1234"}).values()]
            assert ask(client, route, [in_list])[1]["predictions"] == plain[1]["predictions"]
            status, payload = ask(client, route, [row | {column.name: "fifty-one"}])
            assert (status, payload["error"].count(column.name)) == (400, 1)


def test_a_name_that_nobody_knows_is_refused(
    client: FlaskClient, route: str, features: list[Column]
) -> None:
    misspelt = features[0].name + "x"
    status, payload = ask(client, route, [{misspelt: 1}])
    assert status == 400
    assert f"{misspelt}: the model knows no such feature; did you mean" in payload["error"]


def test_a_row_of_the_wrong_length_is_refused(
    client: FlaskClient, route: str, features: list[Column]
) -> None:
    status, payload = ask(client, route, [[*example(features).values(), 1]])
    assert status == 400
    count = len(features)
    assert payload["error"] == f"instances[0]: expected {count} values, got {count + 1}."


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b"\xff", b'{"payload": 3}', b'{"payload": {"instances": "x"}}'],
)
def test_a_bad_body_is_refused_in_a_sentence(client: FlaskClient, route: str, body: bytes) -> None:
    response = client.post(route, data=body)
    assert response.status_code == 400
    assert response.get_json()["payload"]["error"].endswith(".")


def test_a_body_that_is_nested_too_deeply_is_refused(client: FlaskClient, route: str) -> None:
    assert client.post(route, data=b"[" * 100_000).status_code == 400


def test_a_model_that_is_not_there_is_404(client: FlaskClient) -> None:
    status, payload = ask(client, "/nobody/predict", [])
    assert status == 404
    assert "no model 'nobody'" in payload["error"]


def test_a_run_answers_with_features_and_outputs(
    client: FlaskClient, features: list[Column]
) -> None:
    answer = client.post("/run", json=example(features)).get_json()
    assert set(answer) == {"id", "user_inputs", "features", "outputs"}
    assert answer["features"] == example(features)


def test_a_run_that_says_nothing_gets_no_prediction(client: FlaskClient) -> None:
    response = client.get("/run")
    assert response.status_code == 400
    assert response.get_json()["error"].startswith("Give a ")


def test_app_dev_answers_in_the_same_shape_with_nothing_loaded(
    project: Project, client: FlaskClient, features: list[Column]
) -> None:
    fake = create_app(project, environment="app-dev").test_client()
    real = client.post("/run", json=example(features)).get_json()
    answer = fake.get("/run?anything=1").get_json()
    assert set(answer) == set(real)
    assert set(answer["outputs"]) == set(real["outputs"])
    assert fake.get("/ready").status_code == 200


def test_without_a_model_it_is_alive_but_not_ready(project: Project) -> None:
    client = create_app(project, environment="").test_client()
    assert client.get("/health").status_code == 200
    ready = client.get("/ready")
    assert ready.status_code == 503
    assert "run train" in ready.get_json()["problems"]["models"]
    row = example(project.config.datasets[0].raw)
    assert client.post("/run", json=row).status_code == 503


def test_a_model_that_is_not_the_registered_one_is_not_served(project: Project) -> None:
    name = first_model(project)
    folder = project.assets / "models" / "other" / "1"
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    entry = {"name": "other", "model": name, "version": "1", "sha256": "0" * 64}
    project.edit(lambda document: document.update(models=[entry]))
    client = create_app(project, environment="").test_client()
    status, payload = ask(client, f"/{name}/predict", [])
    assert status == 503
    assert "hash differs" in payload["error"]
    assert client.get("/ready").status_code == 503
