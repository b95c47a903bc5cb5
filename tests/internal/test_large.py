"""A column is read as a whole, and each cell as if it had come alone."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from small import PETS

from seedling import columns
from seedling.columns.protocol import Column
from seedling.config import Dataset, Target
from seedling.data.distinct import each, is_missing, label_texts
from seedling.data.held_out import HeldOut
from seedling.data.scalars import label_text, plain
from seedling.registry.model_files import Predictor
from seedling.scaffold.model_code import train_source
from seedling.scaffold.ready_models import READY
from seedling.tasks import train_metrics
from seedling.tasks.classification import measured
from seedling.training import estimators, importance, report

CELLS = {
    "whole numbers": pd.Series([3, 1, 3, 2]),
    "numbers": pd.Series([1.0, 2.5, np.nan, -0.0, 1e20, 2.5]),
    "booleans": pd.Series([True, False, True]),
    "booleans with gaps": pd.Series([True, None, False], dtype="boolean"),
    "integers with gaps": pd.Series([1, None, 2, 1], dtype="Int64"),
    "texts": pd.Series(["b", None, "a", "b"], dtype=object, index=[7, 5, 3, 1]),
    "strings": pd.Series(["b", None, "a"], dtype="string"),
    "categories": pd.Series(["b", None, "a", "b"], dtype="category"),
    "dates": pd.Series(pd.to_datetime(["2020-01-01", None, "2020-01-01"])),
    "days": pd.Series([date(2020, 1, 1), None], dtype=object),
    "decimals": pd.Series([Decimal("1.0"), Decimal("1.00"), None]),
    "a mixture": pd.Series([1, True, 1.0, "1", None, np.nan, np.float64(2.5)], dtype=object),
    "lists": pd.Series([[1], [2], [1]], dtype=object),
    "nothing": pd.Series([], dtype=object),
}


@pytest.fixture(params=list(CELLS))
def cells(request: pytest.FixtureRequest) -> pd.Series:
    return CELLS[request.param]


class Length(Column):
    """A type from outside, which reads one cell at a time."""

    parts: ClassVar[tuple[str, ...]] = ("length", "half")

    def cell(self, value: Any) -> str:
        if label_text(value) == "b":
            raise ValueError(value)
        return label_text(value)

    def encode(self, value: str) -> list[float | None]:
        return [float(len(value)), len(value) / 2]


def test_a_function_of_cells_gives_what_map_gives(cells: pd.Series) -> None:
    found = each(cells, repr)
    known = cells.notna()
    assert found[known].tolist() == [repr(cell) for cell in cells[known].astype(object)]
    assert found.index.equals(cells.index)


def test_labels_are_written_as_one_by_one(cells: pd.Series) -> None:
    expected = [
        None if is_missing(cell) else label_text(plain(cell)) for cell in cells.astype(object)
    ]
    assert label_texts(cells).astype(object).where(lambda text: text.notna(), None).tolist() == (
        expected
    )


def test_a_type_from_outside_reads_a_column_as_it_reads_a_cell(cells: pd.Series) -> None:
    cells = cells[(cells != "b").fillna(True)]
    column = Length(name="x", type="length")
    values = [
        None if is_missing(cell) else label_text(plain(cell)) for cell in cells.astype(object)
    ]
    assert column.values(cells) == values
    frame = column.frame(cells)
    assert list(frame) == ["x_length", "x_half"]
    assert all(part.dtype == np.float64 for part in frame.values())
    expected = [np.nan if value is None else float(len(value)) for value in values]
    np.testing.assert_array_equal(frame["x_length"], expected)
    assert column.checks()[0].fits(cells.dropna()).all()


def test_a_type_from_outside_marks_the_cells_that_it_cannot_read() -> None:
    (check,) = Length(name="x", type="length").checks()
    cells = pd.Series(["a", "b", "a", "b", "c"], index=[9, 8, 7, 6, 5])
    assert check.fits(cells).to_dict() == {9: True, 8: False, 7: True, 6: False, 5: True}


def test_a_cell_is_read_once_for_each_distinct_one() -> None:
    asked = []

    class Asked(Column):
        def cell(self, value: Any) -> Any:
            asked.append(value)
            return value

    column = Asked(name="x", type="asked")
    cells = pd.Series(["a", "b", None, "a"] * 1000)
    assert column.values(cells) == ["a", "b", None, "a"] * 1000
    assert sorted(asked) == ["a", "b"]


@pytest.mark.parametrize("kind", ["category", "boolean", "integer", "number"])
def test_a_row_is_checked_alike_alone_and_in_a_column(kind: str, cells: pd.Series) -> None:
    more = {"categories": ["a", "1", "2.5"]} if kind == "category" else {}
    column = columns.read({"name": "x", "type": kind, **more})
    known = cells.dropna()
    for check in column.checks():
        alone = [bool(check.fits(known[at : at + 1]).iloc[0]) for at in range(len(known))]
        assert check.fits(known).tolist() == alone


@pytest.mark.parametrize("labels", [["no", "yes"], [1, 0], [10, 9, 2], ["c", "a", "b"]])
def test_metrics_are_those_of_the_labels_themselves(labels: list[Any]) -> None:
    from sklearn import metrics as sk

    generator = np.random.default_rng(0)
    truth = pd.Series(generator.choice(np.array(labels, dtype=object), 300)).infer_objects()
    scores = generator.dirichlet(np.ones(len(labels)), 300)
    predictions = [labels[place] for place in scores.argmax(axis=1)]
    target = Target.model_validate({"name": "t", "type": "category", "labels": labels})
    answer = {"predictions": predictions, "scores": scores, "labels": labels}
    found = measured.measure(truth, answer, target)
    true, predicted = truth.map(str), pd.Series(predictions).map(str)
    two = {"pos_label": str(labels[-1])} if len(labels) == 2 else {"average": "macro"}
    assert found["f1"] == sk.f1_score(true, predicted, **two)
    assert found["precision"] == sk.precision_score(true, predicted, **two)
    assert found["recall"] == sk.recall_score(true, predicted, **two)
    assert found["accuracy"] == sk.accuracy_score(true, predicted)
    order = sorted(range(len(labels)), key=lambda place: str(labels[place]))
    by_text = [str(labels[place]) for place in order]
    assert found["log_loss"] == sk.log_loss(true, scores[:, order], labels=by_text)


def wide(count: int, features: int) -> tuple[Predictor, pd.DataFrame]:
    """A model that answers by one number among many, and rows for it."""
    names = [f"n{at:02d}" for at in range(features)]
    dataset = Dataset.model_validate(
        {
            **PETS.model_dump(),
            "target": {"name": "adopted", "type": "category", "labels": ["no", "yes"]},
            "features": [{"name": name, "type": "number"} for name in names],
        }
    )
    generator = np.random.default_rng(0)
    rows = pd.DataFrame(generator.normal(size=(count, features)), columns=names)
    rows["adopted"] = np.where(rows["n40"] + generator.normal(size=count) > 0, "yes", "no")

    def predict(_: Any, X: pd.DataFrame) -> dict[str, Any]:
        shares = 1 / (1 + np.exp(-X["n40"]))
        scores = np.column_stack([1 - shares, shares])
        return {
            "predictions": np.where(shares > 0.5, "yes", "no"),
            "scores": scores,
            "labels": ["no", "yes"],
        }

    return Predictor("m", "1", dataset, HeldOut(share=0.2), DummyClassifier(), predict), rows


def test_of_many_features_those_that_matter_are_measured_and_the_report_says_so() -> None:
    predictor, rows = wide(2000, 60)
    found = importance.of(predictor, rows)
    assert len(found.features) == importance.MOST_FEATURES
    first, second = found.features[:2]
    assert (first["name"], first["share"]) == ("n40", 1)
    assert first["mean"] > 0.1
    assert second["mean"] == 0
    assert "1,000 of the 2,000 rows" in found.drawn
    assert "Of 60 columns these 30 are measured" in found.drawn


def test_of_few_features_all_are_measured_and_nothing_is_drawn() -> None:
    predictor, rows = wide(900, 41)
    few = rows.iloc[:, -20:]
    features = [column for column in predictor.dataset.features if column.name in few]
    narrow = replace(predictor, dataset=predictor.dataset.model_copy(update={"features": features}))
    found = importance.of(narrow, rows)
    assert (len(found.features), found.drawn) == (len(features), "")
    assert found.features[0]["name"] == "n40"


def test_a_feature_loses_the_same_whether_others_are_left_out_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predictor, rows = wide(900, 45)
    sampled = importance.of(predictor, rows).features[0]
    monkeypatch.setattr(importance, "MOST_FEATURES", 45)
    whole = importance.of(predictor, rows).features[0]
    assert sampled["name"] == whole["name"] == "n40"
    assert sampled["mean"] == pytest.approx(whole["mean"], rel=0.2)


def test_many_rows_are_drawn_for_plots_with_their_own_answers() -> None:
    count = report.MOST_PLOTTED + 500
    truth = pd.Series(np.arange(count), index=np.arange(count)[::-1])
    answer = {"predictions": list(range(count)), "labels": ["a", "b"]}
    shown, own = report._plotted(truth, answer, ("predictions", "scores"))
    assert len(shown) == report.MOST_PLOTTED
    assert shown.tolist() == own["predictions"].tolist()
    assert own["labels"] == ["a", "b"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_forest_grows_with_the_rows_only_up_to_its_bounds(task: str) -> None:
    found: dict[str, Any] = {"__name__": "train"}
    exec(train_source(READY[task]["random_forest"]), found)  # noqa: S102
    train_model = partial(found["train_model"], n_estimators=3)
    generator = np.random.default_rng(0)
    X = pd.DataFrame({"x": generator.normal(size=400)})
    y = pd.Series((X["x"] + generator.normal(size=400) > 0).astype(int))
    whole = train_model(X, y)[0][-1]
    assert whole.max_samples == len(X)
    bounded = train_model(X, y, max_samples=50, max_leaf_nodes=4)[0][-1]
    assert bounded.max_samples == 50
    assert max(tree.tree_.n_leaves for tree in bounded.estimators_) == 4
    cells = X.to_numpy()
    free = clone(whole).set_params(max_samples=None).fit(cells, y)
    np.testing.assert_array_equal(free.predict(cells), whole.predict(cells))


@pytest.mark.parametrize("numbers", [0, 1])
@pytest.mark.parametrize("most", [8, 2])
def test_the_encoder_gives_what_it_gives_when_it_counts_and_has_no_bytes(
    monkeypatch: pytest.MonkeyPatch, most: int, numbers: int
) -> None:
    monkeypatch.setattr(estimators, "MOST_CATEGORIES", most)
    X = pd.DataFrame({"a": list("xxxyyzwx"), "b": [None, *"pqpqpqp"]}, dtype=object)
    X = X.assign(n=[1.5, np.nan, *range(6)]) if numbers else X
    found = estimators.preprocessing(X).fit(X)
    encoder = found.named_transformers_["categories"][-1]
    plain_one = clone(found).set_params(
        categories__onehotencoder__max_categories=most, categories__onehotencoder__dtype=float
    )
    new = pd.concat([X, X.assign(a="unseen")])
    answers = [each.transform(new) for each in (found, plain_one.fit(X))]
    assert encoder.max_categories == (None if most == 8 else 2)
    assert answers[0].dtype == np.float64
    np.testing.assert_array_equal(*answers)


def test_metrics_of_training_rows_are_measured_on_some_of_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, y = pd.DataFrame({"age": range(500)}), pd.Series(["no", "yes"] * 250)
    model = DummyClassifier(strategy="prior").fit(X, y)
    asked: list[int] = []
    predict_proba = DummyClassifier.predict_proba
    monkeypatch.setattr(
        DummyClassifier,
        "predict_proba",
        lambda self, X: (asked.append(len(X)), predict_proba(self, X))[1],
    )
    whole = train_metrics.fit_metrics(model, X, y)
    monkeypatch.setattr(train_metrics, "MOST_ROWS", 400)
    assert train_metrics.fit_metrics(model, X, y) == pytest.approx(whole, abs=0.1)
    assert asked == [500, 400]
