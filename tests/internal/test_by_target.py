"""Texts and categories with many values: encoded by the target, and answered as the model does."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from test_compiled import CASES, predict

from seedling.columns import read
from seedling.compiled import compiling, forms
from seedling.config import Dataset
from seedling.data.held_out import HeldOut
from seedling.data.infer_schema import propose, propose_feature
from seedling.data.schema import model_frame
from seedling.data.words import LONGEST, words
from seedling.registry.model_files import Predictor
from seedling.training.by_target import CategoriesByTarget, WordsByTarget
from seedling.training.estimators import preprocessing

GOOD, BAD = ["lovely", "quick", "schön", "好", "😀"], ["broken", "late", "schlecht", "坏", "😡"]
PLAIN = ["the", "parcel", "and", "its", "box", "was", "today", "quite", "really", "here"]
NAMES = {"two": ["bad", "good"], "three": ["bad", "fair", "good"], "number": []}


def reviews(count: int = 300, cities: int = 80) -> pd.DataFrame:
    """Texts that say what `score` is, in several languages, and one of many cities."""
    generator = np.random.default_rng(0)
    city = generator.integers(0, cities, count)
    mood = generator.random(count)
    texts = []
    for share in mood:
        told = [GOOD if generator.random() < share else BAD for _ in range(3)]
        picked = [str(generator.choice(list_)) for list_ in told]
        plain = [str(word) for word in generator.choice(PLAIN, 6)]
        texts.append(" ".join(generator.permutation([*picked, *plain])) + "!")
    rows = pd.DataFrame(
        {
            "city": [f"city {number}" for number in city],
            "note": texts,
            "size": generator.normal(3, 1, count).round(2),
            "score": 3 * mood + (city % 7) / 3 + generator.normal(0, 0.2, count),
        }
    )
    rows.loc[::9, ["city", "note"]] = None
    return rows


def described(kind: str, rows: pd.DataFrame) -> Dataset:
    cities = sorted(rows["city"].dropna().unique())
    target: dict[str, Any] = {"name": "score", "type": "number"}
    if NAMES[kind]:
        target = {"name": "score", "type": "category", "labels": NAMES[kind]}
    return Dataset.model_validate(
        {
            "name": "reviews",
            "source": "reviews.csv",
            "file_name": "reviews.parquet",
            "version": "1",
            "task": "classification" if NAMES[kind] else "regression",
            "metric": "accuracy" if NAMES[kind] else "rmse",
            "entity_key": [],
            "target": target,
            "features": [
                {"name": "size", "type": "number"},
                {"name": "note", "type": "text", "nullable": True},
                {"name": "city", "type": "category", "categories": cities, "nullable": True},
            ],
        }
    )


def truth_of(kind: str, rows: pd.DataFrame) -> pd.Series:
    labels = NAMES[kind]
    return pd.qcut(rows["score"], len(labels), labels=labels).astype(str) if labels else rows.score


def fitted(kind: str, model: BaseEstimator) -> Predictor:
    rows = reviews()
    dataset = described(kind, rows)
    X = model_frame(rows, dataset.features)
    linear = hasattr(model, "fit_intercept")
    pipeline = make_pipeline(preprocessing(X, scale=linear), model).fit(X, truth_of(kind, rows))
    return Predictor("reviews", "new", dataset, HeldOut(0.2), pipeline, predict)


def compiled(predictor: Predictor, folder: Path) -> forms.Compiled:
    (folder / "model.pkl").write_bytes(b"the pickle")
    (folder / "predict.py").write_text("predict = ...")
    noted = compiling.add(folder, predictor, folder / "predict.py", reviews(400, 90))
    assert not noted.refused
    assert noted.largest_difference < 1e-9
    return forms.load(folder, folder / "predict.py")


@pytest.mark.parametrize(("kind", "model"), CASES, ids=lambda case: type(case).__name__)
def test_the_compiled_form_answers_as_the_model_does(
    kind: str, model: BaseEstimator, tmp_path: Path
) -> None:
    number, text, category = compiled(fitted(kind, model), tmp_path).form.features
    assert isinstance(number, forms.Number)
    assert isinstance(text, forms.Words)
    assert isinstance(category, forms.Category)
    assert category.means
    assert len(category.columns) > len(set(category.columns.values()))  # rare ones share a column


@pytest.mark.parametrize(("kind", "model"), CASES[:3], ids=lambda case: type(case).__name__)
def test_any_characters_are_answered_as_the_model_does(
    kind: str, model: BaseEstimator, tmp_path: Path
) -> None:
    predictor = fitted(kind, model)
    form = compiled(predictor, tmp_path)
    generator = np.random.default_rng(1)
    known = [*GOOD, *BAD, *PLAIN, "\r\n", '"', "'", "\t", "\x00", "e\u0301", "\u0130", "\ufdfa"]
    points = np.setdiff1d(np.arange(1, 0x1FFFF), np.arange(0xD800, 0xE000))
    made = [
        "".join([*map(chr, generator.choice(points, 8)), *generator.choice(known, 8)])
        + " ".join(generator.choice(known, generator.integers(0, 30)))
        for _ in range(200)
    ]
    rows = reviews(200).assign(note=[*made[:-1], "very long " * 20_000])
    difference = form.task.difference(
        form.undecided(compiling.values(rows, predictor.dataset)), predictor.undecided(rows)
    )
    assert difference < 1e-12


def test_what_words_and_cities_say_is_learned() -> None:
    rows = reviews(900)
    truth = truth_of("two", rows)
    scores = {}
    for name in ("note", "city", "size"):
        dataset = described("two", rows)
        (column,) = [each for each in dataset.features if each.name == name]
        X = model_frame(rows, [column])
        model = make_pipeline(preprocessing(X, scale=True), LogisticRegression())
        model.fit(X[:600], truth[:600])
        scores[name] = roc_auc_score(truth[600:] == "good", model.predict_proba(X[600:])[:, 1])
    assert scores["note"] > 0.75
    assert scores["city"] > 0.6
    assert scores["size"] < 0.56


@pytest.mark.parametrize("encoder", [CategoriesByTarget(), WordsByTarget()])
def test_a_row_is_encoded_without_its_own_target(encoder: Any) -> None:
    generator = np.random.default_rng(0)
    values = pd.DataFrame({"noise": [f"word{at // 2}" for at in range(600)]})
    y = generator.normal(0, 1, 600)
    learned = encoder.fit_transform(values, y)[:, 0]
    assert abs(np.corrcoef(learned, y)[0, 1]) < 0.15  # it would be 0.7 with its own target
    assert np.corrcoef(encoder.transform(values)[:, 0], y)[0, 1] > 0.6


@pytest.mark.parametrize("encoder", [CategoriesByTarget(), WordsByTarget()])
@pytest.mark.parametrize(
    ("y", "names"),
    [
        (["a"] * 9 + ["b"], ["x"]),
        (["a"] * 8 + ["b", "c"], ["x_a", "x_b", "x_c"]),  # in most folds nobody knows c
        ([1.0] * 10, ["x"]),
        ([0.5, 2.0], ["x"]),
        ([True, False] * 5, ["x"]),
    ],
)
def test_rare_classes_and_few_rows_are_encoded_and_the_unknown_is_the_mean(
    encoder: Any, y: list[Any], names: list[str]
) -> None:
    values = pd.DataFrame({"x": (["left", "right"] * 5)[: len(y)]})
    assert np.isfinite(encoder.fit_transform(values, pd.Series(y))).all()
    assert list(encoder.get_feature_names_out()) == names
    if isinstance(encoder, CategoriesByTarget):
        counts = pd.Series(y).value_counts(normalize=True)
        mean = np.mean(y) if isinstance(y[0], float) else counts.loc[sorted(counts.index)]
        unknown = encoder.transform(pd.DataFrame({"x": ["middle"]}))[0]
        assert unknown == pytest.approx(np.ravel(mean)[-len(names) :])


def test_a_category_has_a_column_each_where_model_yaml_says_so() -> None:
    cells = pd.Series([f"c{number % 60}" for number in range(240)])
    entry = {"name": "c", "type": "category", "categories": sorted(cells.unique())}
    by_default, plain = read(entry), read({**entry, "by_target": False})
    few = {**entry, "categories": ["c0", "c1"]}
    y = pd.Series(np.arange(240.0))
    width = {
        name: preprocessing(frame := pd.DataFrame(column.frame(cells))).fit_transform(frame, y)
        for name, column in {
            "default": by_default,
            "no": plain,
            "few": read(few),
            "asked": read({**few, "by_target": True}),
        }.items()
    }
    assert {name: found.shape[1] for name, found in width.items()} == {
        "default": 51,
        "no": 50,
        "few": 50,
        "asked": 51,
    }


def test_words_of_any_language_are_found() -> None:
    assert words("It's 5 STARS!") == ["it", "'", "s", "5", "stars", "!"]
    assert words("Größe\r\nZürich\t\U0001f600\U0001f600") == ["größe", "zürich", *"\U0001f600" * 2]
    assert words("好的, ok") == ["好", "的", ",", "ok"]
    assert words("e\u0301te\u0301") == words("\u00e9t\u00e9")
    assert words("") == []
    assert len(words("a " * LONGEST)) == LONGEST / 2


def test_free_text_is_proposed_and_names_and_numbers_are_not() -> None:
    rows = reviews().assign(
        name=[f"Family{at}, Mr. First{at}" for at in range(300)],
        code=[f"{at:04}-{at * 7919 % 9973:04}-AB{at}" for at in range(300)],
        phone=[f"+49 170 {at:03} {at * 7 % 100:02} {at * 3 % 100:02}x" for at in range(300)],
        label=["yes", "no", "no"] * 100,
    )
    proposal = propose(rows, "reviews", "reviews.csv", target="label")
    types = {each["name"]: each["type"] for each in proposal.entry["features"]}
    assert types["note"] == "text"
    assert set(proposal.left_out) == {"name", "code", "phone"}
    (line,) = [each for each in proposal.lines if each.name == "note"]
    assert line.seen == "texts of 10 to 10 words, median 10"
    note = next(each for each in proposal.entry["features"] if each["name"] == "note")
    assert note == {"name": "note", "type": "text", "nullable": True}


def test_of_very_many_categories_the_frequent_ones_are_listed() -> None:
    generator = np.random.default_rng(0)
    zones = pd.Series(
        [f"zone {number}" for number in generator.integers(0, 300, 3000)], name="zone"
    )
    entry, reason = propose_feature("zone", zones)
    assert not reason
    assert (entry["type"], entry["others"], len(entry["categories"])) == ("category", True, 200)
    column = read(entry)
    assert column.words().endswith(" and 188 more or another")
    assert column.checks() == []
    assert column.widened(pd.Series(["never seen"])) == {}
    assert column.frame(zones)["zone"].dtype == "category"
    listed = read({"name": "zone", "type": "category", "categories": entry["categories"]})
    assert listed.widened(zones) == {"others": True}  # rather than a list without an end
    _, reason = propose_feature("zone", zones[:900])
    assert reason == f"it holds {zones[:900].nunique()} different texts"


def test_the_summary_of_texts_is_of_their_words() -> None:
    notes = reviews(600)["note"]
    text = type(read({"name": "note", "type": "text"}))
    assert text.summary(notes.dropna()) == "10 to 10 words, median 10"
