"""Derived features: what is computed in training is computed for every caller, from raw columns."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from seedling.config import Dataset, Project
from seedling.data import datasets, derived, split
from seedling.data.expressions import Kind, read
from seedling.errors import InputError, ProjectError
from seedling.files import write_text
from seedling.serving.app import create_app
from seedling.serving.inputs import Reader
from seedling.testing import copy_project, first_model, invoke, run_verb

KINDS: dict[str, Kind] = {"weight": "number", "height": "number", "town": "text", "2nd": "number"}
NUMBERS = (1.0, 2.5, -3.0, 0.0, None, 1e200, 800.0)
EXPRESSIONS = [
    "weight / height ** 2",
    "weight ** 0.5 + height ** 3",
    "`2nd` * 1.1 - -weight",
    "where(weight > 2, weight, height)",
    "town == 'a'",
    "town in ['a', 'b'] and weight != 2.5",
    "weight if town == 'a' else height",
    "'heavy' if weight > 2 else town",
    "round(weight * 1.2345, 2) + round(height)",
    "log(weight) + sqrt(height) + exp(`2nd`)",
    "min(weight, height, 3) - max(weight, 1)",
    "abs(1 < weight <= 5 or not height)",
    "weight // height + weight % height",
    "exp(weight) * 1e300 * 1e300",
]
PEOPLE = {
    "name": "people",
    "source": "people.csv",
    "file_name": "people.parquet",
    "version": "1",
    "task": "classification",
    "entity_key": ["id"],
    "target": {"name": "ill", "type": "category", "labels": [0, 1], "positive": 1},
    "metric": "roc_auc",
    "features": [
        {"name": "weight", "type": "number", "minimum": 40, "maximum": 140},
        {"name": "bmi", "type": "number", "nullable": True},
        {"name": "month", "type": "integer", "derived": True},
    ],
    "inputs": [
        {"name": "height", "type": "number", "minimum": 0, "maximum": 2.1},
        {"name": "signup", "type": "text", "sample": "2024-01-31"},
    ],
    "derived": {"square": "height ** 2", "bmi": "weight / square"},
}
NUMBER = {"task": "regression", "metric": "rmse", "target": {"name": "ill", "type": "number"}}
DERIVE = '''"""Yours: columns that are computed from others."""

import pandas as pd


def derive(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(month=pd.to_datetime(rows["signup"]).dt.month, weight=-1)
'''
ROW = {"weight": 80, "height": 1.6, "signup": "2024-05-03"}


def people(count: int = 200) -> pd.DataFrame:
    numbers = np.arange(count)
    height = 1.5 + numbers % 7 / 10
    weight = 50.0 + numbers * 13 % 60
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(numbers * 3, unit="D")
    ill = (weight / height**2 > 26).astype(int) ^ (numbers % 9 == 0)
    columns = {"id": numbers, "weight": weight, "height": height, "ill": ill}
    return pd.DataFrame({**columns, "signup": days.strftime("%Y-%m-%d")})


@pytest.fixture(scope="module")
def trained_on_people(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has learned from derived columns."""
    project = copy_project(tmp_path_factory.mktemp("derived") / "project")
    people().to_csv(project.root / "people.csv", index=False)
    (project.root / "features").mkdir()
    write_text(project.root / "features" / "derive.py", DERIVE)

    def edit(document: Any) -> None:
        is_number = document["datasets"][0]["task"] == "regression"
        document["datasets"] = [PEOPLE | NUMBER if is_number else PEOPLE]
        document["training"]["models"] = document["training"]["models"][:1]
        document["training"]["models"][0]["dataset"] = "people"

    project.edit(edit)
    for verb in ("create-local-datasets", "validate-datasets", "train"):
        words = ["--model", first_model(project)] if verb == "train" else []
        done = run_verb(project, verb, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    return Project(project.root)


@pytest.fixture(scope="module")
def client(trained_on_people: Project) -> Iterator[FlaskClient]:
    app = create_app(trained_on_people, environment="")
    yield app.test_client()
    app.extensions["service"].stop()


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_is_the_same_by_row_and_by_column(text: str) -> None:
    expression = read(text, KINDS)
    rows = [
        {"weight": one, "height": other, "2nd": other, "town": town}
        for one in NUMBERS
        for other in NUMBERS
        for town in ("a", "z", None)
    ]
    columns = {
        name: np.array(
            [math.nan if row[name] is None and kind == "number" else row[name] for row in rows],
            dtype="float64" if kind == "number" else object,
        )
        for name, kind in KINDS.items()
    }
    by_column = np.asarray(expression.by_column(columns)).tolist()
    by_row = [expression.by_row(row) for row in rows]
    assert [None if value != value else value for value in by_column] == by_row
    assert None in by_row


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("weight.real", "weight.real is nothing that an expression may have"),
        ("__import__('os').system('ls')", "there is no function __import__('os').system"),
        ("open('x')", "there is no function open; there are abs, exp"),
        ("[weight for weight in town]", "is nothing that an expression may have"),
        ("(lambda: 1)()", "there is no function lambda: 1"),
        (
            "weigth + 1",
            "no column weigth of numbers or texts to compute it from; did you mean weight",
        ),
        ("weight +", "'weight +' is no expression"),
        ("town + 1", "town is text: only == and in compare texts"),
        ("town < 'b'", "town is text"),
        ("town == 1", "town cannot be compared with 1"),
        ("min(weight)", "min is given other arguments"),
        ("-" * 900 + "1", "it is nested too deeply"),
        ("9" * 500, "it has a number that is too large"),
    ],
)
def test_what_is_no_arithmetic_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - its words are compared below
        read(text, KINDS)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"derived": {"bmi": "weigth"}}, "derived: bmi: there is no column weigth"),
        ({"derived": {"bmi": "ill"}}, "derived: bmi: there is no column ill"),
        ({"derived": {"bmi": "bmi + 1"}}, "derived: bmi: there is no column bmi"),
        ({"derived": {"bmi": "'x'"}}, "derived: bmi is a text, not a number"),
        ({"derived": {"height": "weight"}}, "derived: height"),
        ({"derived": {"month": "weight"}}, "derived: month has an expression, and is marked"),
        ({"inputs": [], "derived": {}, "features": PEOPLE["features"][2:]}, "all features are de"),
    ],
)
def test_a_schema_that_cannot_be_computed_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Dataset.model_validate({**PEOPLE, **changed})


def test_a_caller_gets_the_answer_that_training_would_give(
    client: FlaskClient, trained_on_people: Project
) -> None:
    dataset = trained_on_people.config.datasets[0]
    model = first_model(trained_on_people)
    table = datasets.load(trained_on_people, dataset)
    assert {"bmi", "month"} <= set(table)
    rows = [{**ROW, "weight": weight} for weight in (80, 120.5)]
    found = client.post(f"/{model}/predict", json=rows).get_json()["payload"]
    served = client.application.extensions["service"].models[model]
    direct = served.lineup.champion.answer([(w, w / (1.6 * 1.6), 5) for w in (80, 120.5)])
    assert found["predictions"] == pytest.approx(direct["predictions"])
    assert np.array(found["scores"]) == pytest.approx(np.array(direct["scores"]))
    one = client.post("/run", json=ROW).get_json()
    assert one["features"] == ROW  # what was sent
    said = "scores" if found["scores"] else "predictions"
    assert one["outputs"][said][0] == pytest.approx(found[said][0])
    for body in ({"dataframe_records": rows}, {"instances": rows}, [[*ROW.values()]]):
        again = client.post("/invocations", json=body).get_json()["predictions"]
        assert again == found["predictions"][: len(again)]
    write_table(trained_on_people, rows)
    done = invoke(trained_on_people, "batch-score", "rows.csv", "scored.csv")
    assert done.exit_code == 0, done.output
    with (trained_on_people.root / "scored.csv").open(encoding="utf-8", newline="") as stream:
        scored = list(csv.DictReader(stream))
    assert [line["prediction"] for line in scored] == [str(each) for each in found["predictions"]]


def write_table(project: Project, rows: list[dict[str, Any]]) -> None:
    pd.DataFrame(rows).to_csv(project.root / "rows.csv", index=False)


def test_what_the_service_computes_is_not_asked_for(
    client: FlaskClient, trained_on_people: Project
) -> None:
    model = first_model(trained_on_people)
    refused = client.post(f"/{model}/predict", json=ROW | {"bmi": 3})
    assert refused.status_code == 400
    assert "bmi: the service computes it; send weight, height, signup" in refused.text
    row = client.get("/openapi.json").get_json()["components"]["schemas"][f"{model}.Features"]
    assert set(row["properties"]) == {"weight", "height", "signup", "id", "ill"}
    assert "bmi = weight / square, month" in row["description"]
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert "bmi = weight / square, month" in page
    assert 'data-name="bmi"' not in page


def test_a_value_that_derive_does_not_take_is_refused(client: FlaskClient) -> None:
    refused = client.post("/score", json=ROW | {"signup": "some day"})
    assert refused.status_code == 400
    assert "month: features/derive.py fails: DateParseError" in refused.text


def test_no_quotient_by_zero_is_a_missing_value_and_no_error(client: FlaskClient) -> None:
    assert client.post("/score", json=ROW | {"height": 0}).status_code == 200


def test_expressions_need_no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    features = [*PEOPLE["features"][:2]]
    plain = Dataset.model_validate({**PEOPLE, "features": features, "inputs": PEOPLE["inputs"][:1]})
    reader = Reader(plain)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    (values,) = reader.values(reader.body(json.dumps({"weight": 81, "height": 1.8}).encode()))
    assert values == (81, 81 / (1.8 * 1.8))


def test_a_model_keeps_the_derive_that_it_learned_with(trained_on_people: Project) -> None:
    (entry,) = trained_on_people.config.models
    folder = trained_on_people.model_path(entry)
    assert (folder / "derive.py").read_text(encoding="utf-8") == DERIVE
    dataset = trained_on_people.config.datasets[0]
    ((_, _, month),) = derived.of_model(folder, dataset).values([(80, 1.6, "2024-05-03")])
    assert month == 5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "return rows.assign(month=range(len(rows)))",
            "of row 2 is 0.0 alone and 1.0 in the table",
        ),
        ("return rows.head(1)", "must return a table with the rows it was given"),
        ("return rows", "derive returns no column month"),
        ("return rows['nothing']", "fails: KeyError: 'nothing'"),
    ],
)
def test_a_derive_that_a_row_alone_would_belie_is_refused(
    tmp_path: Path, body: str, words: str
) -> None:
    write_text(tmp_path / "derive.py", f"def derive(rows):\n    {body}\n")
    derivation = derived.of_model(tmp_path, Dataset.model_validate(PEOPLE))
    with pytest.raises(ProjectError) as refused:
        derivation.refuse_other_alone(derivation.table(people(5)))
    assert words in str(refused.value)


def test_derived_columns_move_no_row_to_the_other_side() -> None:
    dataset = Dataset.model_validate({**PEOPLE, "entity_key": []})
    rows = people(60)
    with_bmi = rows.assign(bmi=rows["weight"] / rows["height"] ** 2, month=1)
    before, after = (split.hold_out(table, dataset, 0.2)[1].index for table in (rows, with_bmi))
    assert list(before) == list(after)


def test_a_required_derived_feature_without_its_input_is_named() -> None:
    reader = Reader(Dataset.model_validate({**PEOPLE, "features": PEOPLE["features"][:2]}))
    with pytest.raises(InputError, match="height, signup: required, and missing"):
        reader.body(b'{"weight": 3}')


def test_update_schema_proposes_what_derive_and_expressions_compute(tmp_path: Path) -> None:
    """Also the column of the table that only `derive` reads, which the proposal had left out."""
    project = copy_project(tmp_path / "project")
    people().to_csv(project.root / "people.csv", index=False)
    (project.root / "features").mkdir()
    write_text(project.root / "features" / "derive.py", DERIVE)
    raw = [{"name": "weight", "type": "number", "minimum": 0, "maximum": 140}]
    raw.append({"name": "height", "type": "number", "minimum": 0, "maximum": 2.1})
    entry = {**PEOPLE, "features": raw, "ignored": ["signup"]}
    del entry["inputs"]

    def edit(document: Any) -> None:
        document["datasets"] = [entry]
        document["training"]["models"] = document["training"]["models"][:1]
        document["training"]["models"][0]["dataset"] = "people"

    project.edit(edit)
    done = invoke(project, "update-schema", "--add-columns", "--yes")
    assert done.exit_code == 0, done.output
    assert "bmi: new column, number" in done.output
    assert "signup: an input of features/derive.py" in done.output
    dataset = Project(project.root).config.datasets[0]
    assert dataset.feature_names == ["weight", "height", "bmi", "month"]
    assert dataset.computed == ["bmi", "month"]
    assert [column.name for column in dataset.raw] == ["weight", "height", "signup"]
    assert dataset.ignored == []
    again = invoke(Project(project.root), "update-schema", "--yes")
    assert "0 differences" in again.output


def test_update_schema_shows_what_derive_lost_and_proposes_nothing_impure(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    people().to_csv(project.root / "people.csv", index=False)
    (project.root / "features").mkdir()
    body = "rows.assign(rank=rows['weight'].rank(), half=rows['weight'] / 2)"
    write_text(project.root / "features" / "derive.py", f"def derive(rows):\n    return {body}\n")

    def edit(document: Any) -> None:
        document["datasets"] = [PEOPLE]
        document["training"]["models"] = document["training"]["models"][:1]
        document["training"]["models"][0]["dataset"] = "people"

    project.edit(edit)
    words = ("update-schema", "--add-columns", "--yes")
    done = invoke(project, *words)
    assert done.exit_code == 0, done.output
    assert "month: features/derive.py computes no such column any more" in done.output
    assert "month (--drop-gone removes them)" in done.output
    assert "rank: no feature, is 1.0 in row 1 alone, and " in done.output
    assert Project(project.root).config.datasets[0].feature_names == [
        *("weight", "bmi", "month", "half")
    ]
    assert invoke(Project(project.root), *words, "--drop-gone").exit_code == 0
    dataset = Project(project.root).config.datasets[0]
    assert dataset.feature_names == ["weight", "bmi", "half"]
