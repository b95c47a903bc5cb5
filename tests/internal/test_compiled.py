"""The compiled form: the same answers as the model, or none."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from small import PETS, pets

from seedling.compiled import compiling, forms, tree_ensembles
from seedling.config import Dataset
from seedling.data.column_values import distinct
from seedling.data.held_out import HeldOut
from seedling.data.schema import model_frame
from seedling.errors import ProjectError
from seedling.fitting import LabelEncoded
from seedling.registry.model_files import Predictor
from seedling.training.estimators import preprocessing
from seedling.training.notes import Compiled

DESCRIBED = PETS.model_dump()
TARGETS: dict[str, dict[str, Any]] = {
    "two": {"task": "classification", "metric": "roc_auc", "target": DESCRIBED["target"]},
    "three": {
        "task": "classification",
        "metric": "roc_auc",
        "target": {"name": "adopted", "type": "category", "labels": ["no", "soon", "yes"]},
    },
    "number": {
        "task": "regression",
        "metric": "rmse",
        "target": {"name": "adopted", "type": "number"},
    },
}
LINEAR = [
    ("two", LogisticRegression(max_iter=1000)),
    ("three", LogisticRegression(max_iter=1000)),
    ("number", LinearRegression()),
]
TREES = [
    ("two", RandomForestClassifier(n_estimators=20, random_state=0)),
    ("two", HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=2)),
    ("three", RandomForestClassifier(n_estimators=20, random_state=0)),
    ("three", HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=2)),
    ("number", RandomForestRegressor(n_estimators=20, random_state=0)),
    ("number", HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=2)),
]
# A project requires onnx only where one of its models has trees.
CASES = [*LINEAR, *(TREES if find_spec("onnx") else [])]
MADE_FROM = ["model.pkl", "predict.py", *(["compiled/trees.onnx"] if find_spec("onnx") else [])]


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    if not hasattr(model, "predict_proba"):
        return {"predictions": model.predict(instances)}
    scores = model.predict_proba(instances)
    labels = model.classes_
    return {"predictions": labels[scores.argmax(axis=1)], "scores": scores, "labels": labels}


def fitted(kind: str, model: BaseEstimator, offset: float = 0.0, scale: float = 1.37) -> Predictor:
    """The model on pets with gaps, `weight` being finer than single precision can tell."""
    dataset = Dataset.model_validate({**DESCRIBED, **TARGETS[kind]})
    rows = pets(200)
    generator = np.random.default_rng(0)
    rows["weight"] = 1 + generator.random(200) * 1e-7
    rows.loc[::7, "weight"] = np.nan
    rows.loc[::5, "kind"] = None
    target = rows["age"] + 3 * (rows["kind"] == "cat") + generator.random(200)
    if kind == "number":
        truth = target * scale + offset
    else:
        labels = dataset.target.labels
        truth = pd.qcut(target, len(labels), labels=labels).astype(str)
    X = model_frame(rows, dataset.features)
    linear = hasattr(model, "fit_intercept")
    pipeline = make_pipeline(preprocessing(X, scale=linear), model).fit(X, truth)
    return Predictor("pet", "new", dataset, HeldOut(0.2), pipeline, predict)


def compile_to(folder: Path, predictor: Predictor, rows: pd.DataFrame | None = None) -> Compiled:
    (folder / "model.pkl").write_bytes(b"the pickle")
    (folder / "predict.py").write_text("predict = ...")
    return compiling.add(
        folder, predictor, folder / "predict.py", pets(60) if rows is None else rows
    )


@pytest.mark.parametrize(("kind", "model"), CASES, ids=lambda case: type(case).__name__)
def test_it_answers_as_the_model_does_at_every_edge(
    kind: str, model: BaseEstimator, tmp_path: Path
) -> None:
    predictor = fitted(kind, model)
    noted = compile_to(tmp_path, predictor)
    assert not noted.refused
    assert noted.largest_difference < 1e-12
    form = forms.load(tmp_path, tmp_path / "predict.py")
    rows = pets(50)
    rows.loc[3, "weight"] = None
    values = compiling.values(rows, predictor.dataset)
    whole = form.answer(values)
    truth = predictor.answer(rows)
    assert whole["predictions"] == pytest.approx(list(truth["predictions"]))
    alone = [form.answer([row])["predictions"][0] for row in values]
    assert alone == whole["predictions"]
    edges = compiling.edges(predictor.dataset, form.form, [])
    values += compiling.values(edges, predictor.dataset)
    whole = form.answer(values)
    of_columns = form.answer_columns([distinct(column) for column in zip(*values, strict=True)])
    for key in form.task.by_row:
        assert np.array(of_columns[key]).tolist() == whole[key]


@pytest.mark.parametrize(
    ("kind", "leaves"),
    [
        *(("number", 2), ("three", 16), ("two", 31), ("three", 31), ("number", 64)),
        *(("number", 200), ("three", 200), ("forest", 200)),
    ],
)
def test_many_rows_have_the_bits_of_a_walk_through_each_tree(
    kind: str, leaves: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trees are answered by masks; of those of more than 64 leaves, top and trees below."""
    pytest.importorskip("onnx")
    monkeypatch.setattr("seedling.compiled.leaf_masks.GROVE", 4)
    if leaves > 64:  # of so few rows not all trees are large
        most = 32 if kind == "number" else 12
        monkeypatch.setattr("seedling.compiled.leaf_masks.MOST_LEAVES", most)
    boosting = HistGradientBoostingRegressor if kind == "number" else HistGradientBoostingClassifier
    model = boosting(max_iter=9, max_leaf_nodes=leaves, min_samples_leaf=1)
    if kind == "forest":
        kind, model = "three", RandomForestClassifier(9, max_leaf_nodes=leaves, random_state=0)
    predictor = fitted(kind, model)
    assert not compile_to(tmp_path, predictor).refused
    form = forms.load(tmp_path, tmp_path / "predict.py")
    values = compiling.values(pets(600), predictor.dataset)
    splits = tree_ensembles.splits(tmp_path / "compiled" / "trees.onnx")
    edges = compiling.edges(predictor.dataset, form.form, splits)
    values += compiling.values(edges, predictor.dataset)
    trees = form._model
    assert isinstance(trees, forms.Trees)
    masks = trees.masks(len(values))
    assert masks
    assert {grove._below is not None for grove in masks._groves} == {leaves > 64}
    whole = form.answer(values)
    for some in (values, values[:1], values[7:10]):
        of_columns = form.answer_columns([distinct(column) for column in zip(*some, strict=True)])
        for key in form.task.by_row:
            expected = whole[key] if some is values else form.answer(some)[key]
            assert np.array(of_columns[key]).tolist() == expected


def boosted(kind: str, offset: float, scale: float) -> Predictor:
    """XGBoost on pets, with a target around `offset`; skipped where a project does without it."""
    xgboost = pytest.importorskip("xgboost")
    if kind == "number":
        model = xgboost.XGBRegressor(n_estimators=200, max_depth=4)
    else:
        model = LabelEncoded(xgboost.XGBClassifier(n_estimators=200, max_depth=4))
    return fitted(kind, model, offset, scale)


@pytest.mark.parametrize(
    ("kind", "offset", "scale"),
    [("number", 0, 1), ("number", 2e5, 1e5), ("number", -1e7, 1), ("two", 0, 1), ("three", 0, 1)],
)
def test_sums_in_single_precision_are_compared_by_their_own_rounding(
    kind: str, offset: float, scale: float, tmp_path: Path
) -> None:
    noted = compile_to(tmp_path, boosted(kind, offset, scale))
    assert not noted.refused
    assert 0 < noted.largest_difference < 1e-4
    forms.load(tmp_path, tmp_path / "predict.py")


@pytest.mark.parametrize(("offset", "scale"), [(0, 1), (2e5, 1e5)])
def test_a_leaf_that_is_wrong_is_no_rounding(
    offset: float, scale: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = boosted("number", offset, scale)
    read = compiling.estimators.read

    def wrong(estimator: Any) -> Any:
        core = read(estimator)
        tree = core.trees[30]
        leaves = tree.left == -1
        other = tree._replace(value=np.where(leaves, tree.value * 1.01, tree.value))
        return core._replace(trees=[*core.trees[:30], other, *core.trees[31:]])

    monkeypatch.setattr(compiling.estimators, "read", wrong)
    noted = compile_to(tmp_path, predictor)
    assert "differ" in noted.refused


NULLABLE = {"age": "Int64", "weight": "Float64", "kind": "string", "tame": "boolean"}


@pytest.mark.parametrize(
    "dtypes", [NULLABLE, {**NULLABLE, "kind": "category"}, dict.fromkeys(NULLABLE, object)]
)
def test_gaps_of_every_kind_of_column_compile(dtypes: dict[str, Any], tmp_path: Path) -> None:
    predictor = fitted("two", LogisticRegression())
    rows = pets(60).astype({**NULLABLE})
    rows.loc[::4, "tame"] = pd.NA
    rows.loc[1::4, "age"] = pd.NA
    rows.loc[2::4, "weight"] = pd.NA
    rows.loc[3::4, "kind"] = pd.NA
    rows = rows.astype(dtypes)
    noted = compile_to(tmp_path, predictor, rows)
    assert not noted.refused
    form = forms.load(tmp_path, tmp_path / "predict.py")
    answer = form.answer(compiling.values(rows, predictor.dataset))
    assert form.task.difference(answer, predictor.answer(rows)) < 1e-12


def test_of_many_rows_some_are_compared_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = fitted("two", LogisticRegression())
    (tmp_path / "all").mkdir()
    (tmp_path / "some").mkdir()
    whole = compile_to(tmp_path / "all", predictor)
    monkeypatch.setattr(compiling, "MOST_ROWS", 20)
    drawn = compile_to(tmp_path / "some", predictor)
    assert drawn.rows == whole.rows - 60 + 20
    assert drawn.largest_difference < 1e-12


def test_a_model_of_another_kind_is_refused_in_words(tmp_path: Path) -> None:
    predictor = fitted("number", LinearRegression())
    strange = make_pipeline(MinMaxScaler(), LinearRegression())
    noted = compile_to(
        tmp_path, Predictor("pet", "new", predictor.dataset, HeldOut(0.2), strange, predict)
    )
    assert noted == Compiled(refused="its preprocessing is a MinMaxScaler")
    with pytest.raises(ProjectError, match="no compiled form"):
        forms.load(tmp_path, tmp_path / "predict.py")


def test_a_predict_that_does_more_than_the_model_is_refused(tmp_path: Path) -> None:
    predictor = fitted("two", LogisticRegression())

    def strict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
        answer = predict(model, instances)
        certain = answer["scores"][:, 1] == 1
        return answer | {"predictions": np.where(certain, "yes", "no")}

    own = Predictor("pet", "new", predictor.dataset, HeldOut(0.2), predictor.model, strict)
    assert "differ" in compile_to(tmp_path, own).refused


@pytest.mark.parametrize("name", MADE_FROM)
def test_it_does_not_outlive_what_it_was_made_from(name: str, tmp_path: Path) -> None:
    compile_to(tmp_path, fitted(*CASES[-1]))
    path = tmp_path / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ProjectError, match=f"{path.name} is not the one"):
        forms.load(tmp_path, tmp_path / "predict.py")


def test_it_is_not_used_where_it_no_longer_answers_the_same(tmp_path: Path) -> None:
    compile_to(tmp_path, fitted("number", LinearRegression()))
    form = tmp_path / "compiled" / "form.json"
    text = form.read_text(encoding="utf-8")
    form.write_text(text.replace('"fill": ', '"fill": 1'), encoding="utf-8")
    with pytest.raises(ProjectError, match="differs from the model by"):
        forms.load(tmp_path, tmp_path / "predict.py")
