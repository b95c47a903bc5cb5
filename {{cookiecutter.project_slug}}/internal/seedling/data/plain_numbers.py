"""Cells of a file that are plain numbers, read by Arrow as Python's `float` reads them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedling.data.spelled import PLAIN

Floats = npt.NDArray[np.float64]


def read(cells: pa.Array, largest: float) -> Floats | None:
    """Return n cells as float64, NaN for one that is missing or no plain number.

    Args:
        cells: texts or numbers.
        largest: numbers beyond it are none.

    Returns:
        None where the cells are neither texts nor numbers.
    """
    is_a, kind = pa.types, cells.type
    if is_a.is_dictionary(kind):
        return read(cells.cast(kind.value_type), largest)
    if is_a.is_string(kind) or is_a.is_large_string(kind):
        found = _of_texts(cells)
    elif is_a.is_integer(kind) or is_a.is_floating(kind):
        found = _floats(cells.cast(pa.float64(), safe=False))
        if is_a.is_integer(kind) and (np.abs(found) >= 2**53).any():
            found = np.where(np.abs(found) >= 2**53, np.nan, found)
    else:
        return None
    with np.errstate(invalid="ignore"):
        beyond = ~(np.abs(found) <= largest)
    return np.where(beyond, np.nan, found) if beyond.any() else found


def _of_texts(texts: pa.Array) -> Floats:
    try:  # what Arrow reads whole is read as Python does, but for the words of infinity and of NaN
        return _floats(texts.cast(pa.float64()))
    except pa.ArrowInvalid:
        plain: Any = pc.match_substring_regex(texts, PLAIN)
        return _floats(pc.if_else(plain, texts, None).cast(pa.float64()))


def _floats(numbers: pa.Array) -> Floats:
    return np.array(numbers.to_numpy(zero_copy_only=False), dtype="float64")
