"""Functions of single cells, called once for each distinct cell of a column.

Most columns of a million rows that are not numbers have a few thousand different cells.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.data.scalars import label_text

# Kinds of objects of which two that are equal are also written alike.
ALIKE = ("string", "integer", "boolean", "floating")


def distinct(cells: pd.Series) -> tuple[npt.NDArray[np.intp], list[Any]]:
    """Return the place of each of n cells among the distinct ones, and the list of these.

    They are Python's objects where NumPy has them as numbers; a missing one is NaN, None or NaT.
    Objects of mixed types are all in the list: 1 and True are equal, and two cells.
    """
    if cells.dtype == object and pd.api.types.infer_dtype(cells, skipna=True) not in ALIKE:
        return np.arange(len(cells)), cells.tolist()
    places, found = pd.factorize(cells, use_na_sentinel=False)
    return places, pd.Series(found).astype(object).tolist()


def each(cells: pd.Series, function: Callable[[Any], Any], dtype: Any = object) -> pd.Series:
    """Return the function of each of n cells, as `cells.map` does; it must not depend on the row.

    Args:
        cells: missing ones are given to the function as well.
        function: takes a cell.
        dtype: of the result; None to infer it from the results.
    """
    places, found = distinct(cells)
    results = pd.Series([function(cell) for cell in found], dtype=dtype or object)
    results = results if dtype else results.infer_objects()
    return results.take(places).set_axis(cells.index).rename(cells.name)


def is_missing(cell: Any) -> bool:
    """Say whether a cell is NaN, None, NaT or pandas' NA; a list is not."""
    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell))


def label_texts(cells: pd.Series) -> pd.Series:
    """Return each of n cells as `label_text` writes it, a missing one as NaN."""
    return each(cells, lambda cell: np.nan if is_missing(cell) else label_text(cell))
