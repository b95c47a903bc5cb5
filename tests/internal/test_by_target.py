"""Texts and categories with many values: encoded by the target, and answered as the model does."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
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


@pytest.mark.parametrize(("kind", "model"), CASES, ids=lambda case: type(case).__name__)
def test_the_compiled_form_answers_as_the_model_does(
    kind: str, model: BaseEstimator, tmp_path: Path
) -> None:
    predictor = fitted(kind, model)
    (tmp_path / "model.pkl").write_bytes(b"the pickle")
    (tmp_path / "predict.py").write_text("predict = ...")
    noted = compiling.add(tmp_path, predictor, tmp_path / "predict.py", reviews(400, 90))
    assert not noted.refused
    assert noted.largest_difference < 1e-9
    form = forms.load(tmp_path, tmp_path / "predict.py")
    assert {type(feature).__name__ for feature in form.form.features} == {
        "Number",
        "Words",
        "Category",
    }
    assert form.form.features[2].means
