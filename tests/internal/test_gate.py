"""The gate: strictly better than the champion, or not registered."""

import math

import pandas as pd
import pytest
from small import PETS

from seedling import tasks
from seedling.config import Dataset, Target
from seedling.errors import ProjectError
from seedling.training.gate import gate

BY_RMSE = PETS.model_copy(
    update={"task": "regression", "metric": "rmse", "target": Target(name="age", type="integer")}
)


def test_the_first_model_has_no_champion_to_beat() -> None:
    assert gate(PETS, {"roc_auc": 0.5}, None)


@pytest.mark.parametrize(
    ("dataset", "truth", "answer"),
    [
        (
            PETS,
            ["no", "yes", "yes", "no"],
            {"predictions": ["no"] * 4, "labels": ["no", "yes"], "scores": [[0.7, 0.3]] * 4},
        ),
        (BY_RMSE, [0.0, 1.0, 1.0, 0.0], {"predictions": [0, 1, 0, 0]}),
    ],
    ids=["classification", "regression"],
)
def test_every_metric_that_model_yaml_may_name_is_measured(
    dataset: Dataset, truth: list, answer: dict
) -> None:
    task = tasks.of(dataset)
    measured = task.training.measure(pd.Series(truth), answer, dataset)
    assert set(task.metrics) <= set(measured)
    baseline = task.training.baseline(pd.Series(truth), dataset)
    assert task.training.measure(pd.Series(truth), baseline, dataset).keys() == measured.keys()


@pytest.mark.parametrize("new", [0.81, 0.8, 0.7])
def test_higher_is_better_for_a_score(new: float) -> None:
    assert gate(PETS, {"roc_auc": new}, {"roc_auc": 0.8}) is (new == 0.81)


@pytest.mark.parametrize("new", [1.9, 2.0, 2.1])
def test_lower_is_better_for_an_error(new: float) -> None:
    assert gate(BY_RMSE, {"rmse": new}, {"rmse": 2.0}) is (new == 1.9)


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
@pytest.mark.parametrize("side", ["challenger", "champion"])
def test_a_metric_that_is_no_number_is_an_error(bad: float | None, side: str) -> None:
    values = {"challenger": {"rmse": 1.0}, "champion": {"rmse": 2.0}}
    values[side] = {} if bad is None else {"rmse": bad}
    with pytest.raises(ProjectError, match=side):
        gate(BY_RMSE, values["challenger"], values["champion"])


def test_a_missing_metric_is_an_error_without_a_champion_too() -> None:
    with pytest.raises(ProjectError, match="missing"):
        gate(BY_RMSE, {"mae": 1.0}, None)
