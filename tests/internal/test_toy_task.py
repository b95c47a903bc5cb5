"""A task that a team brings in one file: proposed, trained, gated, served, scored and logged."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import pytest

from seedling import testing
from seedling.config import Project
from seedling.processes import free_port
from seedling.testing import copy_project, run_verb
from seedling.training.outcomes import NOT_REGISTERED

TOY = Path(__file__).parent / "toys" / "count.py"
ROW = {"beds": 30, "season": "summer"}
PATIENCE = 60.0  # seconds until a server answers


def wards(count: int = 300) -> pd.DataFrame:
    """Rows with a count that no single feature gives away."""
    generator = np.random.default_rng(1)
    beds = generator.integers(5, 60, count)
    season = generator.choice(["summer", "winter"], count)
    visits = generator.poisson(beds * np.where(season == "winter", 1.0, 0.5))
    return pd.DataFrame({"ward_id": range(count), "beds": beds, "season": season, "visits": visits})


def verb(project: Project, *words: str, code: int = 0) -> str:
    done = run_verb(project, *words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the task's file, a dataset of counts, and a model that has learned from it."""
    folder = tmp_path_factory.mktemp("toy")
    project = copy_project(folder / "project")
    (project.root / "tasks").mkdir()
    shutil.copy(TOY, project.root / "tasks")
    wards(200).to_csv(folder / "wards.csv", index=False)
    wards().to_csv(folder / "more_wards.csv", index=False)
    target = ("--target", "visits", "--yes")
    words = ("--from", str(folder / "wards.csv"), "--task", "count", *target)
    verb(project, "add-dataset", *words)
    verb(project, "add-model", "count_line", "--dataset", "wards")
    words = ("--from", str(folder / "more_wards.csv"), "--dataset", "wards", *target)
    assert re.search(r"visits +target", verb(project, "create-local-datasets", *words))
    verb(project, "validate-datasets")
    assert "Registered as" in verb(project, "train", "--model", "count_line")
    return project


@contextmanager
def served(project: Project, name: str) -> Iterator[str]:
    """The address of a server that is ready."""
    port = free_port()
    command = [sys.executable, "-m", "seedling", name, "--port", str(port)]
    server = subprocess.Popen(command, cwd=project.root)
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
    try:
        while True:
            try:
                if ask(f"{address}/ready")["ready"]:
                    break
            except (OSError, HTTPError):
                assert server.poll() is None, "the server has ended"
            assert time.monotonic() < until, "the server is not ready"
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def address(project: Project) -> Iterator[str]:
    with served(project, "serve-local") as address:
        yield address


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"Content-Type": "application/json"}), timeout=30) as response:
        return json.load(response)


ELSEWHERE = """
import sys
sys.path = [path for path in sys.path if "internal" not in path]
import mlflow
import pandas as pd

found = mlflow.pyfunc.load_model(sys.argv[1]).predict(pd.DataFrame([{"beds": 30, "season": None}]))
print(float(found[0]))
"""


def test_its_folder_answers_where_the_project_is_not(project: Project, tmp_path: Path) -> None:
    folder = project.models_folder / "more_wards-count_line" / "1"
    command = [sys.executable, "-c", ELSEWHERE, str(folder)]
    with pytest.raises(subprocess.CalledProcessError) as refused:
        subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "season: required, and missing (row 1)" in refused.value.stderr
    command[2] = ELSEWHERE.replace("None", "'summer'")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert 0 < float(done.stdout) < 60


def test_the_projects_docs_show_this_task() -> None:
    text = (testing.HOME / "internal" / "README.md").read_text(encoding="utf-8")
    own_task = text.partition("## A task of your own")[2]
    example = own_task.partition("```python\n")[2].partition("```\n")[0]
    assert example == TOY.read_text(encoding="utf-8")


def test_its_target_is_proposed_as_the_task_has_it(project: Project) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    assert "task: count\n    metric: mae\n" in text
    assert "target: {name: visits, type: count}" in text


def test_a_target_that_is_no_count_is_found(project: Project, tmp_path: Path) -> None:
    broken = copy_with_task(project, tmp_path / "broken")
    rows = wards(60)
    rows.loc[4, "visits"] = -1
    rows.to_csv(tmp_path / "more_wards.csv", index=False)
    verb(broken, "create-local-datasets")
    assert "visits: -1 is no count (row 5)" in verb(broken, "validate-datasets", code=1)


def copy_with_task(project: Project, folder: Path) -> Project:
    shutil.copytree(project.root, folder, ignore=shutil.ignore_patterns("local_assets"))
    return Project(folder)


def test_a_second_run_that_is_not_better_is_not_registered(project: Project) -> None:
    assert NOT_REGISTERED in verb(project, "train", "--model", "count_line")


def test_it_is_served_by_its_compiled_form(project: Project) -> None:
    (noted,) = project.root.glob("local_assets/models/*/*/measured.json")
    assert json.loads(noted.read_text(encoding="utf-8"))["compiled"]["form"] == "tables"


def test_the_report_has_its_metrics_baseline_and_plots(project: Project) -> None:
    page = max(project.root.glob("local_assets/reports/*/*/report.html"))
    text = page.read_text(encoding="utf-8")
    for words in ("coverage", "Intervals", "baseline"):
        assert words in text


def check(answer: dict[str, Any]) -> None:
    assert answer.keys() >= {"predictions", "low", "high"}
    (low,), (value,), (high,) = (answer[key] for key in ("low", "predictions", "high"))
    assert 5 < low < value < high < 30


def test_every_route_answers_with_the_interval(address: str) -> None:
    payload = {"payload": {"instances": [ROW]}}
    check(ask(f"{address}/count_line/predict", payload)["payload"])
    check(ask(f"{address}/run", ROW)["outputs"])
    check(ask(f"{address}/score", payload))
    found = ask(f"{address}/invocations", {"dataframe_records": [ROW]})
    assert 10 < found["predictions"][0] < 20


def test_page_and_openapi_know_its_answer(address: str) -> None:
    schemas = ask(f"{address}/openapi.json")["components"]["schemas"]
    assert set(schemas["count_line.Answer"]["required"]) >= {"predictions", "low", "high"}
    with urlopen(Request(address, headers={"Accept": "text/html"}), timeout=30) as response:
        page = response.read().decode()
    assert "four times in five" in page
    assert "number&#34;, &#34;low" in page


def test_predictions_are_counted_and_logged(project: Project, address: str) -> None:
    answer = ask(f"{address}/count_line/predict", {"payload": {"instances": [ROW] * 2}})["payload"]
    with urlopen(f"{address}/metrics", timeout=30) as response:
        assert 'predictions_total{model="count_line",prediction="",version="1"}' in (
            response.read().decode()
        )
    until = time.monotonic() + PATIENCE
    logged: list[Any] = []
    while len(logged) < 1 and time.monotonic() < until:
        time.sleep(0.2)
        logged = [record for record in records(project) if record.get("low") == answer["low"]]
    assert logged[0] == {key: answer[key] for key in ("predictions", "low", "high")}


def records(project: Project) -> list[Any]:
    """What the log has of each answer; nothing while it is being made."""
    try:
        with closing(sqlite3.connect(project.assets / "predictions.db")) as log:
            found = log.execute("SELECT outputs FROM predictions").fetchall()
    except sqlite3.OperationalError:
        return []
    return [json.loads(outputs) for (outputs,) in found]


def test_the_rows_of_a_large_record_are_parted_by_its_keys() -> None:
    from seedling.serving.records import records_of

    line = {
        **{"id": "a", "request_id": "", "time": 1.0, "route": "/predict", "model": "m"},
        **{"version": None, "versions": ["1", "2"], "rows": [ROW, ROW]},
        "by_row": ["predictions", "low", "high"],
        "outputs": {"predictions": [3, 4], "low": [1, 2], "high": [5, 6], "unit": ["visits"]},
    }
    first, second = records_of(json.dumps(line).encode())
    assert json.loads(first.outputs) == {"predictions": [3], "low": [1], "high": [5]} | {
        "unit": ["visits"],
        "rows": [0],
    }
    assert json.loads(second.outputs)["high"] == [6]
    assert json.loads(second.outputs)["rows"] == [1]


def test_monitor_measures_it_by_truth_and_estimates_it_without(
    project: Project, address: str, tmp_path: Path
) -> None:
    """Its metrics, its intervals' coverage and its losses come from defaults of the protocol."""
    rows = wards(500).tail(200)
    sent = json.loads(rows.drop(columns="visits").to_json(orient="records"))
    ask(f"{address}/count_line/predict", {"payload": {"instances": sent}})
    rows[["ward_id", "visits"]].to_csv(tmp_path / "truth.csv", index=False)
    added = verb(project, "add-truth", str(tmp_path / "truth.csv"), "--dataset", "more_wards")
    assert "more_wards: 200 rows of visits by ward_id: 200 new" in added
    until = time.monotonic() + PATIENCE
    found: dict[str, Any] = {}
    while found.get("rows") != 200 and time.monotonic() < until:
        time.sleep(0.5)
        shown = verb(project, "monitor", "count_line", "--window", "1000", "--json")
        (looked,) = json.loads(shown)
        window = looked["windows"][-1]
        found, guess = window["performance"], window["estimate"]
    assert found["rows"] == 200
    assert {*found["metrics"]} == {"mae", "coverage"}
    share = found["coverage"]["share"]
    assert share["value"] == pytest.approx(found["metrics"]["coverage"]["value"])
    assert share["low"] < share["value"] < share["high"]
    assert found["loss_name"] == "squared error"
    mae = found["metrics"]["mae"]
    assert mae["low"] < mae["value"] < mae["high"]
    assert guess.get("refused") or guess["metrics"]["mae"]["low"] < mae["value"]


def test_app_developers_get_its_shape(project: Project, tmp_path: Path) -> None:
    asked = copy_with_task(project, tmp_path / "asked")
    text = asked.config_path.read_text(encoding="utf-8")
    chosen = text.replace("\nserving:\n", "\nserving:\n  model: count_line\n")
    asked.config_path.write_text(chosen, encoding="utf-8")
    with served(asked, "serve-local-app-dev") as address:
        found = ask(f"{address}/count_line/predict", {"payload": {"instances": [ROW] * 2}})
        assert found["payload"]["high"] == [5.0, 5.0]
        assert ask(f"{address}/run", {"anything": 1})["outputs"]["low"] == [1.0]


def test_a_scored_file_has_its_columns(project: Project, tmp_path: Path) -> None:
    wards(20).drop(columns="visits").to_csv(tmp_path / "in.csv", index=False)
    words = (str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--model", "count_line")
    verb(project, "batch-score", *words)
    scored = pd.read_csv(tmp_path / "out.csv")
    assert list(scored.columns) == [
        *("file", "row", "ward_id", "prediction", "low", "high", "model", "version")
    ]
    assert (scored["low"] <= scored["high"]).all()


def test_nothing_else_of_the_project_was_touched(project: Project, tmp_path: Path) -> None:
    before, after = (files(one.root) for one in (copy_project(tmp_path / "fresh"), project))
    changed = {name for name, content in after.items() if before.get(name) != content}
    allowed = ("models/count_line/", "models/all/")
    assert {name for name in changed if not name.startswith(allowed)} == {
        "mlops/pipelines/training.yml",  # the model's steps
        "model.yaml",  # its entry, and the dataset's
        "tasks/count.py",
    }


def files(folder: Path) -> dict[str, bytes]:
    made = ("local_assets", "__pycache__")
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if not any(part in made for part in path.parts)
    }
