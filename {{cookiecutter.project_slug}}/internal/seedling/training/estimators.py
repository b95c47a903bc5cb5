"""What a model's train.py builds on: preprocessing fitted on its rows, and fixed seeds."""

import random

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

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


def fix_seeds(seed: int) -> None:
    """Make everything that draws from Python's or numpy's global generator repeatable."""
    random.seed(seed)
    np.random.seed(seed)
