"""A team's own table takes the sample's place: trained, served and asked, no code changed."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from baking import ROOT, run
from baking import verb as begun
from serving import ask, predict, serving
from warm import said, verb

pytestmark = pytest.mark.full

SHARED = ROOT.parent / "shared" / "data"
# Tables with the awkward sides of real ones. The project's own environment can write them all.
TABLES = """
import sys
from pathlib import Path
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

folder, draw = Path(sys.argv[1]), np.random.default_rng(5)

cancer = load_breast_cancer(as_frame=True).frame
cancer["target"] += 1
cancer.to_csv(folder / "breast cancer.tsv", sep="\\t")

wine = load_wine(as_frame=True).frame
wine = wine.rename(columns={"od280/od315_of_diluted_wines": "od280/od315 of diluted wines"})
wine["cultivar"] = wine.pop("target").map({0: "Barolo", 1: "Grignolino", 2: "Barbera"})
wine["bottled"] = pd.Timestamp("1991-07-01")
wine["ash"] = wine["ash"].round().astype("Int64").where(draw.random(len(wine)) < 0.9)
wine["strong"] = (wine["alcohol"] > 13).astype("boolean").where(draw.random(len(wine)) < 0.9)
wine["cellar"] = pd.Categorical(draw.choice(["north", "south"], len(wine)))
wine.to_parquet(folder / "wine.parquet")

rows = 900
income = draw.normal(40_000, 9_000, rows).round(2)
loan = pd.DataFrame({
    "Kunden-ID": [f"K{at:05}" for at in range(rows)],
    "Antragsdatum": pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d"),
    "Land": "DE",
    "Einkommen \u20ac": np.where(draw.random(rows) < 0.1, "?", income.astype(str)),
    "Beruf": draw.choice(["Ärztin", "Bäcker", 'Wirt "Zum Hirsch"', ""], rows),
    "Stammkunde": draw.choice(["True", "False", ""], rows),
    "Entscheid": np.where(income + draw.normal(0, 5_000, rows) > 42_000, "ja", "nein"),
})
loan.to_csv(folder / "loan.csv", sep=";", index=False, encoding="utf-8-sig")

rows, good, bad = 600, "great thanks schön 😀".split(), "broken refund kaputt 😡".split()
angry = draw.random(rows) < 0.4
words = "the box came on a day and I say it is".split()
complaints = pd.DataFrame({
    "customer_id": [f"C{at:03}" for at in draw.integers(0, 200, rows)],
    "written": pd.date_range("2024-01-01", periods=rows).strftime("%d.%m.%Y"),
    "message": [
        " ".join(draw.choice(words, 8)) + ' "' + "\\r\\n".join(draw.choice(said, 2))
        for said in (bad if it else good for it in angry)
    ],
    "zone": [f"zone {at}" for at in draw.integers(0, 80, rows)],
    "answered": np.where(angry ^ (draw.random(rows) < 0.1), "refund", "reply"),
})
complaints.loc[::50, "message"] = None
complaints.to_csv(folder / "complaints.csv", index=False)

load_diabetes(as_frame=True).frame.to_csv(folder / "diabetes.csv", index=False)
"""
ONE, ALL = ["logistic_regression"], ["logistic_regression", "random_forest", "xgboost"]
# Each table's labels, its entity key, columns that are no feature of it, and models to train.
BROUGHT: dict[str, tuple[list[Any], list[str], set[str], list[str]]] = {
    "breast cancer.tsv": ([1, 2], [], {"column_1"}, ONE),
    "wine.parquet": (["Barbera", "Barolo", "Grignolino"], [], {"bottled"}, ALL),
    "loan.csv": (["ja", "nein"], ["Kunden-ID"], {"Land"}, ONE),
    "adult_income.csv": ([0, 1], [], set(), ONE),
    "german_credit.csv": ([1, 2], [], set(), ONE),
}
TARGETS = {
    "wine.parquet": ["--target", "cultivar"],
    "loan.csv": ["--target", "Entscheid"],
    "complaints.csv": ["--target", "answered"],
    "adult_income.csv": ["--target", "income"],
}
REFUSED = {
    "a file that is not there": ("nowhere.csv", [], "There is no file"),
    "a folder without one": ("empty", [], "is a folder without a table"),
    "an empty file": ("empty.csv", [], "is empty: expected column names, then rows"),
    "a header alone": ("header.csv", [], "has no rows"),
    "one column": ("one_column.csv", [], "is its separator a comma?"),
    "bytes that are no text": ("garbage.csv", [], "is no text file"),
    "bytes that are no Parquet": ("garbage.parquet", [], "cannot be read as Parquet"),
    "bytes that are no workbook": ("garbage.xlsx", [], "cannot be read as a workbook"),
    "a format that nobody reads": ("garbage.docx", [], "give a .csv, .tsv, .txt"),
    "a target that is not there": ("breast cancer.tsv", ["--target", "no"], "no column 'no'"),
    "a key that is not there": ("breast cancer.tsv", ["--key", "no"], "no column 'no'"),
    "a target that no name says": ("loan.csv", [], "name it with --target, such as "),
    "a target without classes": ("diabetes.csv", [], "add-dataset --task regression"),
    "a target with one value": ("loan.csv", ["--target", "Land"], "one value only"),
}


@pytest.fixture(scope="module")
def finance(installed) -> Path:
    return installed({"vertical": "finance", "project_name": "Own tables"})


@pytest.fixture(scope="module")
def tables(finance: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every table that there is, and files that are none."""
    folder = tmp_path_factory.mktemp("tables")
    run([finance / ".venv" / "bin" / "python", "-c", TABLES, folder], finance)
    for name in ("adult_income.csv", "german_credit.csv"):
        if (SHARED / name).is_file():
            shutil.copy(SHARED / name, folder / name)
    garbage = bytes(range(256)) * 40
    for name in ("garbage.csv", "garbage.parquet", "garbage.xlsx", "garbage.docx"):
        (folder / name).write_bytes(garbage)
    (folder / "empty").mkdir()
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("a,b,target\n")
    (folder / "one_column.csv").write_text("target\n1\n0\n")
    return folder


@pytest.mark.parametrize("table", BROUGHT)
def test_own_table_is_trained_on_and_served(finance: Path, tables: Path, table: str):
    if not (tables / table).exists():
        pytest.skip(f"there is no {SHARED / table}")
    labels, key, left_out, models = BROUGHT[table]
    dataset = bring(finance, tables / table, *TARGETS.get(table, []))
    assert dataset["target"]["labels"] == labels
    assert dataset["entity_key"] == key
    assert left_out.isdisjoint(feature["name"] for feature in dataset["features"])
    verb(finance, "validate-datasets")
    verb(finance, "train", *(word for model in models for word in ("--model", model)))
    with serving(finance) as address:
        for model in models:
            ask_about(address, model, dataset)


def test_texts_days_and_repeated_keys_are_answered_alike_by_every_door(finance: Path, tables: Path):
    dataset = bring(finance, tables / "complaints.csv", *TARGETS["complaints.csv"])
    assert dataset["entity_key"] == ["customer_id"]
    types = {feature["name"]: feature["type"] for feature in dataset["features"]}
    assert types == {"written": "date", "message": "text", "zone": "category"}
    models = ["logistic_regression", "xgboost"]
    said = verb(finance, "train", *(word for model in models for word in ("--model", model)))
    assert "no compiled form" not in said
    texts = [
        'a "quoted" word, it\'s \\ broken',
        "broken\r\nand\nlate\ttoday",
        "broken \U0001f621 kaputt \u6f22\u5b57 e\u0301",
        "<script>alert(1)</script>",
        "great " * 15_000,
        "",
        None,
    ]
    rows = [{"written": "2024-03-15", "zone": "zone 1", "message": text} for text in texts]
    source, scored = tables / "texts.csv", tables / "scored.csv"
    with source.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["message", "written", "zone"])
        writer.writeheader()
        writer.writerows(rows)
    with serving(finance) as address:
        for model in models:
            payload = predict(address, model, rows)
            assert payload["predictions"][:2] == ["refund"] * 2
            assert payload["predictions"][4] == "reply"
            assert payload["scores"][5] == payload["scores"][6]  # a missing text is an empty one
            url = f"{address}/{model}/invocations"
            status, answer = ask(
                url, {"dataframe_records": rows}, {"Content-Type": "application/json"}
            )
            assert (status, answer["predictions"]) == (200, payload["predictions"])
            verb(finance, "batch-score", str(source), str(scored), "--model", model)
            with scored.open(encoding="utf-8", newline="") as stream:
                predictions = [line["prediction"] for line in csv.DictReader(stream)]
            assert predictions == payload["predictions"]


def test_own_numbers_are_predicted(installed, tables: Path):
    project = installed({"vertical": "hello_world", "project_name": "Own numbers"})
    dataset = bring(project, tables / "diabetes.csv")
    assert dataset["task"] == "regression"
    verb(project, "validate-datasets")
    verb(project, "train", "--model", "linear_regression")
    features = dataset["features"]
    middle = {one["name"]: (one["minimum"] + one["maximum"]) / 2 for one in features}
    with serving(project) as address:
        payload = predict(address, "linear_regression", [middle])
    assert 0 < payload["predictions"][0] < 400


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_usable_table_is_refused_in_one_line(finance: Path, tables: Path, why: str):
    name, options, reason = REFUSED[why]
    before = contents(finance)
    words = ("create-local-datasets", "--from", str(tables / name), *options, "--yes")
    done = said(finance, *words)
    assert done.returncode == 1
    *reading, error = done.stdout.splitlines()
    assert error.startswith("Error: ")
    assert reason in error
    assert len(reading) <= 1, done.stdout  # how the file was read
    assert not any("Error" in line for line in reading)
    assert contents(finance) == before


def test_table_that_comes_back_finds_its_own_champion(finance: Path, tables: Path):
    train = ("train", "--model", "logistic_regression")
    for table in ("loan.csv", "wine.parquet"):
        bring(finance, tables / table, *TARGETS.get(table, []))
        verb(finance, *train)
    dataset = bring(finance, tables / "loan.csv", *TARGETS["loan.csv"])
    assert "Model was not registered" in verb(finance, *train)
    with serving(finance) as address:
        ask_about(address, "logistic_regression", dataset)


def test_projects_own_tests_pass_on_the_table_it_brought(finance: Path, tables: Path):
    bring(finance, tables / "loan.csv", *TARGETS["loan.csv"])
    assert "passed" in begun(finance, "test")


def bring(project: Path, table: Path, *options: str) -> dict[str, Any]:
    """Bring the table; its entry in model.yaml."""
    verb(project, "create-local-datasets", "--from", str(table), *options, "--yes")
    return yaml.safe_load((project / "model.yaml").read_text(encoding="utf-8"))["datasets"][0]


def ask_about(address: str, model: str, dataset: dict[str, Any]) -> None:
    """A row that the schema allows, one with nothing that may be missing, one with new text."""
    row = example(dataset)
    required = {f["name"] for f in dataset["features"] if not f.get("nullable")}
    short = {name: value for name, value in row.items() if name in required}
    texts = {f["name"] for f in dataset["features"] if f["type"] == "category"}
    unseen = {name: "new" if name in texts else value for name, value in row.items()}
    payload = predict(address, model, [row, short, unseen])
    labels = dataset["target"]["labels"]
    assert payload["labels"] == labels
    assert all(label in labels for label in payload["predictions"])
    assert [sum(scores) for scores in payload["scores"]] == pytest.approx([1, 1, 1])
    name = dataset["features"][0]["name"]
    wrong = {"payload": {"instances": [row | {name: [1]}]}}
    status, answer = ask(f"{address}/{model}/predict", wrong)
    assert status == 400
    assert name in answer["payload"]["error"]
    status, answer = ask(f"{address}/{model}/predict", {"payload": {"instances": [row, {}]}})
    assert status == 400
    assert "required" in answer["payload"]["error"]
    assert any(name in answer["payload"]["error"] for name in required)


def example(dataset: dict[str, Any]) -> dict[str, Any]:
    """A row with the first category, or the lowest number, of each feature."""
    known: dict[str, Callable[[dict[str, Any]], Any]] = {
        "category": lambda feature: feature["categories"][0],
        "boolean": lambda feature: True,
        "date": lambda feature: "2024-03-15",
        "integer": lambda feature: feature["minimum"],
        "number": lambda feature: feature["minimum"],
        "text": lambda feature: 'It\'s "broken"',
    }
    return {feature["name"]: known[feature["type"]](feature) for feature in dataset["features"]}


def contents(project: Path) -> dict[str, bytes]:
    """What model.yaml, .env and local_assets hold."""
    files = [project / "model.yaml", project / ".env", *(project / "local_assets").rglob("*")]
    return {str(path): path.read_bytes() for path in files if path.is_file()}
