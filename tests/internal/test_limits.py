"""The time limit of the team's code: what hangs, dies or talks too much harms nobody else."""

import time
from collections.abc import Iterator
from threading import Event, current_thread

import pytest
from flask.testing import FlaskClient

from seedling.config import Project
from seedling.errors import ProjectError, Unavailable
from seedling.serving import limits, routes
from seedling.serving.app import create_app
from seedling.serving.limits import TimeLimit
from seedling.testing import first_model


@pytest.fixture
def limit() -> TimeLimit:
    return TimeLimit()


@pytest.fixture
def client(trained: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setenv("PREDICTION_LOG", "off")
    app = create_app(trained, environment="")
    yield app.test_client()
    app.extensions["service"].stop()


def test_it_gives_back_what_the_function_does(limit: TimeLimit) -> None:
    assert limit.call(5, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        limit.call(5, divmod, 7, 0)
    assert limit.call(5, current_thread).daemon


def test_a_timeout_of_the_functions_own_is_its_own(limit: TimeLimit) -> None:
    def refuse() -> None:
        raise TimeoutError("the store's")

    with pytest.raises(TimeoutError, match="the store's"):
        limit.call(5, refuse)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_would_end_the_process_is_an_error(
    limit: TimeLimit, error: type[BaseException]
) -> None:
    def leave() -> None:
        raise error

    with pytest.raises(RuntimeError, match=error.__name__):
        limit.call(5, leave)


def test_calls_that_never_come_back_are_told_and_replaced(
    limit: TimeLimit, caplog: pytest.LogCaptureFixture
) -> None:
    told, end = [], Event()
    limit.on_exhausted = lambda: told.append("replace me")
    for _ in range(limits.MAX_CALLS):
        assert not limit.exhausted
        with pytest.raises(Unavailable, match="There was no answer within"):
            limit.call(0.01, end.wait)
    assert limit.exhausted
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(Unavailable, match="not returned"):
            limit.call(30, end.wait)
    assert time.monotonic() - began < 30
    assert told == ["replace me"]
    assert len(caplog.records) == 1
    end.set()
    deadline = time.monotonic() + 30
    while limit.exhausted:
        assert time.monotonic() < deadline
    assert limit.call(5, str, 1) == "1"


def test_ready_says_that_calls_do_not_come_back(client: FlaskClient) -> None:
    service = client.application.extensions["service"]
    end = Event()
    for _ in range(limits.MAX_CALLS):
        with pytest.raises(Unavailable):
            service.time_limit.call(0.01, end.wait)
    ready = client.get("/ready")
    assert (ready.status_code, list(ready.get_json()["problems"])) == (503, ["calls"])
    end.set()


def test_an_error_does_not_repeat_all_that_was_sent(client: FlaskClient, trained: Project) -> None:
    name = "a" * 1_000_000
    body = {"payload": {"instances": [{name: 1}]}}
    for response in (
        client.post(f"/{first_model(trained)}/predict", json=body),
        client.post("/run", json={name: 1}),
    ):
        assert response.status_code == 400
        assert len(response.data) < 1000


def test_a_page_of_another_site_may_not_ask(client: FlaskClient) -> None:
    for origin, status in (
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:5111", 200),
    ):
        assert client.get("/", headers={"Origin": origin}).status_code == status


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("score:serve.serve:Serve", "itself has a route /score"),
        ("a<b:serve.serve:Serve", "letters, digits"),
        ("/:serve.serve:Serve", "letters, digits"),
        ("mine:serve.serve:FEATURES", "serve.serve.FEATURES is no function"),
        ("mine:serve.serve", "route:module:function"),
        ("mine:serve.nothing:f", "serve/nothing.py is missing"),
    ],
)
def test_routes_that_cannot_be_are_one_line(
    trained: Project, monkeypatch: pytest.MonkeyPatch, given: str, words: str
) -> None:
    monkeypatch.setenv("ROUTES", given)
    with pytest.raises(ProjectError, match=words):
        create_app(trained, environment="", start=False)


def test_a_route_of_the_teams_own_may_stand_in_for_a_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert list(routes.named("some_model/predict:serve.serve:Serve")) == ["some_model/predict"]
