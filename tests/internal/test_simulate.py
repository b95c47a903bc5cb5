"""A simulated month: made up, marked, with its truth, and never taken for a real one."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from watching import copied

from seedling.config import Project
from seedling.data import datasets, instances
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.lifecycle import labelled_rows, shifts, simulated_month, simulated_rows
from seedling.lifecycle.simulated_month import Month
from seedling.monitoring import logged
from seedling.monitoring.drift import columns, drifts
from seedling.monitoring.profiles import Profiler
from seedling.processes import free_port
from seedling.serving import background_service
from seedling.serving.stores import SIMULATED, Record
from seedling.testing import first_model, invoke, sample_rows

EVER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
ROWS = 60


@pytest.fixture(scope="module")
def lived(trained: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy with two months: by a service started for it, and by one that runs already."""
    project = copied(trained, tmp_path_factory.mktemp("lived"))
    words = "simulate-month", "--rows", str(ROWS), "--model", first_model(project)
    done = invoke(project, *words)
    assert done.exit_code == 0, done.output
    assert not background_service.state(project)
    address = background_service.start(project, free_port())
    try:
        model = first_model(project)
        client = background_service.client(project)
        client.ask(f"{model}/predict", instances.read(project, model))  # a caller, without a key
        done = invoke(project, *words, "--shift", "none")
        assert done.exit_code == 0, done.output
        assert background_service.state(project) == f"runs at {address}"
    finally:
        background_service.stop(project)
    return project


def months(project: Project) -> list[Month]:
    return simulated_month.months(project)


@pytest.mark.every_vertical
def test_every_row_of_a_month_is_in_the_log_and_marked(lived: Project) -> None:
    pages = [*logged.logged(lived, first_model(lived), *EVER)]
    records = pd.concat([page.records for page in pages])
    assert records["simulated"].sum() == 2 * ROWS
    assert len(records) > 2 * ROWS  # and the caller's rows are not
    assert [month.rows for month in months(lived)] == [ROWS, ROWS]


@pytest.mark.every_vertical
def test_its_keys_are_those_of_no_row_and_of_no_other_month(lived: Project) -> None:
    dataset = lived.config.first_dataset
    key = simulated_rows.own_key(dataset)
    if not key:
        pytest.skip("its rows have no key of their own")
    sent = pd.concat([page.sent for page in logged.logged(lived, first_model(lived), *EVER)])
    sent = sent[sent[key].notna()]
    assert sent[key].is_unique
    assert not sent[key].isin(datasets.load(lived, dataset)[key]).any()


@pytest.mark.every_vertical
def test_its_truth_arrives_but_for_the_last_week_and_counts_as_simulated(lived: Project) -> None:
    first, _ = months(lived)
    folder = simulated_month.folder(lived) / first.name
    late = pd.read_csv(folder / simulated_month.LATE)
    assert len(late) == pytest.approx(ROWS * 7 / 30, abs=1)
    assert first.with_truth == ROWS - len(late)
    counted = labelled_rows.count(lived, first_model(lived), *EVER)
    assert counted == (0, 2 * first.with_truth)


@pytest.mark.every_vertical
def test_simulated_rows_are_learned_from_only_where_that_is_said(lived: Project) -> None:
    dataset = lived.config.first_dataset
    rows = datasets.read_table(lived.dataset_path(dataset))
    assert labelled_rows.beside(lived, dataset, False, rows).empty
    found = labelled_rows.beside(lived, dataset, True, rows)
    if simulated_rows.own_key(dataset):  # else the source has rows of the same key and time
        assert len(found) == 2 * months(lived)[0].with_truth
        both = pd.concat([rows, found], ignore_index=True)
        assert both.dtypes.astype(str).to_dict() == rows.dtypes.astype(str).to_dict()
    again = pd.concat([rows, found], ignore_index=True)
    assert labelled_rows.beside(lived, dataset, True, again).empty


@pytest.mark.every_vertical
def test_what_moves_is_what_was_shifted(trained: Project, tmp_path: Path) -> None:
    project = copied(trained, tmp_path)
    dataset = project.config.first_dataset
    datasets.save(project, dataset, sample_rows(dataset, 400))
    rows = datasets.load(project, dataset)
    profiler = Profiler(dataset)
    profiler.add(rows)
    reference = profiler.finish()
    for wanted in (shifts.usual(dataset), []):
        generator = np.random.default_rng(7)
        drawn = simulated_rows.draw(project, first_model(project), dataset, None, 0, generator)
        window = Profiler(dataset, like=reference)
        window.add(shifts.shifted(drawn.rows, wanted, generator))
        found = columns(drifts(reference, window.finish()), "moderate", "severe")
        assert sorted(found) == sorted(shift.column.name for shift in wanted)


def test_rows_are_held_out_ones_where_these_suffice(trained: Project) -> None:
    dataset, model = trained.config.first_dataset, first_model(trained)
    generator = np.random.default_rng(0)
    few = simulated_rows.draw(trained, model, dataset, 40, 0, generator)
    assert few.unseen
    assert not few.rows[dataset.entity_key].duplicated().any()
    assert not simulated_rows.draw(trained, model, dataset, 200, 0, generator).unseen
    for count, learned in ((40, False), (200, True)):
        month = simulated_month.Simulation(trained, model, [], count).month
        record = Record("", f"{SIMULATED}{month.name}-d01", *[""] * 8)
        assert (record.is_simulated, record.is_learned) == (True, learned)


def test_texts_are_keys_that_say_what_they_are() -> None:
    assert simulated_rows.new_keys(pd.Series(["a", "b"]), 2, 5) == ["simulated-6", "simulated-7"]
    assert simulated_rows.new_keys(pd.Series([7, 4000]), 2, 0) == [10001, 10002]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ENVIRONMENT", "prod", "ENVIRONMENT is unset"),
        ("ENVIRONMENT", "app-dev", "ENVIRONMENT is unset"),
        ("PREDICTION_LOG", "off", "prediction log is off"),
    ],
)
def test_it_is_refused_in_production_and_without_a_log(
    trained: Project, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ProjectError, match=words):
        simulated_month.refuse_production(trained)


def test_a_month_of_another_schema_than_was_learned_is_refused_before_it_is_sent(
    two_versions: Project,
) -> None:
    text = two_versions.config_path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if "name: hours_per_week" not in line]
    write_text(two_versions.config_path, "".join(lines))
    refused = invoke(two_versions, "simulate-month")
    assert refused.exit_code == 1
    assert "has changed since version 1" in refused.stderr
    assert "(hours_per_week)" in refused.stderr


def test_two_months_at_once_would_share_their_keys_and_are_refused(two_versions: Project) -> None:
    with simulated_month.one_at_a_time(two_versions):
        refused = invoke(two_versions, "simulate-month")
    assert (refused.exit_code, "Another simulate-month runs" in refused.stderr) == (1, True)


def test_a_log_whose_url_is_off_is_off(project: Project) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    write_text(project.config_path, text.replace("sqlite:///local_assets/predictions.db", "off", 1))
    assert Project(project.root).config.serving.prediction_log == "off"


def test_a_month_has_a_million_rows_at_most(project: Project) -> None:
    refused = invoke(project, "simulate-month", "--rows", "99999999")
    assert refused.exit_code == 2
    assert "99999999 is not in the range 1<=x<=1000000" in refused.stderr
