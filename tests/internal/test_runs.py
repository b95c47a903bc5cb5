"""`runs`: what was trained, by which metrics and from which data; and the file of held-out rows."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import PETS, pets

from seedling import tasks
from seedling.config import Project
from seedling.data.datasets import read_table
from seedling.data.held_out import HeldOut
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.registry.model_files import Predictor
from seedling.testing import first_model, invoke
from seedling.training import holdout_file, mlflow_runs, past_runs
from seedling.training.notes import Made


def log(
    project: Project,
    value: float | None,
    sha256: str = "a" * 64,
    version: str = "none",
    positive: str = "",
    **arguments: Any,
) -> None:
    """Note a run as the steps do."""
    entry = project.config.training.models[0]
    dataset = project.config.dataset(entry.dataset)
    metric = dataset.metric
    noted = dataset.model_dump(mode="json")
    with mlflow_runs.run(project, entry.name):
        mlflow = mlflow_runs.mlflow()
        mlflow.log_params({"model": entry.name, "dataset": entry.dataset, **arguments})
        mlflow.set_tags(past_runs.tags_of(Made("1", sha256, 400)))
        if positive:  # else as an older version did
            noted["target"]["positive"] = positive
            mlflow.set_tags(past_runs.settings_tags(noted))
        if value is not None:
            mlflow_runs.log_metrics("cv_", {metric: value + 0.25, f"{metric}_interval": 0.5})
            mlflow_runs.log_metrics("holdout_", {metric: value})
        mlflow.set_tag("registered_version", version)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with three runs, the last of which was not measured."""
    from seedling.testing import copy_project

    project = copy_project(tmp_path_factory.mktemp("logged") / "project")
    log(project, 0.5, version="1", depth=4, seed=1)
    log(project, 0.75, "b" * 64, version="2", depth=8)
    log(project, None, depth=9)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # mlflow has set it
    return project


def listed(project: Project, *words: str) -> Any:
    result = invoke(project, "runs", "--json", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_runs_are_listed_with_metrics_data_and_the_best_one(logged: Project) -> None:
    entry = logged.config.training.models[0]
    dataset = logged.config.dataset(entry.dataset)
    first, second, third = listed(logged)
    assert [each["run"] for each in (first, second, third)] == [1, 2, 3]
    assert first["value"] == 0.5
    assert first["validated"] == [0.75, 0.5]
    assert first["arguments"] == {"depth": "4", "seed": "1"}
    assert first["data"] == {"version": "1", "sha256": "a" * 64, "rows": "400"}
    assert third["value"] is None
    lower = dataset.metric in tasks.of(dataset).lower_is_better
    assert [each["is_best"] for each in (first, second, third)] == [lower, not lower, False]
    shown = invoke(logged, "runs", "--model", entry.name).output
    assert f"The best by {dataset.metric} on {dataset.name}: run {1 if lower else 2}" in shown
    assert "measured on rows of 2 files" in shown


def test_two_runs_stand_side_by_side(logged: Project) -> None:
    for words in (("1", "2"), ("1,2",)):
        result = invoke(logged, "runs", *words)
        assert result.exit_code == 0, result.output
        rows = [line.split("│") for line in result.output.splitlines() if "│" in line]
        lines = {cells[1].strip(): [cell.strip() for cell in cells[2:5]] for cells in rows}
        assert lines["depth"] == ["4", "8", "other"]
        assert lines["seed"] == ["1", "-", "other"]
        assert lines["its file"] == ["aaaaaaa", "bbbbbbb", "other"]
        (name,) = [name for name in lines if name.endswith(", holdout")]
        assert lines[name] == ["0.5", "0.75", "+0.25"]
    assert [each["run"] for each in listed(logged, "2", "3")] == [2, 3]


def test_after_a_new_metric_runs_have_the_number_of_the_one_that_judged_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = project.config.datasets[0]
    was = dataset.metric
    less = was in tasks.of(dataset).lower_is_better
    log(project, 0.5, version="1", positive="Nein")
    log(project, 0.1 if less else 0.9, positive="Ja")  # on easier rows: the gate has refused it
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert [each["is_best"] for each in listed(project)] == [True, False]
    project.edit(lambda document: document["datasets"][0].update(metric="brand_new"))
    project = Project(project.root)
    log(project, 0.7, positive="Ja")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    found = listed(project)
    assert [(each["metric"], each["value"]) for each in found] == [
        *((was, 0.5), (was, 0.1 if less else 0.9), ("brand_new", 0.7))
    ]
    assert found[0]["validated"] == [0.75, 0.5]
    assert "run 3" not in invoke(project, "runs").output
    monkeypatch.setenv("COLUMNS", "80")
    shown = invoke(project, "runs").output
    assert "…" not in shown
    for word in ("model", "version", "holdout", "validated", "data", "age", first_model(project)):
        assert word in shown
    rows = [line.split("│") for line in invoke(project, "runs", "1", "3").output.splitlines()]
    cells = [[cell.strip() for cell in line[1:5]] for line in rows if len(line) > 4]
    assert ["positive", "Nein", "Ja", "other"] in cells
    assert ["metric", was, "brand_new", "other"] in cells


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("1",), 2, "Error: Give the numbers of two runs, such as 3 5, or none."),
        (("1", "x"), 2, "Error: Give the numbers of two runs, such as 3 5, or none."),
        (("1", "9"), 1, "Error: There is no run 9: runs without a number lists them."),
    ],
)
def test_a_run_that_is_not_there_is_one_line(
    logged: Project, words: tuple[str, ...], code: int, line: str
) -> None:
    result = invoke(logged, "runs", *words)
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (code, line)


def test_nothing_trained_is_one_line(project: Project) -> None:
    assert invoke(project, "runs").output == "Nothing was trained yet: run train.\n"
    assert listed(project) == []
    assert not project.assets.exists()


def test_the_file_is_read_as_mlflow_reads_it(
    logged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = past_runs.read(logged)
    monkeypatch.setattr(mlflow_runs, "database_of", lambda _: None)
    for run, same in zip(here, past_runs.read(logged), strict=True):
        assert run == same._replace(begun=pytest.approx(run.begun))


def test_runs_need_neither_mlflow_nor_scikit_learn(logged: Project) -> None:
    heavy = ["mlflow", "sklearn", "pandas", "optuna"]
    script = (
        "import sys; from seedling.cli.main import main\n"
        "main(['runs'], standalone_mode=False)\n"
        f"assert not sys.modules.keys() & {heavy!r}"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=logged.root, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_a_file_of_another_version_of_mlflow_is_one_line(project: Project) -> None:
    project.assets.mkdir()
    with sqlite3.connect(project.assets / "mlflow.db") as store:
        store.execute("CREATE TABLE runs (id TEXT)")
    with pytest.raises(ProjectError, match=r"^mlflow\.db cannot be read \(no such table"):
        past_runs.read(project)


def test_a_trained_version_is_listed_with_its_role_data_and_features(trained: Project) -> None:
    first = listed(trained)[0]
    dataset = trained.config.datasets[0]
    assert (first["version"], first["role"], first["model"]) == (
        "1",
        "champion",
        first_model(trained),
    )
    assert first["data"]["sha256"] == sha256(trained.dataset_path(dataset))
    assert first["features"] == dataset.feature_names
    wanted = {"metric": dataset.metric, "target": dataset.target.name}
    assert wanted.items() <= first["settings"].items()
    assert not first["refused"]
    assert first["value"] is not None


def test_a_version_whose_run_is_not_here_is_listed_too(trained: Project, tmp_path: Path) -> None:
    elsewhere = Project(trained.root)
    gone = tmp_path / "mlflow.db"
    kept = elsewhere.assets / "mlflow.db"
    kept.rename(gone)
    try:
        (only,) = listed(elsewhere)
    finally:
        gone.rename(kept)
    assert (only["run"], only["version"], only["status"]) == (None, "1", "elsewhere")
    assert only["value"] is not None


def test_held_out_rows_stand_in_a_file_with_key_target_and_answer(trained: Project) -> None:
    path = min(trained.assets.glob(f"reports/*/{first_model(trained)}/{holdout_file.FILE}"))
    dataset = trained.config.datasets[0]
    found, table = pd.read_csv(path), read_table(trained.dataset_path(dataset))
    assert not {*found.columns} & {*dataset.feature_names}
    note = json.loads((path.parent / "evaluation.json").read_text(encoding="utf-8"))
    assert len(found) == note["held_out_rows"]
    rows = table.iloc[found["row"] - 1]
    assert list(rows[dataset.target.name]) == list(found["actual"])
    for name in dataset.entity_key:
        assert list(rows[name]) == list(found[name])
    assert {*found["side"]} == {"holdout"}
    page = (path.parent / "report.html").read_text(encoding="utf-8")
    assert f'href="{holdout_file.FILE}"' in page
    assert [*trained.assets.glob(f"artifacts/*/artifacts/{holdout_file.FILE}")]


def test_rows_that_the_champion_knows_are_in_the_file_and_marked(tmp_path: Path) -> None:
    rows = pets(40)
    rows.loc[0, "id"] = 99

    def predict(model: Any, X: pd.DataFrame) -> dict[str, Any]:
        chance = (X["age"] / 30).to_numpy()
        labels = np.array(["no", "yes"])
        scores = np.column_stack([1 - chance, chance])
        return {"predictions": labels[scores.argmax(axis=1)], "scores": scores, "labels": labels}

    model = Predictor("a", "1", PETS, HeldOut(0.2), None, predict)
    compared, known = rows.iloc[[0, 5, 9]], rows.iloc[[3, 7]]
    path = tmp_path / holdout_file.FILE
    holdout_file.write(path, model, compared, model.answer(compared), known)
    found = pd.read_csv(path)
    assert [*found.columns] == [
        *("row", "id", "side", "actual", "prediction", "score_no", "score_yes")
    ]
    assert list(found["row"]) == [1, 4, 6, 8, 10]
    assert list(found["id"]) == [99, 4, 6, 8, 10]
    assert [each == "holdout" for each in found["side"]] == [True, False, True, False, True]
    assert list(found["score_yes"]) == pytest.approx([0, 3 / 30, 5 / 30, 7 / 30, 9 / 30])
    assert list(found["actual"]) == list(rows["adopted"].iloc[[0, 3, 5, 7, 9]])
