"""The steps of monitoring, run by hand: the log as a file, its findings, and what Azure reads."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from watching import copied, log_answers, over

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.monitoring import findings, log_file, logged, sent_on
from seedling.settings import PREDICTION_LOG
from seedling.steps import monitor_collect, monitor_drift, monitor_predictions, watching
from seedling.testing import first_model, sample_rows


@pytest.fixture
def answered(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose first model has answered 300 rows in the last three days."""
    project = copied(trained, tmp_path)
    monkeypatch.chdir(project.root)
    dataset = project.config.first_dataset
    names = dict.fromkeys([*dataset.entity_key, *(column.name for column in dataset.raw)])
    rows = sample_rows(dataset, 300, 7)[[*names]]
    log_answers(project, rows, over(3, 300, datetime.now(UTC)))
    return project


def ran(step: object, *words: str) -> Result:
    result = CliRunner().invoke(step.main, words)  # type: ignore[attr-defined]
    assert result.exit_code == 0, result.output
    return result


def everything(project: Project) -> pd.DataFrame:
    end = datetime.now(UTC)
    pages = logged.logged(project, first_model(project), end - timedelta(days=9), end)
    return pd.concat([page.records for page in pages], ignore_index=True)


def test_a_file_of_the_log_is_read_as_the_log_itself(answered: Project, tmp_path: Path):
    said = ran(monitor_predictions, "--output", str(tmp_path / "log")).output
    assert said.startswith("300 records of the last 84d")
    before = everything(answered)
    assert [path.name for path in (tmp_path / "log").iterdir()] == [log_file.NAME]
    (answered.assets / "predictions.db").unlink()
    with log_file.as_the_log(tmp_path / "log") as copy:
        pd.testing.assert_frame_equal(everything(answered), before)
        assert log_file.answered(copy) == {first_model(answered): "1"}
    assert not PREDICTION_LOG.get()


def test_several_files_of_the_log_are_read_together_and_each_record_once(
    answered: Project, tmp_path: Path
):
    for name, since in (("all", "9d"), ("last", "1d")):
        log_file.write(answered, since, tmp_path / "log" / name)
    with log_file.as_the_log(tmp_path / "log") as copy, closing(sqlite3.connect(copy)) as log:
        assert log.execute("SELECT count(*) FROM predictions").fetchone() == (300,)


def test_a_log_without_records_is_a_file_that_nobody_has_answered_in(
    answered: Project, tmp_path: Path
):
    assert log_file.write(answered, "1m", tmp_path / "log") == 0
    found = tmp_path / "findings"
    words = ("--source", str(tmp_path / "log"), "--output", str(found))
    assert "No model of model.yaml has answered" in ran(monitor_drift, *words).output
    assert json.loads((found / watching.MODELS).read_text()) == []


def test_a_folder_without_a_log_and_a_file_that_is_none_are_one_line(
    answered: Project, tmp_path: Path
):
    (tmp_path / "log").mkdir()
    with (
        pytest.raises(ProjectError, match="has no file of the prediction log"),
        log_file.as_the_log(tmp_path / "log"),
    ):
        pass
    (tmp_path / "log" / "rows.db").write_text("age\n40\n")
    result = CliRunner().invoke(monitor_drift.main, ["--source", str(tmp_path / "log")])
    assert result.exit_code == 1
    assert "is no file of the prediction log" in result.output
    assert len(result.output.splitlines()) == 1


def test_the_step_of_drift_finds_what_monitor_finds(
    answered: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The log says which version has answered, whatever model.yaml registers."""
    monkeypatch.setattr(sent_on, "send", lambda *_: [])
    log_file.write(answered, "9d", tmp_path / "log")
    model = first_model(answered)
    words = ("--source", str(tmp_path / "log"), "--output", str(tmp_path / "found"))
    ran(monitor_drift, *words)
    ran(monitor_drift)  # by hand: on the log itself
    by_hand = answered.assets / "runs" / "manual" / "monitor" / "drift"
    found, own = (
        findings.read(folder / model / findings.FILE) for folder in (tmp_path / "found", by_hand)
    )
    assert found.rows == own.rows == 300
    assert found.performance is None
    assert {one.name: one.status for one in found.drifts} == {
        one.name: one.status for one in own.drifts
    }
    assert (tmp_path / "found" / model / "report.html").exists()


def test_the_log_is_copied_by_the_hour_as_azures_collector_lays_it(
    answered: Project, tmp_path: Path
):
    model, folder = first_model(answered), tmp_path / "collected"
    ran(monitor_collect, "--since", "4d", "--output", str(folder), "--model", model)
    first = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    rows = everything(answered)
    hours = {f"{time:%Y/%m/%d/%H}" for time in rows["time"]}
    inputs = folder / model / "model_inputs"
    assert {path.parent.relative_to(inputs).as_posix() for path in inputs.rglob("*.jsonl")} == hours
    lines = [json.loads(line) for path in inputs.rglob("*.jsonl") for line in path.open()]
    assert len(lines) == len(rows)
    names = {column.name for column in answered.config.first_dataset.raw}
    assert all(names <= line["data"][0].keys() for line in lines)
    outputs = [path for path in first if "model_outputs" in path.parts]
    answers = [json.loads(line) for path in outputs for line in path.open()]
    assert {line["correlationid"] for line in answers} == {line["correlationid"] for line in lines}
    assert all("prediction" in line["data"][0] for line in answers)
    ran(monitor_collect, "--since", "4d", "--output", str(folder), "--model", model)
    assert {path: path.read_bytes() for path in folder.rglob("*.jsonl")} == first
