"""Makes a model's compiled form while training, and compares it with the model.

Read from what scikit-learn and XGBoost publish of a fitted model: `preprocessing` of training.py
in front, a linear model or an ensemble of trees behind. Whatever it does not know, it refuses, and
the model answers the plain way.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd

from seedling import tasks
from seedling.columns import part_names
from seedling.compiled import forms, tree_ensembles
from seedling.compiled.forms import (
    CHECK,
    FOLDER,
    FORM,
    TOLERANCE,
    TREES,
    Category,
    Check,
    Form,
    Number,
)
from seedling.compiled.tree_ensembles import LESS, LESS_OR_EQUAL, Tree
from seedling.config import Dataset
from seedling.data.example_rows import example
from seedling.data.scalars import plain
from seedling.errors import ProjectError
from seedling.files import read_json, sha256
from seedling.registry.model_files import Predictor
from seedling.training.notes import Compiled

CHECK_ROWS = 8
MOST_BOUNDARIES = 300


class NotCompilable(ProjectError):
    """Why a model has no compiled form."""


class Core(NamedTuple):
    """What an estimator computes of the preprocessed columns."""

    link: str
    labels: list[Any]
    base: list[float]
    weights: Sequence[list[float]] = ()
    trees: Sequence[Tree] = ()
    comparison: int = LESS_OR_EQUAL
    single: bool = False


def add(folder: Path, predictor: Predictor, predict: Path, rows: pd.DataFrame) -> Compiled:
    """Write the compiled form into a model's new folder, unless it answers differently.

    Args:
        folder: where the model was saved.
        predictor: the same model.
        predict: the team's predict.py.
        rows: rows that the model did not learn from.

    Returns:
        How far it is from the model, or why there is none.
    """
    home = folder / FOLDER
    home.mkdir()
    try:
        _write(home, predictor, {"model.pkl": folder / "model.pkl", "predict.py": predict})
        _write_check(home / CHECK, predictor)
        return compare(folder, predictor, predict, rows)
    except ProjectError as error:
        shutil.rmtree(home)
        return Compiled(refused=str(error))


def compare(folder: Path, predictor: Predictor, predict: Path, rows: pd.DataFrame) -> Compiled:
    """How far the compiled form is from the model: on these rows, and on those at its edges.

    Raises:
        ProjectError: it differs by more than the tolerance, or cannot be loaded.
    """
    form = forms.load(folder, predict)
    dataset = predictor.dataset
    beyond = edges(dataset, form.form, tree_ensembles.splits(folder / FOLDER / TREES))
    table = pd.concat([rows[dataset.feature_names], beyond], ignore_index=True)
    try:
        answer, truth = form.answer(values(table, dataset)), predictor.answer(table)
    except Exception as error:
        raise NotCompilable(f"the model fails at the edges of its features: {error}") from None
    worst = form.task.difference(answer, truth)
    if not worst <= TOLERANCE:
        raise NotCompilable(f"its answers differ from the model's by {worst:.1g}")
    kind = "trees" if (folder / FOLDER / TREES).exists() else "tables"
    return Compiled(kind, len(table), float(worst))


def values(rows: pd.DataFrame, dataset: Dataset) -> list[tuple[Any, ...]]:
    """n rows as the service hands them on, and as the compiled form takes them."""
    columns = (column.values(rows[column.name]) for column in dataset.features)
    return list(zip(*columns, strict=True))


def edges(dataset: Dataset, form: Form, splits: list[tuple[int, float]]) -> pd.DataFrame:
    """Rows with gaps, categories never seen, extreme numbers, and numbers at the trees' splits."""
    usual: dict[str, Any] = example(dataset.features)
    rows = [usual, dict.fromkeys(usual)]
    for column in dataset.features:
        rows.append({**usual, column.name: None})
        rows += [{**usual, column.name: value} for value in column.edges()]
    return pd.DataFrame(rows + list(_at_splits(dataset, form, splits, usual)), columns=list(usual))


def _at_splits(
    dataset: Dataset, form: Form, splits: list[tuple[int, float]], usual: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Rows whose numbers are a split's threshold, and the numbers next to it."""
    named = dict(zip(part_names(dataset.features), form.features, strict=True))
    numeric = (column.name for column in dataset.features if column.numeric)
    features = {
        feature.at: (name, feature)
        for name in numeric
        if isinstance(feature := named[name], Number)
    }
    splits = [(at, value) for at, value in splits if at in features]
    step = max(1, len(splits) // MOST_BOUNDARIES)
    for at, threshold in splits[::step]:
        name, feature = features[at]
        value = threshold * feature.scale + feature.mean
        for number in (np.nextafter(value, -np.inf), value, np.nextafter(value, np.inf)):
            yield {**usual, name: float(number)}


def _write_check(path: Path, predictor: Predictor) -> None:
    """A few rows with the model's own answers, gaps and a category never seen among them."""
    usual = example(predictor.dataset.features)
    strange = {
        column.name: column.unseen
        for column in predictor.dataset.features
        if column.unseen is not None
    }
    rows = [usual, dict.fromkeys(usual), {**usual, **strange}]
    rows += [{**usual, name: None} for name in list(usual)[: CHECK_ROWS - len(rows)]]
    table = pd.DataFrame(rows, columns=list(usual))
    check = Check(
        rows=[list(row) for row in values(table, predictor.dataset)],
        answer=tasks.of(predictor.dataset).answer(predictor.answer(table), predictor.dataset),
    )
    path.write_bytes(msgspec.json.encode(check))


def _write(home: Path, predictor: Predictor, sources: dict[str, Path]) -> None:
    pipeline = predictor.model
    if not hasattr(pipeline, "steps") or len(pipeline.steps) != 2:
        raise NotCompilable("it is no pipeline of preprocessing and a model")
    features, width = _features(pipeline[0], predictor.dataset)
    columns = enumerate(predictor.dataset.features)
    core = _core(pipeline[1])
    made_from = {name: sha256(path) for name, path in sources.items()}
    if core.trees:
        trees = tree_ensembles.as_onnx(core.trees, len(core.base), core.comparison)
        (home / TREES).write_bytes(trees)
        made_from[TREES] = sha256(home / TREES)
    form = Form(
        task=predictor.dataset.task,
        features=features,
        split_up={at: column.model_dump() for at, column in columns if column.parts},
        width=width,
        link=core.link,  # type: ignore[arg-type]
        labels=[plain(label) for label in core.labels],
        base=core.base,
        weights=list(core.weights),
        single=core.single,
        made_from=made_from,
    )
    (home / FORM).write_bytes(msgspec.json.format(msgspec.json.encode(form), indent=1))


# The preprocessing.


def _features(transformer: Any, dataset: Dataset) -> tuple[list[Number | Category], int]:
    """Each part's columns after the preprocessing, and how many columns there are in all."""
    if type(transformer).__name__ != "ColumnTransformer":
        raise NotCompilable(f"its preprocessing is a {type(transformer).__name__}")
    found: dict[str, Number | Category] = {}
    for name, fitted, columns in transformer.transformers_:
        start = transformer.output_indices_[name].start
        steps = [step for _, step in fitted.steps] if hasattr(fitted, "steps") else [fitted]
        kinds = [type(step).__name__ for step in steps]
        if not len(columns) or fitted == "drop":
            continue
        if kinds in (["SimpleImputer"], ["SimpleImputer", "StandardScaler"]):
            found |= dict(zip(columns, _numbers(start, *steps), strict=True))
        elif kinds == ["SimpleImputer", "OneHotEncoder"]:
            found |= dict(zip(columns, _categories(start, *steps), strict=True))
        else:
            raise NotCompilable(f"its preprocessing holds {', '.join(kinds)}")
    names = part_names(dataset.features)
    missing = [name for name in names if name not in found]
    if missing:
        raise NotCompilable(f"its preprocessing leaves {', '.join(missing)} out")
    width = max(columns.stop for columns in transformer.output_indices_.values())
    return [found[name] for name in names], width


def _numbers(start: int, imputer: Any, scaler: Any = None) -> list[Number]:
    fills = imputer.statistics_.tolist()
    means = scaler.mean_.tolist() if scaler else [0.0] * len(fills)
    scales = scaler.scale_.tolist() if scaler else [1.0] * len(fills)
    together = enumerate(zip(fills, means, scales, strict=True))
    return [
        Number(start + at, 0.0 if np.isnan(fill) else fill, mean, scale)
        for at, (fill, mean, scale) in together
    ]


def _categories(start: int, imputer: Any, encoder: Any) -> list[Category]:
    """Frequent categories have a column each, in order; infrequent ones share the last."""
    if encoder.drop_idx_ is not None or encoder.handle_unknown == "error":
        raise NotCompilable("its OneHotEncoder drops a category, or refuses unknown ones")
    found = []
    rare = encoder.infrequent_categories_ if hasattr(encoder, "infrequent_categories_") else None
    for at, names in enumerate(encoder.categories_):
        few = set() if rare is None or rare[at] is None else set(rare[at])
        often = [name for name in names if name not in few]
        columns = {str(name): start + place for place, name in enumerate(often)}
        shared = start + len(often) if few else None
        columns |= {str(name): start + len(often) for name in few}
        unknown = shared if encoder.handle_unknown == "infrequent_if_exist" else None
        missing = columns.get(str(imputer.statistics_[at]), unknown)
        found.append(Category(columns, missing, unknown))
        start += len(often) + bool(few)
    return found


# The estimators.


def _core(estimator: Any) -> Core:
    name = type(estimator).__name__
    if name not in CORES:
        raise NotCompilable(f"no compiled form of {name} is known")
    return CORES[name](estimator)


def _label_encoded(estimator: Any) -> Core:
    return _core(estimator.classifier)._replace(labels=list(estimator.classes_))


def _linear_classifier(estimator: Any) -> Core:
    link = "logistic" if len(estimator.classes_) == 2 else "softmax"
    weights, base = estimator.coef_.tolist(), estimator.intercept_.tolist()
    return Core(link, list(estimator.classes_), base, weights)


def _linear_regressor(estimator: Any) -> Core:
    weights = np.atleast_2d(estimator.coef_).tolist()
    return Core("identity", [], np.atleast_1d(estimator.intercept_).tolist(), weights)


def _forest(estimator: Any) -> Core:
    """The mean over the trees; of probabilities, the first of two follows from the second."""
    labels = list(getattr(estimator, "classes_", []))
    outputs = range(1, 2) if len(labels) == 2 else range(max(1, len(labels)))
    trees = []
    for member in estimator.estimators_:
        tree = member.tree_
        shares = tree.value[:, 0, :]
        if labels:
            shares = shares / shares.sum(axis=1, keepdims=True)
        for place, column in enumerate(outputs):
            value = shares[:, column] / len(estimator.estimators_)
            trees.append(
                Tree(
                    tree.children_left,
                    tree.children_right,
                    tree.feature,
                    tree.threshold,
                    value,
                    place,
                )
            )
    link = "shares" if labels else "identity"
    return Core(link, labels, [0.0] * len(outputs), trees=trees, single=True)


def _histogram_boosting(estimator: Any) -> Core:
    """scikit-learn publishes no reader of these trees, so this looks at its private nodes."""
    labels = list(getattr(estimator, "classes_", []))
    trees = []
    for stage in estimator._predictors:
        for output, predictor in enumerate(stage):
            nodes = predictor.nodes
            if nodes["is_categorical"].any():
                raise NotCompilable("its trees split by sets of categories")
            leaf = nodes["is_leaf"].astype(bool)
            left = np.where(leaf, -1, nodes["left"].astype(np.int64))
            right = np.where(leaf, -1, nodes["right"].astype(np.int64))
            feature, threshold = nodes["feature_idx"], nodes["num_threshold"]
            trees.append(Tree(left, right, feature, threshold, nodes["value"], output))
    base = np.ravel(estimator._baseline_prediction).tolist()
    return Core(_boosted_link(labels), labels, base, trees=trees)


def _xgboost(estimator: Any) -> Core:
    """From XGBoost's own JSON. It compares `<` and in single precision."""
    learner = json.loads(bytes(estimator.get_booster().save_raw("json")))["learner"]
    if learner["gradient_booster"]["name"] != "gbtree":
        raise NotCompilable(f"its booster is {learner['gradient_booster']['name']}")
    objective = learner["objective"]["name"]
    if objective not in ("binary:logistic", "multi:softprob", "reg:squarederror"):
        raise NotCompilable(f"no compiled form of the objective {objective} is known")
    model = learner["gradient_booster"]["model"]
    labels = list(getattr(estimator, "classes_", []))
    trees = [
        Tree(
            np.array(tree["left_children"]),
            np.array(tree["right_children"]),
            np.array(tree["split_indices"]),
            np.array(tree["split_conditions"], dtype=np.float32),
            np.array(tree["split_conditions"], dtype=np.float32),
            output,
        )
        for tree, output in zip(model["trees"], model["tree_info"], strict=True)
    ]
    base = [float(value) for value in json.loads(learner["learner_model_param"]["base_score"])]
    if objective == "binary:logistic":
        base = [float(np.log(share / (1 - share))) for share in base]
    link = _boosted_link(labels)
    return Core(link, labels, base, trees=trees, comparison=LESS, single=True)


def _catboost(estimator: Any) -> Core:
    """From CatBoost's own JSON. Its trees ask one question on each level, `>`, in single precision.

    A leaf's number has a bit for each question, that of the first the lowest.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        model = read_json(path)
    if "oblivious_trees" not in model:
        raise NotCompilable("its trees are not symmetric")
    scale, base = model["scale_and_bias"]
    labels = list(getattr(estimator, "classes_", []))
    outputs = len(labels) if len(labels) > 2 else 1
    trees = []
    for tree in model["oblivious_trees"]:
        leaves = np.array(tree["leaf_values"]).reshape(-1, outputs) * scale
        trees += [_oblivious(tree["splits"] or [], leaves[:, at], at) for at in range(outputs)]
    return Core(_boosted_link(labels), labels, base, trees=trees, single=True)


def _oblivious(splits: Sequence[Mapping[str, Any]], leaves: Any, output: int) -> Tree:
    """A symmetric tree with all its nodes, level by level from the root."""
    if any(split["split_type"] != "FloatFeature" for split in splits):
        raise NotCompilable("its trees split by categories")
    inner, depth = 2 ** len(splits) - 1, len(splits)
    level = np.array([at for at in range(depth) for _ in range(2**at)], dtype=int)
    features = np.array([split["float_feature_index"] for split in reversed(splits)], dtype=int)
    borders = np.array([split["border"] for split in reversed(splits)], dtype=np.float32)
    nodes = np.arange(inner)
    none, nothing = np.full(len(leaves), -1), np.zeros(len(leaves))
    return Tree(
        np.concatenate([2 * nodes + 1, none]),
        np.concatenate([2 * nodes + 2, none]),
        np.concatenate([features[level], none]),
        np.concatenate([borders[level], nothing]),
        np.concatenate([np.zeros(inner), leaves]),
        output,
    )


def _boosted_link(labels: list[Any]) -> str:
    if not labels:
        return "identity"
    return "logistic" if len(labels) == 2 else "softmax"


CORES: Mapping[str, Callable[[Any], Core]] = {
    "LabelEncoded": _label_encoded,
    "LogisticRegression": _linear_classifier,
    "LinearRegression": _linear_regressor,
    "RandomForestClassifier": _forest,
    "RandomForestRegressor": _forest,
    "HistGradientBoostingClassifier": _histogram_boosting,
    "HistGradientBoostingRegressor": _histogram_boosting,
    "XGBClassifier": _xgboost,
    "XGBRegressor": _xgboost,
    "CatBoostClassifier": _catboost,
    "CatBoostRegressor": _catboost,
}
