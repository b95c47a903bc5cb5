"""What /run answers: an id that finds its record, and the types that run_fake answers with."""

import datetime
import json
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from seedling import columns
from seedling.columns.protocol import Column
from seedling.config import Project
from seedling.data import feature_store
from seedling.data.example_rows import example
from seedling.serving import run_features
from seedling.serving.app import create_app
from seedling.testing import first_model

pytestmark = pytest.mark.every_vertical
DAY = datetime.date(2024, 5, 1)
MOMENT = datetime.datetime(2024, 5, 1, 8, 30)
# The entry of each type beside its name, and cells that a feature store has for it.
CELLS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "boolean": ({}, [True, 1, 0, 1.0, np.bool_(True), np.int64(0), Decimal(1)]),
    "integer": ({}, [7, 7.0, np.int64(7), np.float64(7), Decimal(7)]),
    "number": ({}, [7, 7.5, np.float32(7.5), Decimal("7.5")]),
    "category": ({"categories": ["a", "1"]}, ["a", 1, 1.0, np.int64(1)]),
    "text": ({"sample": "some words"}, ["other words", 12]),
    "date": ({}, [DAY, "2024-05-01", "2024-05-01 00:00:00", pd.Timestamp(DAY)]),
    "datetime": ({}, [MOMENT, "2024-05-01 08:30:00", pd.Timestamp(MOMENT)]),
    "duration": ({}, [90, 90.5, Decimal(90)]),
}


def column_of(kind: str) -> Column:
    column: Column = columns.read({"name": "x", "type": kind, **CELLS[kind][0]})
    return column


def test_every_column_type_has_cells_here() -> None:
    assert {*CELLS} == {*columns.names()}


@pytest.mark.parametrize("kind", CELLS)
def test_run_answers_the_type_of_run_fake_whatever_the_store_has_for_it(kind: str) -> None:
    column = column_of(kind)
    wanted = json.loads(json.dumps(example([column])))["x"]
    for cell in CELLS[kind][1]:
        found = run_features.typed({"x": cell}, [column])
        assert type(found["x"]) is type(wanted), cell
        assert run_features.typed([{"x": cell}], [column]) == [found]


@pytest.mark.parametrize("kind", CELLS)
def test_gaps_misfits_and_other_names_stay_as_they_are(kind: str) -> None:
    row = {"x": None, "y": {"more": 1}}
    assert run_features.typed(row, [column_of(kind)]) == row
    odd = {"x": {"not": "a value"}}
    if kind not in ("category", "text"):  # any value has a text
        assert run_features.typed(odd, [column_of(kind)]) == odd
    assert run_features.typed("no row", []) == "no row"


@pytest.fixture
def stored(trained: Project, tmp_path: Path) -> Project:
    """The trained project beside a feature store with the vertical's sample data."""
    from dataset_creation.sample_data import sample_tables

    logged = shutil.ignore_patterns("spool", "predictions.db*", "feature_store.db")
    shutil.copytree(trained.root, tmp_path / "stored", ignore=logged)
    project = Project(tmp_path / "stored")
    feature_store.create_sqlite(project.assets / "feature_store.db", sample_tables())
    return project


def types(value: Any) -> Any:
    """The types of an answer, which may have other labels and numbers."""
    if isinstance(value, dict):
        return {name: types(each) for name, each in value.items()}
    if isinstance(value, list):
        return [types(each) for each in value[:1]]
    return type(value)


def test_run_and_run_fake_answer_the_same_types(stored: Project) -> None:
    (entry, *_) = stored.config.models
    dataset = stored.config.dataset(stored.config.trained_model(entry.model).dataset)
    if len(dataset.entity_key) > 1:
        pytest.skip("test_seeds_page.py asks about its groups")
    (key,) = dataset.entity_key
    training = (stored.root / "dataset_creation" / "dataset_query.sql").read_text(encoding="utf-8")
    rows = feature_store.query(feature_store.connect(stored, read_only=True), training)
    entity = rows.dropna()[key].iloc[0]  # one without gaps
    service = create_app(stored, environment="")
    try:
        real = service.test_client().get(f"/run?{key}={entity}")
        sent = service.test_client().post("/run", json=example(dataset.raw))
        fake = create_app(stored, environment="app-dev").test_client().get(f"/run?{key}=1")
        assert real.status_code == sent.status_code == fake.status_code == 200, real.text
        for name in ("features", "outputs"):
            wanted = types(fake.get_json()[name])
            assert types(real.get_json()[name]) == wanted
            assert types(sent.get_json()[name]) == wanted
    finally:
        service.extensions["service"].stop()


def test_a_query_that_yields_too_few_columns_is_named_with_those_that_lack(
    stored: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the caller who has sent too little."""
    from dataset_creation.sample_data import sample_tables
    from serve import serve

    dataset = stored.config.dataset(stored.config.trained_model(first_model(stored)).dataset)
    gone = next(column.name for column in dataset.raw if column.name not in dataset.entity_key)
    asked = next(iter(next(iter(sample_tables().values())).to_dict("records")))
    others = [column.name for column in dataset.raw if column.name != gone]
    rest = ", ".join(others) or "1 AS other"
    query = f"SELECT {rest} FROM ({serve.FEATURES})"  # noqa: S608 - names of model.yaml
    monkeypatch.setattr(serve, "FEATURES", query)
    app = create_app(stored, environment="")
    try:
        key = {name: str(asked[name]) for name in getattr(serve, "GROUP", dataset.entity_key)}
        answer = app.test_client().get("/run", query_string=key)
    finally:
        app.extensions["service"].stop()
    assert (answer.status_code, answer.get_json()) == (
        503,
        {"error": f"feature_inference_query.sql yields no {gone}."},
    )


def records(project: Project) -> dict[str, str]:
    """The routes of the prediction log's records by their ids."""
    with closing(sqlite3.connect(project.assets / "predictions.db")) as log:
        return dict(log.execute("SELECT id, route FROM predictions").fetchall())


def test_the_id_of_an_answer_finds_its_record_in_the_log(stored: Project) -> None:
    model = first_model(stored)
    dataset = stored.config.dataset(stored.config.trained_model(model).dataset)
    row = example(dataset.raw)
    app = create_app(stored, environment="")
    client: FlaskClient = app.test_client()
    run = client.post("/run", json=row)
    answers = {
        "/run": run,
        "/predict": client.post(f"/{model}/predict", json={"payload": {"instances": [row]}}),
        "/score": client.post("/score", json={"dataframe_records": [row]}),
        "/invocations": client.post("/invocations", json={"dataframe_records": [row]}),
    }
    refused = client.post("/score", json={"dataframe_records": [{"no such": 1}]})
    app.extensions["service"].stop()
    ids = {answer.headers["X-Prediction-ID"]: route for route, answer in answers.items()}
    assert run.headers["X-Prediction-ID"] == run.get_json()["id"]
    assert records(stored) == ids
    assert "X-Prediction-ID" not in refused.headers
