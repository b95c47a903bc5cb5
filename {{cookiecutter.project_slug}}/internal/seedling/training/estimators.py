"""Preprocessing for a model's train.py, and fixed seeds."""

import random

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MOST_CATEGORIES = 50


def preprocessing(X: pd.DataFrame, scale: bool = False) -> ColumnTransformer:
    """Return an unfitted transformer for the columns of X; fit it in one pipeline with the model.

    Numbers: a gap takes the median of the training rows. Categories: one column each for the
    `MOST_CATEGORIES` most frequent; a gap and an unknown category are valid in predictions.

    Args:
        X: n rows of features, numbers as float64 and categories as text.
        scale: scale numbers to mean 0 and variance 1, as linear models need.
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


def fix_seeds(seed: int) -> None:
    """Seed the global random generators of Python and numpy."""
    random.seed(seed)
    np.random.seed(seed)
