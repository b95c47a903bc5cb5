"""Several versions of a model at once: who answers whom, and what is logged of it."""

import json
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from seedling.config import Project, RegisteredModel, registrations
from seedling.data.example_rows import example
from seedling.errors import ProjectError
from seedling.files import sha256, write_text
from seedling.registry import model_files
from seedling.registry.open import open_registry
from seedling.serving.app import create_app
from seedling.testing import first_model, invoke

ENTITIES = 200
PATIENCE = 20  # seconds


@pytest.fixture
def two(trained: Project, tmp_path: Path) -> Project:
    """A copy of the trained project with a second version on disk, that nobody asks yet."""
    logged = shutil.ignore_patterns("spool")  # other tests' predictions
    shutil.copytree(trained.root, tmp_path / "project", ignore=logged)
    project = Project(tmp_path / "project")
    (registered,) = project.config.models
    first = project.model_path(registered)
    second = first.with_name("2")
    shutil.copytree(first, second)
    write_text(second / "note.txt", "a file more, so that its hash is another")
    return project


def name(project: Project, **role: Any) -> None:
    """Register the second version on this machine, with this role."""
    champion = project.config.models[0]
    second = project.model_path(champion).with_name("2")
    entry = {"name": champion.name, "model": champion.model, "version": "2", **role}
    added = {**entry, "sha256": sha256(second)}
    registrations.edit_here(project, champion.model, lambda entries: [entries[0], added])


def rows(project: Project) -> list[dict[str, Any]]:
    """The same features for many entities; without a key, many features."""
    registered = project.config.models[0]
    dataset, _ = model_files.read_schema(project.model_path(registered))
    usual = example(dataset.features)
    if dataset.entity_key:
        keys = dataset.entity_key
        return [{**usual, **dict.fromkeys(keys, number)} for number in range(ENTITIES)]
    column = next(each for each in dataset.features if each.type in ("integer", "number"))
    return [{**usual, column.name: number} for number in range(ENTITIES)]


def ask(client: FlaskClient, project: Project, instances: list[dict[str, Any]]) -> dict[str, Any]:
    route = f"/{first_model(project)}/predict"
    response = client.post(route, json={"payload": {"instances": instances}})
    assert response.status_code == 200, response.text
    payload: dict[str, Any] = response.get_json()["payload"]
    return payload


def served(project: Project, monkeypatch: pytest.MonkeyPatch, log: str = "off") -> FlaskClient:
    monkeypatch.setenv("PREDICTION_LOG", log)
    return create_app(Project(project.root), environment="").test_client()


def wait_for_warning(client: FlaskClient, *expected: str) -> None:
    """Until /ready warns of this, by name and words; it stays ready meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while True:
        ready = client.get("/ready")
        assert ready.status_code == 200
        warnings = ready.get_json().get("warnings", {})
        if expected and expected[1] in warnings.get(expected[0], ""):
            return
        if not expected and not warnings:
            return
        assert time.monotonic() < deadline, warnings
        time.sleep(0.1)


def test_an_entity_is_always_answered_by_the_same_version(
    two: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    name(two, share=0.3)
    client = served(two, monkeypatch)
    instances = rows(two)
    payload = ask(client, two, instances)
    versions = payload["versions"]
    assert payload["version"] is None
    assert 0.15 < versions.count("2") / ENTITIES < 0.45
    alone = [ask(client, two, [row]) for row in instances[:20]]
    assert [answer["version"] for answer in alone] == versions[:20]
    name(two, share=0.6)
    more = ask(served(two, monkeypatch), two, instances)["versions"]
    assert all(now == "2" for before, now in zip(versions, more, strict=True) if before == "2")
    assert more.count("2") > versions.count("2")


def test_both_versions_answer_as_one_would(two: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    instances = rows(two)[:30]
    one = ask(served(two, monkeypatch), two, instances)
    name(two, share=0.5)
    both = ask(served(two, monkeypatch), two, instances)
    assert both["predictions"] == one["predictions"]
    assert both["scores"] == one["scores"]
    assert "versions" not in one


def test_a_shadow_answers_to_the_log_only(two: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    name(two, shadow=True)
    client = served(two, monkeypatch, "sqlite:///local_assets/log.db")
    payload = ask(client, two, rows(two)[:3])
    client.application.extensions["service"].stop()
    assert payload["version"] == "1"
    with sqlite3.connect(two.assets / "log.db") as log:
        found = log.execute("SELECT role, version, features, outputs FROM predictions").fetchall()
    spoken = {role: [row[2:] for row in found if row[0] == role] for role in ("served", "shadow")}
    assert sorted(spoken["served"]) == sorted(spoken["shadow"])
    assert sorted(row[:2] for row in found) == [("served", "1"), ("shadow", "2")]


def test_a_new_share_is_taken_over_while_serving(
    two: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = served(two, monkeypatch)
    assert "challengers" not in client.get("/ready").get_json()
    name(two, share=0.5)
    deadline = time.monotonic() + PATIENCE
    while "challengers" not in client.get("/ready").get_json():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert set(ask(client, two, rows(two))["versions"]) == {"1", "2"}
    text = two.config_path.read_text(encoding="utf-8")
    write_text(two.config_path, text + "\nwrong: key\n")
    wait_for_warning(client, "model.yaml", "wrong")
    write_text(two.config_path, text)
    noted = two.registrations_path.read_text(encoding="utf-8")
    first, second = (entry.sha256 for entry in two.config.models)
    write_text(two.registrations_path, noted.replace(first, second[::-1]))
    wait_for_warning(client, first_model(two), "hash differs")
    assert ask(client, two, rows(two)[:20])["predictions"]
    write_text(two.registrations_path, noted)
    wait_for_warning(client)
    client.application.extensions["service"].stop()


def test_a_version_that_asks_another_question_answers_nobody(
    two: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = two.model_path(two.config.models[0]).with_name("2")
    schema = json.loads((second / "schema.json").read_text(encoding="utf-8"))
    del schema["dataset"]["features"][0]
    write_text(second / "schema.json", json.dumps(schema))
    name(two, share=0.9)
    client = served(two, monkeypatch)
    ready = client.get("/ready")
    assert ready.status_code == 200
    (words,) = ready.get_json()["warnings"].values()
    assert "has other features" in words
    assert ask(client, two, rows(two)[:20])["version"] == "1"


def test_no_rows_are_nobodys(two: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    name(two, share=0.5)
    response = served(two, monkeypatch).post("/invocations", json={"instances": []})
    assert (response.status_code, response.get_json()) == (200, {"predictions": []})
    assert "X-Model-Version" not in response.headers


def test_traffic_names_a_registered_version(two: Project) -> None:
    champion = two.config.models[0]
    registry = open_registry(two)
    registry.register(champion.name, two.model_path(champion).with_name("2"), {})
    registry.set_champion(champion.name, "1")
    before = two.config_path.read_text(encoding="utf-8")
    result = invoke(two, "traffic", champion.model, "--version", "2", "--share", "0.1")
    assert result.exit_code == 0, result.output
    assert "10% of the entities" in result.stdout
    assert "90% of the entities: the champion" in result.stdout
    for role in ("--shadow", "--remove"):
        assert invoke(two, "traffic", champion.model, "--version", "2", role).exit_code == 0
    assert two.config_path.read_text(encoding="utf-8") == before
    result = invoke(two, "traffic", champion.model, "--version", "2", "--champion")
    assert result.exit_code == 0, result.output
    (entry,) = Project(two.root).config.models
    assert (entry.version, entry.is_champion) == ("2", True)
    assert entry.description == champion.description
    found = registry.champion(champion.name)
    assert found is not None
    assert found.version == "2"


def test_traffic_refuses_what_is_not_there(two: Project) -> None:
    model = first_model(two)
    missing = invoke(two, "traffic", model, "--version", "9", "--share", "0.1")
    assert (missing.exit_code, missing.stderr.count("no version '9'")) == (1, 1)
    champion = invoke(two, "traffic", model, "--version", "1", "--shadow")
    assert "Version 1 is the champion" in champion.stderr
    for words in (["--version", "1", "--shadow"], []):
        nobody = invoke(two, "traffic", "nobody", *words)
        assert "run train" in nobody.stderr
    nameless = invoke(two, "traffic", "--version", "1", "--champion")
    assert (nameless.exit_code, nameless.stderr.count("Name the model")) == (2, 1)


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        (({}, {}), "needs one version that has neither share nor shadow"),
        (({"share": 0.5}, {"share": 0.5}), "needs one version"),
        (({}, {"share": 0.7}, {"share": 0.7}), "more than 1"),
        (({}, {"share": 0.1, "shadow": True}), "share or shadow, not both"),
    ],
)
def test_roles_that_do_not_fit_are_refused(
    project: Project, roles: tuple[dict[str, Any], ...], words: str
) -> None:
    model = first_model(project)
    entries = [
        {"name": "x", "model": model, "version": str(at), "sha256": "0" * 64, **role}
        for at, role in enumerate(roles)
    ]
    with pytest.raises(ProjectError, match=words):
        project.edit(lambda document: document.update(models=entries))


def test_a_role_is_in_words() -> None:
    entry = {"name": "x", "model": "x", "version": "1", "sha256": "0" * 64}
    assert RegisteredModel(**entry).is_champion
    assert not RegisteredModel(**entry, share=0.0).is_champion
