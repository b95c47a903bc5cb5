"""Metrics and coefficients that a model's train.py returns, beside the metrics of the gate."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import Pipeline

MOST_ROWS = 100_000  # that fit_metrics measures on; of more it draws some


def fit_metrics(model: Any, X: pd.DataFrame | None, y: pd.Series | None) -> dict[str, float]:
    """Return accuracy and log loss of a classifier, RMSE and R² of a regressor; {} without rows.

    Beyond MOST_ROWS some rows are drawn, always the same: the gate measures on all of the holdout.
    """
    if X is None or y is None:
        return {}
    if len(X) > MOST_ROWS:
        drawn = np.random.default_rng(0).choice(len(X), MOST_ROWS, replace=False)
        X, y = X.iloc[drawn], y.iloc[drawn]
    if is_classifier(model):
        scores = model.predict_proba(X)
        return {
            "accuracy": float(accuracy_score(y, model.classes_[scores.argmax(axis=1)])),
            "log_loss": float(log_loss(y, scores, labels=model.classes_)),
        }
    predicted = model.predict(X)
    return {
        "rmse": float(root_mean_squared_error(y, predicted)),
        "r2": float(r2_score(y, predicted)),
    }


def five_fold_rmse(model: Pipeline, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    """Return `fit_metrics` and `rmse_5_fold`, the mean RMSE on the rows that each fold leaves out.

    All are in the target's unit, except R².
    """
    folds = KFold(5, shuffle=True, random_state=0)
    losses = cross_val_score(model, X, y, cv=folds, scoring="neg_root_mean_squared_error")
    return {**fit_metrics(model, X, y), "rmse_5_fold": float(-losses.mean())}


def coefficients(model: Pipeline) -> dict[str, float]:
    """Return a linear model's intercept and coefficients by name, in the target's unit each."""
    names = model[:-1].get_feature_names_out()
    linear = model[-1]
    found = {"intercept": float(np.ravel(linear.intercept_)[0])}
    for name, value in zip(names, np.ravel(linear.coef_), strict=True):
        found[f"coefficient_{name.partition('__')[2]}"] = float(value)
    return found
