"""Hashes of entities, from which follows on which side of a split their rows are."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from seedling.config import Dataset
from seedling.data.held_out import HeldOut
from seedling.data.scalars import label_text

Hashes = npt.NDArray[np.uint64]


class Entities(NamedTuple):
    """The hash of each row's entity, with `columns` and `numbered` of the rule that says so."""

    hashes: Hashes
    columns: list[str]
    numbered: bool


def entities(rows: pd.DataFrame, dataset: Dataset, salt: str) -> Entities:
    """Identify the entity of each row, by the dataset's key; without one, each row is one.

    Rows without a key are distinguished by all columns that the table has beside the target and
    derived ones, not by the features alone: a feature that the team leaves out moves no row then.
    Equal rows stay together, since they may be copies; where most rows have an equal, they are as
    many observations.
    """
    if dataset.entity_key:
        return Entities(_hashed(rows[dataset.entity_key].apply(_as_text), salt), [], False)
    others = {dataset.target.name, *dataset.computed}
    columns = [str(name) for name in rows.columns if name not in others]
    hashes = _hashed(_content(rows, columns), salt)
    numbered = pd.Series(hashes).nunique() < len(rows) / 2
    return Entities(_numbered(hashes, salt) if numbered else hashes, columns, numbered)


def by_rule(rows: pd.DataFrame, dataset: Dataset, rule: HeldOut, salt: str) -> Hashes:
    """Return the hash of each row's entity, by `columns` and `numbered` of a rule."""
    if dataset.entity_key:
        return _hashed(rows[dataset.entity_key].apply(_as_text), salt)
    hashes = _hashed(_content(rows, rule.columns), salt)
    return _numbered(hashes, salt) if rule.numbered else hashes


def _content(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: _as_number_or_text(rows[name]) for name in columns})


def _hashed(table: pd.DataFrame, salt: str) -> Hashes:
    key = salt.ljust(16, "-")[:16]
    # The hashes are those of categories; to look for equal texts first takes longer.
    found = pd.util.hash_pandas_object(table, index=False, hash_key=key, categorize=False)
    return found.to_numpy()


def _numbered(hashes: Hashes, salt: str) -> Hashes:
    """Return other hashes, different for equal rows: with the number of each among its equals."""
    number = pd.Series(hashes).groupby(hashes).cumcount()
    return _hashed(pd.DataFrame({"row": hashes, "number": number}), salt)


def _as_text(values: pd.Series) -> pd.Series:
    """Return values as text: 1 and 1.0 alike, since one gap makes whole numbers floats."""
    if pd.api.types.is_integer_dtype(values) and not values.hasnans:
        texts = pa.array(values).cast(pa.string())  # in half the time that pandas takes
        return pd.Series(texts.to_numpy(zero_copy_only=False), index=values.index)
    codes, found = pd.factorize(values)
    texts = np.array([*(label_text(value) for value in found), "nan"], dtype=object)
    return pd.Series(texts[codes], index=values.index)  # a gap's code is -1, the last


def _as_number_or_text(values: pd.Series) -> pd.Series:
    """Return numbers as float64, which takes a hundredth of the time, and other values as text."""
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return values.astype("float64") + 0.0 if numeric else _as_text(values)  # -0.0 becomes 0.0
