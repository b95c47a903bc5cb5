"""One model that holds all groups: proposed, trained, gated, served, scored and explained."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from seedling import testing
from seedling.compiled import compiling, forms
from seedling.config import Dataset, Project
from seedling.data.held_out import HeldOut
from seedling.data.schema import model_frame
from seedling.fitting import GroupedLinear, preprocessing
from seedling.registry.model_files import Predictor
from seedling.serving.app import create_app
from seedling.testing import copy_project, invoke, run_verb

MODEL, GROUPS = "grouped_linear_regression", ["location", "product_id"]
KNOWN = {"location": "south", "product_id": 2, "price": 5.0, "promotion": 1, "season": "high"}
SCHEMA: dict[str, Any] = {
    "name": "sales",
    "source": "sales.csv",
    "file_name": "sales.parquet",
    "version": "1",
    "task": "grouped_regression",
    "metric": "rmse",
    "target": {"name": "units", "type": "number"},
    "groups": GROUPS,
    "features": [
        {"name": "location", "type": "category", "categories": ["north", "south"]},
        {"name": "product_id", "type": "integer"},
        {"name": "price", "type": "number", "nullable": True},
        {"name": "promotion", "type": "integer"},
        {"name": "season", "type": "category", "categories": ["high", "low"], "nullable": True},
    ],
}


def sales(groups: int = 16) -> pd.DataFrame:
    """Rows of groups whose lines are alike; the last has three rows, another a constant price."""
    generator = np.random.default_rng(3)
    found = []
    for number in range(groups):
        count = 3 if number == groups - 1 else int(generator.integers(14, 34))
        level, slope, effect = np.array([50, -3, 8]) + generator.normal(0, [9, 1, 2])
        price = np.full(count, 5.0) if number == 3 else generator.normal(5, 1, count).round(2)
        promotion = generator.integers(0, 2, count)
        season = generator.choice(["low", "high"], count)
        units = level + slope * price + effect * promotion + 4 * (season == "high")
        rows = {"location": ("north", "south")[number % 2], "product_id": number // 2}
        rows |= {"price": price, "promotion": promotion, "season": season}
        found.append(pd.DataFrame(rows).assign(units=units + generator.normal(0, 4, count)))
    return pd.concat(found, ignore_index=True).round(2)


def added(project: Project, table: Path, *words: str) -> Any:
    target = ("--from", str(table), "--target", "units", "--name", "sales", "--yes")
    return invoke(project, "add-dataset", *target, *words)


def trained(project: Project) -> str:
    done = run_verb(project, "train", "--model", MODEL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "sales.csv"
    sales().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory, table: Path) -> tuple[Project, list[str]]:
    """A project that has trained least squares by group, then the pooled model; what it printed."""
    project = copy_project(tmp_path_factory.mktemp("grouped") / "project")
    result = added(project, table, "--groups", ",".join(GROUPS))
    assert result.exit_code == 0, result.output
    assert invoke(project, "add-model", MODEL, "--dataset", "sales").exit_code == 0

    def pooled(kind: str) -> None:
        def edit(document: Any) -> None:
            del document["datasets"][:-1], document["training"]["models"][:-1]
            document["training"]["models"][0]["hyperparameters"]["pooling"] = kind

        project.edit(edit)

    printed = []
    for kind in ("none", "empirical_bayes"):
        pooled(kind)
        printed.append(trained(project))
    return Project(project.root), printed


@pytest.fixture(scope="module")
def client(grouped: tuple[Project, list[str]]) -> Iterator[FlaskClient]:
    app = create_app(grouped[0], environment="dev")
    yield app.test_client()
    app.extensions["service"].stop()


def predicted(client: FlaskClient, *rows: dict[str, Any]) -> dict[str, Any]:
    response = client.post(f"/{MODEL}/predict", json={"payload": {"instances": [*rows]}})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json["payload"]
    return found


def test_a_line_says_which_columns_look_like_groups(project: Project, table: Path) -> None:
    result = added(project, table, "--task", "grouped_regression")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "--groups, such as location,product_id" in line
    result = added(project, table, "--task", "regression", "--groups", "location")
    assert result.stderr == "Error: --groups: this task has no groups: leave the option out.\n"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"groups": []}, "needs groups: a list of location, product_id, promotion, season"),
        ({"groups": ["town"]}, "town is no feature"),
        ({"groups": ["price"]}, "price is a number: groups are of category, text, integer"),
        ({"groups": ["season"]}, "season is nullable"),
        ({"task": "regression"}, "the task regression has no groups"),
        ({"entity_key": GROUPS}, "would hold whole groups out"),
    ],
)
def test_groups_that_make_none_are_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Dataset.model_validate(SCHEMA | changed)


def test_a_fault_names_file_line_and_key(grouped: tuple[Project, list[str]]) -> None:
    project, _ = grouped
    text = project.config_path.read_text(encoding="utf-8")
    try:
        broken = text.replace("groups: [location, product_id]", "groups: [town]")
        project.config_path.write_text(broken, encoding="utf-8")
        result = invoke(project, "validate-datasets")
    finally:
        project.config_path.write_text(text, encoding="utf-8")
    line = 1 + broken[: broken.index("groups: [town]")].count("\n")
    assert f"model.yaml, line {line}, datasets." in result.stderr
    assert re.search(r"datasets\.\d\.groups: town is no feature", result.stderr)


def test_a_key_may_hold_the_groups(project: Project) -> None:
    dataset = Dataset.model_validate(SCHEMA | {"entity_key": [*GROUPS, "week"]})
    assert dataset.entity_key == [*GROUPS, "week"]


def test_both_tables_have_a_row_for_each_group(grouped: tuple[Project, list[str]]) -> None:
    project, _ = grouped
    (entry,) = [one for one in project.config.models if one.model == MODEL]
    keys = sales()[GROUPS].drop_duplicates().shape[0]
    for name in ("coefficient.csv", "rmse.csv"):
        beside = (project.model_path(entry) / name).read_bytes()
        assert beside == (project.assets / "Training_Output" / name).read_bytes()
        assert b"\r" not in beside
        assert beside.count(b"\n") == keys + 1
    columns = pd.read_csv(project.model_path(entry) / "coefficient.csv")
    assert {*GROUPS, "intercept", "price", "se_price", "season_high"} <= {*columns}
    errors = pd.read_csv(project.model_path(entry) / "rmse.csv", keep_default_na=False)
    assert {"few rows", "constant"} <= {*errors["flag"]}
    assert errors["shrinkage"].between(0, 1).all()


def test_the_gate_lists_the_groups_that_got_worse(grouped: tuple[Project, list[str]]) -> None:
    project, (first, second) = grouped
    assert "got worse" not in first
    assert re.search(r"Registered as .*, version 2: rmse \S+ is better than", second)
    line = re.search(r"(\d+) of (\d+) groups got worse than under version 1; most: (.*)", second)
    assert line
    assert re.search(r"location \w+, product_id \d \(rmse \S+, was \S+; \d+ rows?\)", line[3])
    (report,) = re.findall(r"report: (\S+)", second)
    noted = json.loads((project.root / report).with_name("evaluation.json").read_text("utf-8"))
    assert noted["setbacks"]["worse"] == int(line[1]) == len(noted["setbacks"]["listed"])
    assert all(each["error"] > each["champion"] for each in noted["setbacks"]["listed"])
    assert {"rmse", "mean_group_rmse", "mae", "r2", "coverage"} <= {*noted["challenger"]}
    page = (project.root / report).read_text("utf-8")
    for title in ("Where the error is, by group", "What got worse than under version 1"):
        assert title in page
    assert "Coefficients before and after pooling" in page


def test_no_model_is_served_the_plain_way(grouped: tuple[Project, list[str]]) -> None:
    assert all("Served the plain way" not in text for text in grouped[1])


def test_a_group_that_nobody_knows_gets_the_wide_answer(client: FlaskClient) -> None:
    answer = predicted(client, KNOWN, KNOWN | {"location": "west", "product_id": 99})
    assert answer["flags"] == ["", "new"]
    known, unknown = np.subtract(answer["high"], answer["low"])
    assert unknown > 1.5 * known
    for low, prediction, high in zip(
        answer["low"], answer["predictions"], answer["high"], strict=True
    ):
        assert low < prediction < high


def test_a_row_without_its_group_is_refused_in_one_line(client: FlaskClient) -> None:
    for row in ({**KNOWN, "location": None}, {key: KNOWN[key] for key in [*KNOWN][1:]}):
        response = client.post(f"/{MODEL}/predict", json=[row])
        assert response.status_code == 422 or response.status_code == 400
        assert "location: required, and missing" in response.text


def test_the_documents_and_the_page_name_groups_and_flags(client: FlaskClient) -> None:
    assert '"few rows"' in client.get("/openapi.json").text
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert "south" in page
    assert "flags" in page


def test_a_batch_has_the_interval_and_the_flag_of_each_row(
    grouped: tuple[Project, list[str]], client: FlaskClient, tmp_path: Path
) -> None:
    project, _ = grouped
    rows = pd.DataFrame([KNOWN, KNOWN | {"product_id": 77}, KNOWN | {"location": ""}])
    rows.to_csv(tmp_path / "in.csv", index=False)
    out = tmp_path / "out.csv"
    invoke(project, "batch-score", str(tmp_path / "in.csv"), str(out), "--model", MODEL)
    scored = pd.read_csv(out, keep_default_na=False)
    answer = predicted(client, KNOWN, KNOWN | {"product_id": 77})
    assert scored["flags"].tolist() == ["", "new"]
    # The rows of an own table have no key: by their group they are found again.
    assert list(scored.columns[:4]) == ["file", "row", *GROUPS]
    assert scored["product_id"].tolist() == [2, 77]
    assert scored["prediction"].tolist() == answer["predictions"]
    assert scored["low"].tolist() == answer["low"]


def test_new_groups_are_no_problem_and_gaps_are_one_line(
    grouped: tuple[Project, list[str]], tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project")
    project.config_path.write_bytes(grouped[0].config_path.read_bytes())
    project.edit(lambda document: document.update(models=[]))
    more = sales().assign(location="west")
    path = tmp_path / "sales.csv"

    def checked(rows: pd.DataFrame) -> Any:
        rows.to_csv(path, index=False)
        project.edit(lambda document: document["datasets"][-1].update(source=str(path)))
        assert invoke(project, "create-local-datasets", "--dataset", "sales").exit_code == 0
        shown = invoke(project, "validate-datasets").stdout
        return shown[shown.index("sales: ") :]

    assert "location" not in checked(pd.concat([sales(), more]))
    more.loc[0, "location"] = None
    words = "location: a value is missing: a row without it is in no group, mend the source"
    assert f"  {words} (row 1)" in checked(more).splitlines()


NOTEBOOK = f"""
import pandas as pd
from seedling import load_model

model = load_model("{MODEL}")
found = model.predict(pd.DataFrame([{KNOWN!r}, {KNOWN | {"product_id": 99}!r}]))
print(*found, *map(repr, found["flags"]), *sorted(model.explain({KNOWN!r}).effects.index))
"""


def test_it_is_loaded_and_explained_in_a_notebook(grouped: tuple[Project, list[str]]) -> None:
    command = [sys.executable, "-c", NOTEBOOK]
    done = subprocess.run(command, cwd=grouped[0].root, capture_output=True, text=True)
    expected = "prediction low high flags '' 'new' location price product_id promotion season\n"
    assert done.stdout == expected, done.stderr


def compiled(folder: Path, dataset: Dataset, model: Any, rows: pd.DataFrame) -> Any:
    """Return the form of a fitted model that the service has."""
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(model))
    predict = folder / "predict.py"
    predict.write_text("", encoding="utf-8")
    predictor = Predictor(
        "m", "1", dataset, HeldOut(0.2), model, lambda m, X: m.predict_interval(X)._asdict()
    )
    made = compiling.add(folder, predictor, predict, rows)
    assert made.form == "groups", made.refused
    assert made.largest_difference < 1e-9
    return forms.load(folder, predict)


ODD = [
    "Köln/Süd",
    "it's",
    'a "b"',
    "東京 🗼",
    "tab\tin",
    "<b>x</b>",
    "a&b=c",
    "%2F",
    "\\",
    "{{x}}",
    "ß",
]


@pytest.mark.parametrize("names", [ODD, ["the only one"]])
def test_a_group_may_have_any_name_and_be_the_only_one(tmp_path: Path, names: list[str]) -> None:
    features = [{"name": "location", "type": "text"}, {"name": "price", "type": "number"}]
    dataset = Dataset.model_validate(SCHEMA | {"groups": ["location"], "features": features})
    rows = pd.DataFrame({"location": names * 9})
    rows["price"] = np.random.default_rng(0).normal(5, 1, len(rows))
    model = GroupedLinear(["location"], preprocessing=preprocessing(rows[["price"]]))
    model.fit(rows, rows["price"] * (1 + rows.index % len(names)))
    form = compiled(tmp_path, dataset, model, rows)
    answer = form.answer([*rows.itertuples(index=False, name=None), ("no such", 5.0)])
    assert answer["flags"] == [""] * len(rows) + ["new"]
    assert answer["predictions"][:-1] == pytest.approx(model.predict(rows))
    assert {*model.table_()["location"]} == {*names}


@pytest.mark.parametrize("pooling", ["none", "ridge", "empirical_bayes", "levels"])
def test_a_row_alone_is_answered_as_among_others(tmp_path: Path, pooling: str) -> None:
    dataset, rows = Dataset.model_validate(SCHEMA), sales()
    rows.loc[::9, "price"] = np.nan
    X = model_frame(rows, dataset.features)
    model = GroupedLinear(GROUPS, pooling, preprocessing(X.drop(columns=GROUPS)))
    model.fit(X, rows["units"])
    form = compiled(tmp_path, dataset, model, rows)
    extreme = compiling.edges(dataset, form.form, [])[dataset.feature_names]
    given = compiling.values(pd.concat([rows[dataset.feature_names], extreme]), dataset)
    together = form.answer(given)
    assert {"", "new", "few rows"} <= {*together["flags"]}
    for key, values in together.items():
        assert values == [form.answer([row])[key][0] for row in given]


def test_any_estimator_for_each_group_is_trained_and_served_as_the_docs_say(
    table: Path, tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project")
    added(project, table, "--task", "grouped_regression", "--groups", ",".join(GROUPS))
    invoke(project, "add-model", MODEL, "--dataset", "sales")
    text = (testing.root() / "docs" / "models.md").read_text("utf-8")
    (code,) = [each for each in re.findall(r"```python\n(.*?)```", text, re.S) if "Each(" in each]
    (project.root / "models" / MODEL / "train.py").write_text(code, encoding="utf-8")

    def edit(document: Any) -> None:
        del document["datasets"][:-1], document["training"]["models"][:-1]
        del document["training"]["models"][0]["hyperparameters"]

    project.edit(edit)
    assert "Registered as" in trained(project)
    pd.DataFrame([KNOWN, KNOWN | {"product_id": 99}]).to_csv(tmp_path / "in.csv", index=False)
    out = tmp_path / "out.csv"
    done = run_verb(project, "batch-score", str(tmp_path / "in.csv"), str(out))
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(out, keep_default_na=False)
    assert scored["flags"].tolist() == ["", "new"]
    assert (scored["low"] < scored["high"]).all()
