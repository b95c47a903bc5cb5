"""The ready models: what add-model writes for each. A model is data; another one is an entry."""

from typing import NamedTuple


class Ready(NamedTuple):
    """What a ready model's train.py consists of, beside what all of them share.

    `hyperparameters` are (name, type, default) in the order of the constructor; their values
    stand in model.yaml.
    """

    title: str
    imports: str
    estimator: str
    hyperparameters: tuple[tuple[str, str, str], ...]
    scale: bool = False
    helpers: tuple[str, ...] = ()
    train_metrics: str = "fit_metrics(model, X_train, y_train)"
    requirements: tuple[str, ...] = ()


RANDOM_STATE = ("random_state", "int", "20")

READY = {
    "logistic_regression": Ready(
        title="Logistic regression: linear in the log-odds, easy to explain.",
        imports="from sklearn.linear_model import LogisticRegression",
        estimator="LogisticRegression",
        hyperparameters=(("C", "float", "1.0"), ("max_iter", "int", "1000")),
        scale=True,
    ),
    "random_forest": Ready(
        title="Random forest: many deep trees on random parts of the data, averaged.",
        imports="from sklearn.ensemble import RandomForestClassifier",
        estimator="RandomForestClassifier",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("min_samples_leaf", "int", "3"),
            RANDOM_STATE,
        ),
    ),
    "gradient_boosting": Ready(
        title="Gradient boosting on histograms: trees that each mend what those before missed.",
        imports="from sklearn.ensemble import HistGradientBoostingClassifier",
        estimator="HistGradientBoostingClassifier",
        hyperparameters=(
            ("learning_rate", "float", "0.1"),
            ("max_iter", "int", "150"),
            ("max_leaf_nodes", "int", "15"),
            RANDOM_STATE,
        ),
    ),
    "xgboost": Ready(
        title="XGBoost: regularised gradient boosting.",
        imports="from xgboost import XGBClassifier",
        estimator="XGBClassifier",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("learning_rate", "float", "0.1"),
            ("max_depth", "int", "4"),
            RANDOM_STATE,
        ),
        helpers=("LabelEncoded",),
        requirements=(
            "xgboost-cpu>=3.2,<4; sys_platform != 'darwin'",
            "xgboost>=3.2,<4; sys_platform == 'darwin'",
        ),
    ),
}

PREDICT = '''"""How the model answers."""

from typing import Any

import pandas as pd


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    """The answer for n instances.

    Args:
        model: what train_model returned.
        instances: a row each, features as in training.

    Returns:
        predictions (n labels), scores (n x labels, probabilities) and the labels in their order.
    """
    scores = model.predict_proba(instances)
    labels = model.classes_
    return {"predictions": labels[scores.argmax(axis=1)], "scores": scores, "labels": labels}
'''
