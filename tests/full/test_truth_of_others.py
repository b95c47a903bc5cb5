"""A table of another team's predictions and their truth: what it allows to say, and what not."""

import msgspec
import pandas as pd
import pytest
from baking import ROOT

from seedling import tasks
from seedling.config import Dataset
from seedling.monitoring import performance
from seedling.monitoring.structs import Profile

pytestmark = pytest.mark.full

SHARED = ROOT.parent / "shared" / "data" / "monitoring"
MACHINES = Dataset.model_validate(
    {
        "name": "machines",
        "source": "machines.csv",
        "file_name": "machines.parquet",
        "version": "1",
        "task": "classification",
        "metric": "roc_auc",
        "entity_key": ["id"],
        "target": {"name": "ground_truth", "type": "category", "labels": [0, 1]},
        "features": [
            {"name": "heat_deviation", "type": "number"},
            {"name": "operator", "type": "category", "categories": ["operator1", "operator2"]},
        ],
    }
)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """The 5,000 predictions with their truth, as `truth.joined` has them."""
    if not (SHARED / "new_data.csv").is_file():
        pytest.skip(f"there is no {SHARED}")  # tests/internal/test_performance.py draws such rows
    parts = ("", "_groundtruth", "_inference")
    table, *others = (pd.read_csv(SHARED / f"new_data{part}.csv") for part in parts)
    for other in others:
        table = table.merge(other, on="id")
    scores = {"score_0": 1 - table["pred_proba"], "score_1": table["pred_proba"]}
    return table.rename(columns={"pred": "prediction"}).assign(**scores)


def test_truth_is_too_thin_for_a_verdict_and_scores_are_over_confident(rows: pd.DataFrame) -> None:
    whole = performance.measured(MACHINES, rows)
    area = whole.metrics["roc_auc"]
    assert (round(area.value, 3), round(whole.metrics["brier"].value, 3)) == (0.679, 0.054)
    assert whole.calibration.said == pytest.approx(0.107, abs=0.001)
    assert whole.calibration.seen == pytest.approx(0.025, abs=0.001)
    assert whole.calibration.off
    assert whole.calibration.over_confident
    assert whole.metrics["accuracy"].value == pytest.approx(0.934, abs=0.001)
    assert whole.metrics["recall"].high < 0.12  # which accuracy hides
    windows = [rows[start : start + 1_000] for start in range(0, 5_000, 1_000)]
    for window in [rows, *windows]:
        found = performance.measured(MACHINES, window)
        positives = int(window["ground_truth"].sum())
        assert found.verdict == "too few rows"
        assert f"{positives} of them 1, where a difference of 0.05" in found.sentences[0]
        assert "the scores are over-confident" in found.sentences[1]
    halves = [performance.measured(MACHINES, each).metrics["roc_auc"].half for each in windows]
    assert all(0.06 < half < 0.18 for half in halves)


def test_an_estimate_holds_what_came_true_where_earlier_truth_calibrates_it(
    rows: pd.DataFrame,
) -> None:
    training = tasks.of(MACHINES).training
    first, later = rows[:2_500].reset_index(drop=True), rows[2_500:].reset_index(drop=True)
    truth, answer = training.values(first, MACHINES.target), training.answered(first, MACHINES)
    text = training.reference(truth, answer, first, MACHINES)
    reference = Profile(len(first), {}, performance=msgspec.Raw(text))
    guess = performance.estimated(MACHINES, later, reference)
    real = performance.measured(MACHINES, later).metrics
    for name, each in guess.metrics.items():
        assert each.low <= real[name].value <= each.high, name
    nothing = performance.estimated(MACHINES, later, None)
    assert "has no profile of its held-out answers" in nothing.refused
