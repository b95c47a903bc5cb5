"""Reads fitted estimators: linear models, and ensembles of trees of three libraries."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from seedling.compiled.tree_ensembles import LESS, LESS_OR_EQUAL, Tree
from seedling.errors import ProjectError
from seedling.files import read_json


class NotCompilable(ProjectError):
    """A model has no compiled form; the message says why."""


class Core(NamedTuple):
    """The numbers of a fitted estimator, by which it computes raw outputs from columns.

    `link`, `labels`, `base`, `weights`, `single` and `additions` are those of `forms.Form`;
    `comparison` is how the nodes of `trees` compare a value with their threshold.
    """

    link: str
    labels: list[Any]
    base: list[float]
    weights: Sequence[list[float]] = ()
    trees: Sequence[Tree] = ()
    comparison: int = LESS_OR_EQUAL
    single: bool = False
    additions: int = 0


def read(estimator: Any) -> Core:
    """Read the numbers of a fitted estimator.

    Raises:
        NotCompilable: its kind, or how it was configured, is not known here.
    """
    name = type(estimator).__name__
    if name not in CORES:
        raise NotCompilable(f"no compiled form of {name} is known")
    return CORES[name](estimator)


def _label_encoded(estimator: Any) -> Core:
    """Read the classifier inside, which has learned numbers in place of labels."""
    return read(estimator.classifier)._replace(labels=list(estimator.classes_))


def _linear_classifier(estimator: Any) -> Core:
    """Read a linear model of two labels or more."""
    link = "logistic" if len(estimator.classes_) == 2 else "softmax"
    weights, base = estimator.coef_.tolist(), estimator.intercept_.tolist()
    return Core(link, list(estimator.classes_), base, weights)


def _linear_regressor(estimator: Any) -> Core:
    """Read a linear model of numbers."""
    weights = np.atleast_2d(estimator.coef_).tolist()
    return Core("identity", [], np.atleast_1d(estimator.intercept_).tolist(), weights)


def _forest(estimator: Any) -> Core:
    """Read a random forest: the mean over its trees; of two labels, the second's probability."""
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
    """Read scikit-learn's boosted trees from private nodes: it publishes no reader of them."""
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
    """Read XGBoost's own JSON. Its trees compare by `<` and are summed, in single precision."""
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
    additions = len(trees) // len(base)
    return Core(link, labels, base, trees=trees, comparison=LESS, single=True, additions=additions)


def _catboost(estimator: Any) -> Core:
    """Read CatBoost's own JSON. Its trees have one split a level, by `>`, in single precision.

    A leaf's number has a bit for each split, the lowest for the first.
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
        splits = tree["splits"] or []
        trees += [_oblivious(splits, leaves[:, output], output) for output in range(outputs)]
    return Core(_boosted_link(labels), labels, base, trees=trees, single=True)


def _oblivious(splits: Sequence[Mapping[str, Any]], leaves: Any, output: int) -> Tree:
    """Return a symmetric tree of CatBoost with all its nodes, level by level from the root."""
    if any(split["split_type"] != "FloatFeature" for split in splits):
        raise NotCompilable("its trees split by categories")
    inner, depth = 2 ** len(splits) - 1, len(splits)
    level = np.array([each for each in range(depth) for _ in range(2**each)], dtype=int)
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
    """Return the link of boosted trees, whose raw outputs are log-odds, logits or numbers."""
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
