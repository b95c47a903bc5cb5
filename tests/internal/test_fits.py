"""What is registered has learned from all rows that the gate does not hold out, and says how well.

The first fit looks at X_test, cross-validation and the second fit do without.
"""

from typing import Any

import pandas as pd
import pytest
from small import PETS, pets

from seedling.config import Dataset, Project, Split, Training
from seedling.training import cross_validation, first_rows, outcomes
from seedling.training.cross_validation import validated
from seedling.training.fits import Fitting, Table, refitted
from seedling.training.learning import learn
from seedling.training.notes import Compiled, CrossValidated, Interval, Refit

ONE = {"models": [{"name": "cats", "dataset": "pets"}]}


def guess(model: float, X: pd.DataFrame) -> dict[str, Any]:
    """Answer with the share of the label that the `model` has learned."""
    scores = [[1 - model - age / 1000, model + age / 1000] for age in X["age"]]
    predictions = ["yes" if yes > no else "no" for no, yes in scores]
    return {"predictions": predictions, "scores": scores, "labels": ["no", "yes"]}


class Trainer:
    """A train_model that stops early at 7 rounds, and notes its calls."""

    def __init__(self, needs_test: bool = False) -> None:
        self.calls: list[tuple[int, int | None, int]] = []
        self.needs_test = needs_test

    def __call__(self, X_train: Any, y_train: Any, X_test: Any, y_test: Any, *, rounds: int) -> Any:
        if self.needs_test:
            X_test.head()
        self.calls.append((len(X_train), None if X_test is None else len(X_test), rounds))
        best = {} if X_test is None else {"rounds": 7.0}
        return float((y_train == "yes").mean()), {"rows": len(X_train)}, best


def table(dataset: Dataset = PETS) -> Table:
    rows = pets()
    return Table(rows, rows[PETS.feature_names], rows["adopted"], dataset)


def first(trainer: Trainer, rows: pd.DataFrame) -> tuple[Fitting, Any]:
    fitting = Fitting(trainer, {"rounds": 100}, 20)
    X, y = rows[PETS.feature_names], rows["adopted"]
    return fitting, fitting.first(X[:40], y[:40], X[40:], y[40:])


def test_the_second_fit_has_all_rows_and_as_many_rounds_as_the_first_found_best() -> None:
    trainer = Trainer()
    fitting, fit = first(trainer, pets())
    kept, refit = refitted(fitting, fit, table().X, table().y, True)
    assert trainer.calls == [(40, 20, 100), (60, None, 7)]
    assert (kept.train_metrics, refit.rows) == ({"rows": 60}, 60)


def test_a_train_model_that_needs_the_test_rows_keeps_its_first_fit() -> None:
    trainer = Trainer(needs_test=True)
    fitting, fit = first(trainer, pets())
    kept, refit = refitted(fitting, fit, table().X, table().y, True)
    assert kept is fit
    assert "without X_test (AttributeError: 'NoneType'" in refit.refused
    assert "without X_test" in validated(fitting, fit, guess, table(), None).refused


def test_a_first_fit_of_a_large_table_draws_rows_of_each_class_and_the_kept_one_has_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(first_rows, "FEWEST", 5)
    rows = pets(1000).assign(adopted=["yes"] * 60 + ["no"] * 940)
    large = Table(rows, rows[PETS.feature_names], rows["adopted"], PETS)
    whole = first_rows.of(large)
    drawn = first_rows.drawn(whole, large, most=50)
    assert (len(whole.train), len(whole.test)) == (800, 200)
    assert (len(drawn.train), len(drawn.test)) == (43, 15)  # 5 at least of "yes" on either side
    assert {*drawn.train} < {*whole.train}
    assert {*drawn.test} < {*whole.test}
    assert (large.part(drawn.train)[1] == "yes").sum() == 5
    assert first_rows.drawn(whole, large, most=1000) is whole


@pytest.mark.parametrize("needs_test", [False, True])
def test_the_kept_model_has_not_learned_from_drawn_rows_only(
    monkeypatch: pytest.MonkeyPatch, needs_test: bool
) -> None:
    monkeypatch.setattr(first_rows.drawn, "__defaults__", (50,))
    trainer, rows = Trainer(needs_test), pets(1000)
    large = Table(rows, rows[PETS.feature_names], rows["adopted"], PETS)
    settings = Training.model_validate({**ONE, "folds": 0})
    learned = learn(Fitting(trainer, {"rounds": 100}, 20), guess, large, settings, once=False)
    assert trainer.calls[0] == (200, 200, 100)
    if needs_test:
        assert (trainer.calls[1:], learned.row_count) == ([(800, 200, 100)], 800)
        assert learned.kept is learned.first
        assert learned.refit.refused
    else:
        assert (trainer.calls[1:], learned.row_count) == ([(1000, None, 7)], 1000)
        assert learned.refit.drawn == 200


@pytest.mark.parametrize("split", [None, Split(by="id")], ids=["hash", "time"])
def test_each_fold_is_measured_on_rows_that_its_fit_has_not_seen(split: Split | None) -> None:
    trainer = Trainer()
    fitting, fit = first(trainer, pets())
    dataset = PETS.model_copy(update={"split": split})
    found = validated(fitting, fit, guess, table(dataset), None)
    assert (found.folds, found.rows) == (5, 60)
    assert found.repeats == (1 if split else 5)
    assert {rounds for _, _, rounds in trainer.calls[1:]} == {7}
    learned = [rows for rows, _, _ in trainer.calls[1:]]
    assert learned == sorted(learned) if split else max(learned) < 55
    assert 0.1 < found.metrics["roc_auc"].mean < 0.9
    assert 0.05 < found.metrics["roc_auc"].half < 0.6


def test_the_interval_is_wider_than_the_spread_of_the_folds_says() -> None:
    found = cross_validation._interval([0.8, 0.9, 0.7, 0.8, 0.8], 1 / 5 + 1 / 4)
    assert found.mean == pytest.approx(0.8)
    # t of 4 degrees of freedom is 2.776; the sample variance is 0.005.
    assert found.half == pytest.approx(2.776 * (0.45 * 0.005) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("rows", "features", "wanted", "folds", "repeats"),
    [
        (60, 4, None, 5, 5),
        (1000, 4, None, 5, 1),
        (1000, 501, None, 0, 0),
        (1000, 501, 3, 3, 1),
        (25_000, 4, None, 0, 0),
        (25_000, 4, 5, 5, 1),
        (60, 4, 0, 0, 0),
        (6, 4, None, 3, 5),
    ],
)
def test_folds_are_chosen_by_the_table_and_by_no_clock(
    rows: int, features: int, wanted: int | None, folds: int, repeats: int
) -> None:
    table = pets(rows).assign(adopted=["no", "yes"] * (rows // 2) + ["no"] * (rows % 2))
    wide = PETS.model_copy(update={"features": (PETS.features * features)[:features]})
    chosen = cross_validation.plan(table, wide, wanted)
    assert (chosen.folds, chosen.repeats) == (folds, repeats)
    assert bool(chosen.refused) == (folds == 0)


def test_one_fold_is_none() -> None:
    with pytest.raises(ValueError, match="leaves no rows to learn from"):
        Training.model_validate({**ONE, "folds": 1})


@pytest.mark.parametrize(
    ("rows", "held_out", "champion", "words"),
    [
        (6, 6, False, "Measured on 6 held-out rows: so few say little."),
        (400, 400, True, "Compared on 400 held-out rows."),
        (55, 208, True, "Compared on 55 of 208 held-out rows, new to both models: so few say lit"),
    ],
)
def test_a_comparison_says_its_rows(rows: int, held_out: int, champion: bool, words: str) -> None:
    assert outcomes.compared(rows, held_out, champion).startswith(words)


def test_what_is_left_out_says_why() -> None:
    none, refit = CrossValidated(refused="folds: 0"), Refit(refused="refit: false")
    plain = Compiled(refused="no compiled form of SVR is known")
    assert outcomes.fits("rmse", 80, refit, none, plain) == [
        "Not cross-validated: folds: 0.",
        "Not fitted again, it learned from 80 rows: refit: false.",
        "Served the plain way, by pandas and scikit-learn, more slowly: "
        "no compiled form of SVR is known.",
    ]
    some = CrossValidated(5, 2, 30, {"rmse": Interval(1.25, 0.5)}, 0.7)
    assert outcomes.fits("rmse", 30, Refit(30, 0.1), some, Compiled("trees")) == [
        "Cross-validated rmse 1.25 ± 0.5 (95 %; 5 folds of 30 rows, 2 times, 0.7 s).",
        "Fitted again on all 30 rows in 0.1 s.",
    ]


def test_a_report_says_how_many_rows_and_how_sure(trained: Project) -> None:
    (card,) = trained.assets.glob("reports/*/*/model_card.md")
    text = card.read_text(encoding="utf-8")
    assert "Fitted again on all 320 rows" in text
    assert "| Trained |" in text
    assert "on 320 rows |" in text
    page = card.with_name("report.html").read_text(encoding="utf-8")
    assert "Measured on 80 held-out rows: so few say little." in page
    assert "Cross-validated" in text
    assert "±" in page
