"""Preprocessing for a model's train.py, and fixed seeds."""

import random

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from seedling.training.by_target import CategoriesByTarget, WordsByTarget

MOST_CATEGORIES = 50


def preprocessing(X: pd.DataFrame, scale: bool = False) -> ColumnTransformer:
    """Return an unfitted transformer for the columns of X; fit it in one pipeline with the model.

    - Numbers: a gap takes the median of the training rows.
    - Categories: one column each for the `MOST_CATEGORIES` most frequent; a gap and an unknown
      category are valid in predictions.
    - Categories of pandas' type `category`, which the schema has made of those with many values,
      have a column too for what the target is in their rows (`CategoriesByTarget`).
    - Texts, of pandas' type `string`: a column for what their words say (`WordsByTarget`).

    With more than two classes, the last two have a column for each class.

    Args:
        X: n rows of features as described, numbers as float64.
        scale: scale numbers to mean 0 and variance 1, as linear models need.
    """
    numbers = list(X.select_dtypes("number").columns)
    many = list(X.select_dtypes("category").columns)
    texts = list(X.select_dtypes("string").columns)
    categories = [name for name in X.columns if name not in {*numbers, *texts}]
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    words = {"strategy": "constant", "fill_value": "missing"}
    # Who loads the pipeline by itself may have None for a gap; the service always has NaN.
    fill = [SimpleImputer(**words), SimpleImputer(missing_values=None, copy=False, **words)]
    # Where no category is rare, the encoder need not count them, which it does cell by cell. Its
    # zeros and ones are bytes until they stand beside numbers, in one table of float64.
    are_many = any(X[name].nunique(dropna=False) > MOST_CATEGORIES for name in categories)
    encode = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=MOST_CATEGORIES if are_many else None,
        sparse_output=False,
        dtype=np.uint8 if numbers or many or texts else np.float64,
    )
    last = [StandardScaler()] if scale else []
    steps = [
        ("numbers", make_pipeline(impute, *last), numbers),
        ("categories", make_pipeline(*fill, encode), categories),
        ("many", make_pipeline(*fill, CategoriesByTarget(), *last), many),
        ("texts", make_pipeline(WordsByTarget(), *last), texts),
    ]
    return ColumnTransformer([step for step in steps if step[2]])


def fix_seeds(seed: int) -> None:
    """Seed the global random generators of Python and numpy."""
    random.seed(seed)
    np.random.seed(seed)
