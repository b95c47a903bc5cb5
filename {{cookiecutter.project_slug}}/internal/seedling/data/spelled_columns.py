"""Whole columns of the texts that `spelled` reads one by one, with the same results.

A million numbers take less than a second: Arrow matches and converts them outside of Python.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from seedling.data import distinct, spelled
from seedling.data.spelled import PLAIN, POINT, Marks

WHOLE = r"^-?[0-9]+$"
LONGEST_WHOLE, LONGEST_EXACT = 18, 15  # characters of a whole number in int64, in float64
CODE = r"^0[0-9]+$"


def numbers(texts: pd.Series, marks: Marks = POINT) -> pd.Series:
    """Return n numbers as float64, as `spelled.number` reads them; NaN for a text that is none."""
    array = pa.array(texts, type=pa.string(), from_pandas=True)
    if marks.decimal == POINT.decimal:
        plain = pc.if_else(pc.match_substring_regex(array, PLAIN), array, None)
        found = _floats(plain)
        rest = np.flatnonzero(np.isnan(found) & texts.notna().to_numpy())
    else:
        found, rest = np.full(len(texts), np.nan), np.flatnonzero(texts.notna())
    if len(rest):
        found[rest] = _with_signs(array.take(pa.array(rest)), marks)
    return pd.Series(found, index=texts.index, name=texts.name)


def are_plain(texts: pd.Series, marks: Marks = POINT) -> bool:
    """Return whether all texts that are not missing are digits with a decimal mark at most."""
    array = pa.array(texts, type=pa.string(), from_pandas=True)
    pattern = PLAIN.replace(r"\.", re.escape(marks.decimal))
    return pc.all(pc.match_substring_regex(array, pattern)).as_py() is not False


def read_as_python_does(texts: pd.Series, marks: Marks) -> bool:
    """Return whether all texts are plain, and no point in them stands between thousands."""
    pointed = marks.decimal != POINT.decimal and texts.str.contains(".", regex=False).any()
    return are_plain(texts) and not pointed


def plain(texts: pd.Series, marks: Marks = POINT) -> pd.Series:
    """Return n plain texts as int64 where all are whole, else as float64.

    Whole numbers that float64 could not tell apart stay texts.
    """
    array = pa.array(texts, type=pa.string(), from_pandas=True)
    longest = pc.max(pc.utf8_length(array)).as_py() or 0
    if pc.all(pc.match_substring_regex(array, WHOLE)).as_py():
        if longest > (LONGEST_EXACT if array.null_count else LONGEST_WHOLE):
            return texts
        if not array.null_count:
            return pd.Series(
                pc.cast(array, pa.int64()).to_numpy(), index=texts.index, name=texts.name
            )
    return numbers(texts, marks)


def has_codes(texts: pd.Series) -> bool:
    """Return whether a text is a code such as 00123, which is a name rather than a number."""
    array = pa.array(texts, type=pa.string(), from_pandas=True)
    return pc.any(pc.match_substring_regex(array, CODE)).as_py() is True


def _with_signs(array: Any, marks: Marks) -> np.ndarray:
    parts = pc.extract_regex(array, spelled.number_pattern(marks))
    part = {field.name: pc.struct_field(parts, field.name) for field in parts.type}
    body = part["body"]
    for mark in spelled.group_marks(marks):
        body = pc.replace_substring(body, mark, "")
    found = _floats(pc.replace_substring(body, marks.decimal, "."))
    lengths = {name: _lengths(text) for name, text in part.items()}
    signs = sum(lengths[name] for name in ("open", "sign", "inner", "behind"))
    found[(lengths["open"] != lengths["close"]) | (signs > 1)] = np.nan
    is_plus = sum(_lengths(part[name], "+") for name in ("sign", "inner"))
    return np.where(signs > is_plus, -found, found)


def _floats(array: Any) -> np.ndarray:
    found: np.ndarray = pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False).copy()
    return found


def _lengths(array: Any, counted: str | None = None) -> np.ndarray:
    """Return how long each text is, or how often it has the text `counted`; 0 for none."""
    found = pc.utf8_length(array) if counted is None else pc.count_substring(array, counted)
    lengths: np.ndarray = pc.fill_null(found, 0).to_numpy(zero_copy_only=False)
    return lengths


def each(texts: pd.Series, read: Callable[[str], Any]) -> pd.Series:
    """Return what `read` gives for each of n texts; a missing text is None."""
    return distinct.each(texts, lambda text: read(text) if isinstance(text, str) else None)


def is_blank(texts: pd.Series, blank: frozenset[str]) -> pd.Series:
    """Return for n texts whether each is one of `blank`, which are in small letters."""
    array = pa.array(texts, type=pa.string(), from_pandas=True)
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(array))
    found = pc.is_in(plain, value_set=pa.array(sorted(blank), pa.string()))
    return pd.Series(found.to_numpy(zero_copy_only=False), index=texts.index)
