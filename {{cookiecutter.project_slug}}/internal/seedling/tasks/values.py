"""Properties of a column's values, for the tasks that propose and check a target."""

from typing import Any

import pandas as pd

from seedling.data.scalars import plain


def is_number(values: pd.Series) -> bool:
    """Say whether a column holds numbers, and not only true and false."""
    numeric = pd.api.types.is_numeric_dtype(values)
    return bool(numeric and not pd.api.types.is_bool_dtype(values))


def integral(values: pd.Series) -> bool:
    """Say whether all numbers are whole."""
    return bool((values % 1 == 0).all())


def as_label(value: Any) -> Any:
    """Return a value as model.yaml lists it: 1.0, which a gap made of 1, is 1 again."""
    value = plain(value)
    return int(value) if isinstance(value, float) else value
