"""What a model's train.py builds on: preprocessing fitted on training rows, and labels."""

import random
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

MOST_CATEGORIES = 50


def preprocessing(X: pd.DataFrame, scale: bool = False) -> ColumnTransformer:
    """An unfitted transformer for the columns of X: to be fitted with the model, in one pipeline.

    Numbers: a gap takes the median of the training rows. Categories: one column each for the
    `MOST_CATEGORIES` most frequent; a gap, or a category never seen, is answered all the same.

    Args:
        X: n rows of features, numbers as float64 and categories as text.
        scale: bring numbers to mean 0 and variance 1, as linear models want them.
    """
    numbers = list(X.select_dtypes("number").columns)
    categories = [name for name in X.columns if name not in numbers]
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    encode = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
    )
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(impute, StandardScaler()) if scale else impute, numbers),
            (
                "categories",
                make_pipeline(SimpleImputer(strategy="constant", fill_value="missing"), encode),
                categories,
            ),
        ]
    )


class LabelEncoded(ClassifierMixin, BaseEstimator):
    """A classifier that knows classes only as 0, 1, 2, ... learns and answers any labels."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, X: Any, y: Any) -> Self:
        encoder = LabelEncoder().fit(y)
        self.classes_ = encoder.classes_
        self.classifier.fit(X, encoder.transform(y))
        return self

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> Any:
        return self.classifier.predict_proba(X)


def fix_seeds(seed: int) -> None:
    """Make everything that draws from Python's or numpy's global generator repeatable."""
    random.seed(seed)
    np.random.seed(seed)


def fit_metrics(model: Any, X: pd.DataFrame | None, y: pd.Series | None) -> dict[str, float]:
    """A quick look at a fitted model: accuracy and log loss, or RMSE and R². Empty without rows."""
    if X is None or y is None:
        return {}
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
    """RMSE on the rows that each of five folds leaves out, and on the rows of the fit."""
    folds = KFold(5, shuffle=True, random_state=0)
    losses = cross_val_score(model, X, y, cv=folds, scoring="neg_root_mean_squared_error")
    return {**fit_metrics(model, X, y), "rmse_5_fold": float(-losses.mean())}


def coefficients(model: Pipeline) -> dict[str, float]:
    """The intercept and the coefficients of a linear model, in the target's unit per feature's."""
    names = model[:-1].get_feature_names_out()
    linear = model[-1]
    found = {"intercept": float(np.ravel(linear.intercept_)[0])}
    for name, value in zip(names, np.ravel(linear.coef_), strict=True):
        found[f"coefficient_{name.partition('__')[2]}"] = float(value)
    return found
