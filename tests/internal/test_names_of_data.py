"""What stands in a table or in model.yaml becomes a name in MLflow, in Azure and on disk."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name, _validate_param

from seedling.config import Project
from seedling.data import datasets
from seedling.errors import ProjectError
from seedling.files import is_device
from seedling.testing import invoke, run_verb, sample_rows
from seedling.training import mlflow_names, mlflow_runs, past_runs

LONG = "a very long category " * 12
CATEGORIES = ["R&D", "50%", 'say "x"', "a/b//c", "x, y", "..", "🌱", "Plan", "plan", "-x26-", LONG]


@given(st.text(min_size=1))
@example("R&D")
@example("-x26-")
@example("--x26-x-")
@example("/..//")
@example(LONG)
@example("é" * 300 + "🌱")
@example("&" * 250)
@example("a" * 249 + "&")
@example("C:\\nul")
def test_any_name_is_one_that_mlflow_takes_and_gives_back(name: str) -> None:
    key = mlflow_names.escaped(f"train_{name}")
    _validate_metric_name(key)
    _validate_param(key, "1")
    assert len(key) <= 250
    assert mlflow_names.plain(key, mlflow_names.tags({f"train_{name}": 0})) == f"train_{name}"


@given(st.text(max_size=6), st.text(max_size=6))
@example("R&D", "R_D")
@example("-x26-", "&")
@example("-x26", "-x2d-x26")
def test_two_names_never_become_one(one: str, other: str) -> None:
    same = mlflow_names.escaped(one) == mlflow_names.escaped(other)
    assert same == (one == other)


@pytest.mark.parametrize("name", ["holdout_rmse", "cv_roc_auc_interval", "learned_rows", "n - 1"])
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert mlflow_names.escaped(name) == name


def test_more_metrics_than_mlflow_takes_at_once_are_logged(project: Project) -> None:
    metrics = {f"coefficient of {CATEGORIES[n % 11]} {n}": float(n) for n in range(1_200)}
    with mlflow_runs.run(project, "any"):
        mlflow_runs.log_metrics("train_", metrics)
        mlflow_runs.log_params({"model": "any", **{f"{n} & more": n for n in range(120)}})
    (run,) = past_runs.read(project)
    assert run.metrics == {f"train_{name}": value for name, value in metrics.items()}
    assert run.arguments == {f"{n} & more": str(n) for n in range(120)}


def test_categories_of_any_characters_train_a_linear_regression(project: Project) -> None:
    """As `R&D` in a table of tickets: each coefficient is a metric of the run."""
    rng = np.random.default_rng(7)
    rows = pd.DataFrame({"ticket": range(440), "plan": CATEGORIES * 40})
    rows["50% of R&D/é"] = rng.integers(0, 9, 440)
    rows["cost"] = rows["50% of R&D/é"] * 3 + rows["plan"].str.len() + rng.normal(0, 1, 440)
    table = project.root / "tickets.csv"
    others = project.config.datasets
    rows.to_csv(table, index=False)
    words = ("--key", "ticket", "--target", "cost", "--task", "regression", "--yes")
    added = invoke(project, "add-dataset", "--from", str(table), *words)
    assert added.exit_code == 0, added.output
    added = invoke(project, "add-model", "linear_regression", "--dataset", "tickets")
    assert added.exit_code == 0, added.output
    for dataset in others:  # training prepares them all
        datasets.save(project, dataset, sample_rows(dataset))
    done = run_verb(project, "train", "--model", "linear_regression")
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = past_runs.read(Project(project.root))
    assert run.status == "FINISHED"
    listed = invoke(Project(project.root), "runs", "--json")
    assert json.loads(listed.output)[0]["metrics"] == run.metrics


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["nul"], "nul is the name of a device on Windows"),
        (["LPT1"], "LPT1 is the name of a device on Windows"),
        (["Tickets", "tickets"], "Tickets and tickets are one file on Windows"),
    ],
)
def test_a_name_of_which_windows_makes_no_file_is_refused(
    project: Project, names: list[str], said: str
) -> None:
    def change(document: Any) -> None:
        first = document["datasets"][0]
        document["datasets"] += [{**first, "name": name} for name in names]

    with pytest.raises(ProjectError, match=said):
        project.edit(change)


@pytest.mark.parametrize(
    "name", ["con", "PRN.txt", "nul.tar.gz", "COM0", "lpt\u00b3", "conin$", "aux "]
)
def test_a_device_of_windows_is_known_by_its_name(name: str) -> None:
    assert is_device(name)
    assert not is_device(f"{name.strip('. ')[:3]}sole.txt")
