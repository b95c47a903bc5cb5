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
    "linear_regression": Ready(
        title="Linear regression: its coefficients say what one unit of a feature is worth.",
        imports="from sklearn.linear_model import LinearRegression",
        estimator="LinearRegression",
        hyperparameters=(("fit_intercept", "bool", "True"),),
        helpers=("coefficients", "five_fold_rmse"),
        train_metrics="five_fold_rmse(model, X_train, y_train) | coefficients(model)",
    ),
    "random_forest": Ready(
        title="Random forest: many deep trees on random parts of the data, averaged.",
        imports="from sklearn.ensemble import RandomForestRegressor",
        estimator="RandomForestRegressor",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("min_samples_leaf", "int", "3"),
            RANDOM_STATE,
        ),
    ),
    "gradient_boosting": Ready(
        title="Gradient boosting on histograms: trees that each mend what those before missed.",
        imports="from sklearn.ensemble import HistGradientBoostingRegressor",
        estimator="HistGradientBoostingRegressor",
        hyperparameters=(
            ("learning_rate", "float", "0.1"),
            ("max_iter", "int", "150"),
            ("max_leaf_nodes", "int", "15"),
            RANDOM_STATE,
        ),
    ),
    "xgboost": Ready(
        title="XGBoost: regularised gradient boosting.",
        imports="from xgboost import XGBRegressor",
        estimator="XGBRegressor",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("learning_rate", "float", "0.1"),
            ("max_depth", "int", "4"),
            RANDOM_STATE,
        ),
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
        predictions (n numbers, in the target's unit).
    """
    return {"predictions": model.predict(instances)}
'''
