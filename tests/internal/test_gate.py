"""The gate: strictly better than the champion, or not registered."""

import math

import pandas as pd
import pytest
from small import PETS

from seedling.config import METRICS, Target
from seedling.errors import ProjectError
from seedling.training.gate import gate
from seedling.training.metrics import measure


def test_the_first_model_has_no_champion_to_beat() -> None:
    assert gate("roc_auc", {"roc_auc": 0.5}, None)


@pytest.mark.parametrize("task", METRICS)
def test_every_metric_that_model_yaml_may_name_is_measured(task: str) -> None:
    truth = pd.Series([0, 1, 1, 0])
    target = {"name": "y", "type": "category" if task == "classification" else "number"}
    labels = {"labels": [0, 1]} if task == "classification" else {}
    update = {"task": task, "target": Target.model_validate(target | labels)}
    answer = {"predictions": [0, 1, 0, 0], "labels": [0, 1], "scores": [[0.7, 0.3]] * 4}
    measured = measure(truth, answer, PETS.model_copy(update=update))
    assert set(METRICS[task]) <= set(measured)


@pytest.mark.parametrize("new", [0.81, 0.8, 0.7])
def test_higher_is_better_for_a_score(new: float) -> None:
    assert gate("roc_auc", {"roc_auc": new}, {"roc_auc": 0.8}) is (new == 0.81)


@pytest.mark.parametrize("new", [1.9, 2.0, 2.1])
def test_lower_is_better_for_an_error(new: float) -> None:
    assert gate("rmse", {"rmse": new}, {"rmse": 2.0}) is (new == 1.9)


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
@pytest.mark.parametrize("side", ["challenger", "champion"])
def test_a_metric_that_is_no_number_is_an_error(bad: float | None, side: str) -> None:
    values = {"challenger": {"rmse": 1.0}, "champion": {"rmse": 2.0}}
    values[side] = {} if bad is None else {"rmse": bad}
    with pytest.raises(ProjectError, match=side):
        gate("rmse", values["challenger"], values["champion"])


def test_a_missing_metric_is_an_error_without_a_champion_too() -> None:
    with pytest.raises(ProjectError, match="missing"):
        gate("rmse", {"mae": 1.0}, None)
