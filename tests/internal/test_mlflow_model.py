"""A registered folder is a whole model of MLflow: it answers as the service does, anywhere."""

import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import models
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from small import PETS, pets

from seedling import team_code
from seedling.config import Dataset
from seedling.data import derived
from seedling.data.held_out import HeldOut
from seedling.data.schema import model_frame
from seedling.errors import InputError
from seedling.fitting import preprocessing
from seedling.registry.model_files import Predictor
from seedling.scaffold.ready_models import PREDICT
from seedling.serving.inputs import Reader
from seedling.training import saving
from seedling.training.model_code import ModelCode

MORE = [
    {"name": "chip", "type": "boolean", "nullable": True},
    {"name": "born", "type": "date", "day_first": True},
    {"name": "stay", "type": "duration"},
    {"name": "litter", "type": "integer", "nullable": True},
    {"name": "ward", "type": "category", "categories": ["1", "2"]},
    {"name": "code", "type": "category", "categories": ["A7", "B8"]},
    {"name": "ratio", "type": "number", "nullable": True},
    {"name": "note", "type": "text", "nullable": True},
    {"name": "city", "type": "category", "categories": ["Bern", "Ulm"], "by_target": True},
    {"name": "letters", "type": "integer", "derived": True},
]
SCHEMA = Dataset.model_validate(
    PETS.model_dump()
    | {
        "description": "Pets of a shelter",
        "target": {**PETS.target.model_dump(), "threshold": 0.3, "positive": "yes"},
        "features": [*(column.model_dump() for column in PETS.features), *MORE],
        "derived": {"ratio": "weight / age"},
    }
)
DERIVE = """
def derive(rows):
    return rows.assign(letters=rows["kind"].map(lambda kind: len(kind or "")))
"""
# Where neither this source nor a project can be imported: what `mlflow models predict` calls.
ELSEWHERE = """
import json, sys
sys.path = [path for path in sys.path if "internal" not in path]
import mlflow
from mlflow.pyfunc.scoring_server import _predict

folder, json_file, csv_file = sys.argv[1:]
_predict(folder, json_file, json_file + ".out", "json")
_predict(folder, csv_file, csv_file + ".out", "csv")
pipeline = mlflow.sklearn.load_model(folder)
files = [each.__file__ for name, each in sys.modules.items() if name.startswith("seedling.")]
assert files and all(each.startswith(folder) for each in files), files
"""


def rows() -> pd.DataFrame:
    """Pets with gaps, in the types that their dataset's file has."""
    found = pets(120)
    at = np.arange(len(found))
    found["age"] += 1
    found["weight"] = found["weight"].where(at % 5 > 0)
    found["kind"] = found["kind"].where(at % 7 > 0, None)
    found["chip"] = pd.Series([(True, False, None)[place % 3] for place in at], dtype=object)
    found["born"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(at * 11, unit="D")
    found["stay"] = 3600.0 + at
    found["litter"] = np.where(at % 4 > 0, at % 3 + 1.0, np.nan)
    found["ward"] = at % 2 + 1
    found["code"] = np.where(at % 2, "A7", "B8")
    notes = ('very "tame"\nand quick', "it's never \U0001f600", None)
    found["note"] = pd.Series([notes[place % 3] for place in at], dtype=object)
    found["city"] = np.where(at % 3, "Ulm", "Bern")
    return found


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model that was trained on pets: its folder, and how the service answers by it."""
    home = tmp_path_factory.mktemp("pets")
    (home / "models" / "pets").mkdir(parents=True)
    (home / "models" / "pets" / "best.py").write_text("def best(scores): return scores.argmax(1)")
    source = PREDICT["classification"].replace("scores.argmax(axis=1)", "best(scores)")
    source = source.replace("import pandas as pd", "import pandas as pd\n\nfrom .best import best")
    (home / "models" / "pets" / "predict.py").write_text(source, "utf-8")
    derive = home / "derive.py"
    derive.write_text(DERIVE, encoding="utf-8")
    derivation = derived.Derivation(SCHEMA, team_code.derive(derive), DERIVE)
    table = derivation.table(rows())
    X = model_frame(table, SCHEMA.features)
    model = make_pipeline(preprocessing(X, scale=True), LogisticRegression(max_iter=1000))
    model.fit(X, table["adopted"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "__path__", [str(home / "models")])
        patch.setattr(sys, "path", [*sys.path])
        predict = team_code.predict("pets")
        predictor = Predictor("pets", "1", SCHEMA, HeldOut(0.2), model, predict)
        folder = home / "pets" / "1"
        saving.save(predictor, table.head(), folder, derive)
        import mlflow

        loaded = mlflow.pyfunc.load_model(str(folder))
    reader = Reader(SCHEMA, derivation)

    def served(bodies: list[dict[str, Any]]) -> list[Any]:
        values = reader.values(reader.instances(bodies))
        frame = pd.DataFrame(list(values), columns=SCHEMA.feature_names)
        return list(predictor.answer(frame)["predictions"])

    return SimpleNamespace(folder=folder, loaded=loaded, served=served, predictor=predictor)


def as_json(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as a caller writes them."""
    names = [column.name for column in SCHEMA.raw]
    written = table[names].assign(born=table["born"].dt.strftime("%Y-%m-%d"))
    found: list[dict[str, Any]] = json.loads(written.to_json(orient="records"))
    return found


def test_a_saved_model_answers_the_datasets_own_rows_as_the_service_does(saved: Any) -> None:
    expected = saved.served(as_json(rows()))
    assert list(saved.loaded.predict(rows())) == expected
    assert {"no", "yes"} == set(expected)
    plain = saved.predictor.undecided(saved.predictor.derived(saved_table(saved)))
    assert list(plain["predictions"]) != expected  # the threshold counts


def saved_table(saved: Any) -> pd.DataFrame:
    return derived.of_model(saved.folder, SCHEMA).table(rows())


def test_missing_is_one_thing_however_it_is_written(saved: Any) -> None:
    table = rows()
    expected = list(saved.loaded.predict(table))
    objects = table.astype(dict.fromkeys(["weight", "litter"], object))
    nans = objects.where(table.notna(), np.nan).astype({"weight": float, "litter": float})
    assert list(saved.loaded.predict(nans)) == expected
    gap = table[table["kind"].isna() & table["weight"].isna()].head(1)
    absent = gap.drop(columns=["kind", "weight"])
    assert list(saved.loaded.predict(absent)) == list(saved.loaded.predict(gap))
    X = model_frame(saved_table(saved), SCHEMA.features)
    none = X.assign(kind=X["kind"].astype(object).where(X["kind"].notna(), None))
    pipeline = saved.predictor.model
    assert np.array_equal(pipeline.predict_proba(none), pipeline.predict_proba(X))


def test_whole_numbers_come_with_and_without_gaps(saved: Any) -> None:
    table = rows()
    expected = dict(zip(table.index, saved.loaded.predict(table), strict=True))
    few = table[table["litter"].notna()].sample(9, random_state=1)
    assert (few["age"].dtype, few["litter"].dtype) == (int, float)
    assert list(saved.loaded.predict(few)) == [expected[at] for at in few.index]


def test_whole_numbers_may_be_written_with_a_point_in_what_mlflow_reads(saved: Any) -> None:
    from mlflow.pyfunc.scoring_server import infer_and_parse_data

    schema = saved.loaded.metadata.get_input_schema()
    table = rows().head(5)
    expected = list(saved.loaded.predict(table))
    plain = as_json(table)
    dotted = [row | {"age": float(row["age"]), "ward": float(row["ward"])} for row in plain]
    for sent in (plain, dotted):
        for key in ("dataframe_records", "inputs", "instances"):
            assert list(saved.loaded.predict(infer_and_parse_data({key: sent}, schema))) == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": None}, "code: required, and missing (row 2)"),
        ({"tame": None}, "tame: required, and missing (row 2)"),
        ({"born": None}, "born: required, and missing (row 2)"),
        ({"weight": math.inf}, "weight: 1 cell does not fit (row 2 'inf'): expected a number"),
    ],
    ids=["category", "boolean", "date", "infinite"],
)
def test_what_the_service_refuses_is_refused_with_its_row(
    saved: Any, changes: dict[str, Any], said: str
) -> None:
    table = rows().head(3)
    for name, value in changes.items():
        table[name] = table[name].astype(object)
        table.loc[1, name] = value
    with pytest.raises(InputError, match=said.replace("(", r"\(").replace(")", r"\)")):
        saved.loaded.predict(table)


def test_a_folder_says_what_it_takes_and_returns(saved: Any) -> None:
    metadata = saved.loaded.metadata
    inputs = {each.name: each for each in metadata.get_input_schema()}
    kinds = {name: str(each.to_dict()["type"]) for name, each in inputs.items()}
    assert kinds == {
        "age": "long",
        "weight": "double",
        "kind": "string",
        "tame": "boolean",
        "chip": "string",
        "born": "datetime",
        "stay": "double",
        "litter": "double",
        "ward": "long",
        "code": "string",
        "note": "string",
        "city": "string",
    }
    optional = {name for name, each in inputs.items() if not each.required}
    assert optional == {"weight", "kind", "chip", "litter", "note"}
    (output,) = metadata.get_output_schema()
    assert output.to_dict()["type"] == "string"
    assert metadata.metadata["description"] == "Predicts adopted: Pets of a shelter"
    assert metadata.metadata["Decision"] == "yes from a probability of 0.3"
    example = metadata.load_input_example(str(saved.folder))
    assert list(example.columns) == list(inputs)
    assert len(saved.loaded.predict(example)) == 1


def test_a_folder_answers_where_neither_project_nor_plumbing_can_be_imported(
    saved: Any, tmp_path: Path
) -> None:
    table = rows()
    body = {"dataframe_records": as_json(table)}
    (tmp_path / "x.json").write_text(json.dumps(body), encoding="utf-8")
    table.to_csv(tmp_path / "x.csv", index=False)
    words = [str(saved.folder), str(tmp_path / "x.json"), str(tmp_path / "x.csv")]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = saved.served(as_json(table))
    for name in ("x.json.out", "x.csv.out"):
        assert json.loads((tmp_path / name).read_text())["predictions"] == expected


def test_requirements_name_the_packages_of_pickle_and_team(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    source = "import yaml\nfrom models.shared import twice\n"
    (tmp_path / "models" / "mine" / "predict.py").write_text(source, encoding="utf-8")
    (tmp_path / "models" / "shared.py").write_text("import click\n", encoding="utf-8")
    monkeypatch.setattr(models, "__path__", [str(tmp_path / "models")])
    code = ModelCode()
    code.follow("models.mine.predict")
    assert set(code.files) == {"models/mine/predict.py", "models/shared.py"}
    named = {line.partition("==")[0].lower() for line in code.requirements()}
    assert {"pyyaml", "click", "pandas", "msgspec"} <= named
    assert "xgboost-cpu" not in named
