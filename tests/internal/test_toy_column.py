"""A column type that a team brings as one file goes the whole way, with no other file touched."""

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from seedling.config import Project
from seedling.monitoring import profiles
from seedling.processes import free_port
from seedling.testing import copy_project, first_model, run_verb

COUNT = 300
SAME = """
import sys
import numpy as np
from seedling.compiled import compiling, forms
from seedling.config import Project
from seedling.data.schema import model_frame, random_rows
from seedling.registry import model_files

project = Project.find()
(entry,) = project.config.models
folder = project.model_path(entry)
predictor = model_files.load(entry.model, entry.version, folder, entry.sha256)
rows = random_rows(predictor.dataset.features, 50)
rows["tint"] = rows["tint"].str.upper().astype(object)
rows.loc[3, "tint"] = None
print(*model_frame(rows, predictor.dataset.features).columns)
form = forms.load(folder, project.predict_path(entry.model))
answer = form.answer(compiling.values(rows, predictor.dataset))
print(form.task.difference(answer, predictor.answer(rows)))
"""


def table(count: int = COUNT) -> pd.DataFrame:
    """Rows with a colour; the redder, the likelier it is sold."""
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 2**24, count)
    redness = (colours >> 16) / 255
    return pd.DataFrame(
        {
            "item": range(1, count + 1),
            "tint": [f"#{colour:06x}" for colour in colours],
            "size": generator.normal(10, 2, count).round(2),
            "sold": (redness + generator.normal(0, 0.3, count) > 0.5).astype(int),
        }
    )


def bring(project: Project, rows: pd.DataFrame) -> None:
    """Make a dataset of the rows with the verb that proposes a schema."""
    rows.to_csv(project.root / "items.csv", index=False)
    words = ("--from", "items.csv", "--target", "sold", "--key", "item", "--yes")
    done = run_verb(project, "create-local-datasets", *words)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one file more, columns/colour.py, that has trained its first model."""
    project = copy_project(tmp_path_factory.mktemp("colours") / "project")
    (project.root / "columns").mkdir()
    shutil.copy(Path(__file__).parent / "toys" / "colour.py", project.root / "columns")
    model = first_model(project)  # as long as this process can read model.yaml
    bring(project, table())
    done = run_verb(project, "train", "--model", model)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def settings(project: Project) -> Any:
    """model.yaml as it stands: the type is none that this process knows."""
    return YAML(typ="safe").load(project.root / "model.yaml")


def registered(project: Project) -> tuple[str, Path]:
    """The name of the registered model, and the folder of its files."""
    (entry,) = YAML(typ="safe").load(project.models_folder / "registered.yaml")["models"]
    return entry["model"], project.models_folder / entry["name"] / entry["version"]


def test_it_is_proposed_for_a_table_that_the_team_brings(colours: Project) -> None:
    tint, size = settings(colours)["datasets"][0]["features"]
    assert tint == {"name": "tint", "type": "colour"}
    assert size["type"] == "number"


def test_a_bad_value_is_reported_with_its_row(tmp_path: Path, colours: Project) -> None:
    project = Project(shutil.copytree(colours.root, tmp_path / "project"))
    rows = table()
    rows.loc[6, "tint"] = "#12345g"
    rows.to_csv(project.root / "items.csv", index=False)
    done = run_verb(project, "create-local-datasets")
    assert "tint: 1 cell does not fit (row 7 '#12345g'): missing values" in done.stdout
    done = run_verb(project, "validate-datasets")
    assert done.returncode == 1
    assert "tint: a value is missing (row 7)" in done.stdout


def test_its_parts_are_trained_on_and_the_compiled_form_answers_as_the_model_does(
    colours: Project,
) -> None:
    _, folder = registered(colours)
    compiled = json.loads((folder / "measured.json").read_text(encoding="utf-8"))["compiled"]
    assert compiled["largest_difference"] < 1e-9, compiled
    command = [sys.executable, "-c", SAME]
    done = subprocess.run(command, cwd=colours.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names, difference = done.stdout.splitlines()
    assert names == "tint_red tint_green tint_blue size"
    assert float(difference) < 1e-9


def test_the_gate_measures_and_the_report_describes_it(colours: Project) -> None:
    _, folder = registered(colours)
    assert folder.name == "1"
    (page,) = colours.assets.glob("reports/*/*/report.html")
    text = page.read_text(encoding="utf-8")
    assert "<td>tint</td><td>colour</td>" in text
    assert "tint_red" in text  # whose importance was measured
    assert "| tint | colour |" in (page.parent / "model_card.md").read_text(encoding="utf-8")


def test_its_values_are_in_the_profile_that_later_ones_are_compared_with(colours: Project) -> None:
    _, folder = registered(colours)
    profile = profiles.of_version(folder)
    assert profile
    assert profile.rows == COUNT
    assert (profile.features["tint"].kind, profile.features["tint"].rows) == ("categories", COUNT)
    assert 0 < profile.outputs["prediction"].rows < COUNT
    assert len(bytes(profile.performance)) > 2


@pytest.fixture(scope="module")
def address(colours: Project) -> Iterator[str]:
    """The address of the project's service, which logs its predictions."""
    port = free_port()
    command = [sys.executable, "-m", "seedling", "serve-local", "--port", str(port)]
    server = subprocess.Popen(command, cwd=colours.root)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/ready", timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def ask(url: str, body: Any = None, kind: str = "application/json") -> tuple[int, str]:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body else None
    accepted = {"Accept": "text/html"} if body is None else {"Content-Type": kind}
    try:
        with urlopen(Request(url, data, accepted), timeout=30) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_the_page_asks_for_it_and_openapi_describes_it(colours: Project, address: str) -> None:
    model, _ = registered(colours)
    _, page = ask(address + "/")
    assert 'data-name="tint" data-reads="text"' in page
    assert 'type="color" value="#ff8800"' in page
    schemas = json.loads(ask(address + "/openapi.json")[1])["components"]["schemas"]
    tint = schemas[f"{model}.Features"]["properties"]["tint"]
    assert (tint["type"], tint["pattern"]) == ("string", "^#[0-9a-fA-F]{6}$")
    assert tint["examples"] == ["#ff8800"]


def test_every_route_answers_alike_and_the_log_keeps_what_was_sent(
    colours: Project, address: str
) -> None:
    model, _ = registered(colours)
    row = {"tint": "#CC8800", "size": 9.5}
    status, text = ask(f"{address}/{model}/predict", {"payload": {"instances": [row]}})
    assert status == 200, text
    answer = json.loads(text)["payload"]
    lists = {"payload": {"instances": [["#cc8800", 9.5]]}}
    status, text = ask(f"{address}/{model}/predict", lists)
    assert json.loads(text)["payload"]["predictions"] == answer["predictions"]
    for body in ({"dataframe_records": [row]}, {"inputs": {"tint": "#cc8800", "size": 9.5}}):
        status, text = ask(f"{address}/invocations", body)
        assert (status, json.loads(text)) == (200, {"predictions": answer["predictions"]})
    status, text = ask(f"{address}/invocations", "size,tint\n9.5,#cc8800\n", "text/csv")
    assert json.loads(text) == {"predictions": answer["predictions"]}
    status, text = ask(f"{address}/run", row)
    assert status == 200, text
    ran = json.loads(text)
    assert ran["features"] == {"tint": "#cc8800", "size": 9.5}
    assert ran["outputs"]["predictions"] == answer["predictions"]
    assert '"tint":"#CC8800"' in logged(colours)


def logged(project: Project) -> str:
    """The features of the predictions that the log has, once it has some."""
    path = project.assets / "predictions.db"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with sqlite3.connect(f"file:{path.as_posix()}?mode=ro", uri=True) as log:
                found = log.execute("SELECT features FROM predictions").fetchall()
        except sqlite3.OperationalError:
            found = []
        text = "\n".join(features for (features,) in found)
        if "#CC8800" in text:
            return text
        time.sleep(0.2)
    return ""


@pytest.mark.parametrize("value", ["red", "#12345", 3, ["#123456"]])
def test_a_bad_value_is_refused_by_the_fields_name(
    colours: Project, address: str, value: Any
) -> None:
    model, _ = registered(colours)
    row = {"tint": value, "size": 9.5}
    status, text = ask(f"{address}/{model}/predict", {"payload": {"instances": [row]}})
    assert status == 400
    expected = "instances[0].tint: expected a colour such as #ff8800, got "
    assert json.loads(text)["payload"]["error"].startswith(expected)
    status, text = ask(f"{address}/run", row)
    assert (status, json.loads(text)["error"][:12]) == (400, "tint: expect")
    assert ask(f"{address}/invocations", {"dataframe_records": [row]})[0] == 400


def test_files_are_scored_and_a_bad_row_is_named(colours: Project, tmp_path: Path) -> None:
    rows = table(40).drop(columns="sold")
    source = tmp_path / "source"
    source.mkdir()
    rows.to_csv(source / "good.csv", index=False)
    rows.to_parquet(source / "good.parquet")
    rows.assign(tint=[*rows["tint"][:-1], "#ff"]).to_csv(source / "bad.csv", index=False)
    done = run_verb(colours, "batch-score", str(source), str(tmp_path / "answers.csv"))
    assert done.returncode == 1
    with (tmp_path / "answers.rejects.csv").open(encoding="utf-8", newline="") as stream:
        (reject,) = csv.DictReader(stream)
    assert (reject["file"], reject["row"], reject["column"]) == ("bad.csv", "40", "tint")
    assert reject["reason"] == "expected a colour such as #ff8800, got '#ff'"
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    by_file = {
        name: [line["prediction"] for line in lines if line["file"] == name]
        for name in ("good.csv", "good.parquet")
    }
    assert len(by_file["good.csv"]) == 40
    assert by_file["good.csv"] == by_file["good.parquet"]


def test_without_its_file_the_type_is_unknown_in_one_line(colours: Project, tmp_path: Path) -> None:
    project = Project(shutil.copytree(colours.root, tmp_path / "project"))
    shutil.rmtree(project.root / "columns")
    done = run_verb(project, "validate-datasets")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: model.yaml, line ")
    assert "datasets.0.features.0.type: there is no column type 'colour'; there are " in line
    known = "boolean, category, date, datetime, duration, integer, number, text"
    assert f"{known}: define it in columns/<name>.py." in line


def test_a_file_without_a_type_is_told(colours: Project, tmp_path: Path) -> None:
    project = Project(shutil.copytree(colours.root, tmp_path / "project"))
    (project.root / "columns" / "colour.py").write_text("TIPE = None\n", encoding="utf-8")
    done = run_verb(project, "validate-datasets")
    assert done.stderr == "Error: columns/colour.py must define TYPE.\n"
