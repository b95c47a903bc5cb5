"""The split: which rows no training step sees, by hash or by time, and the folds.

A row's side follows from a hash of its entity key. Within each stratum (a class, or a tenth of the
target's range) rows are ordered by their hashes, and the first ones are held out: so that each
class has its share, and hardly a row changes sides as the table grows. The few that do are noted,
for a champion is measured only on rows that it has not learned from.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data.held_out import HeldOut
from seedling.data.scalars import label_text
from seedling.data.schema import target_values
from seedling.errors import ProjectError
from seedling.wording import counted

STEPS = 10_000
HOLDOUT = "holdout"  # the salt of the split that the gate measures on
TEST, TEST_SHARE = "test", 0.2  # of the split among training rows, for X_test
SHOWN = 5


def split(
    rows: pd.DataFrame, dataset: Dataset, share: float, salt: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the rows in two tables, the held-out ones second; see `hold_out`.

    Raises:
        ProjectError: a side is empty, or lacks one of what is chosen from.
    """
    training, holdout, _ = hold_out(rows, dataset, share, salt)
    return training, holdout


def hold_out(
    rows: pd.DataFrame, dataset: Dataset, share: float, salt: str = HOLDOUT
) -> tuple[pd.DataFrame, pd.DataFrame, HeldOut]:
    """Split the rows in two tables, the held-out ones second, and return the rule with them.

    Args:
        rows: a validated table.
        dataset: says by what it is split.
        share: of entities to hold out; of rows where it is split by time.
        salt: makes the hashes of one split differ from those of another.

    Raises:
        ProjectError: a side is empty, or lacks one of what is chosen from.
    """
    if dataset.split:
        rule = _by_time(rows, dataset, share)
        held_out = _times(rows, dataset.split.by, dataset) >= rule.since
    else:
        held_out, rule = _by_hash(rows, dataset, share, salt)
    sides = rows[~held_out], rows[held_out]
    for side, name in zip(sides, ("training", "held-out"), strict=True):
        _refuse_lacking(side, name, dataset, len(rows))
    return *sides, rule


def is_held_out(rows: pd.DataFrame, dataset: Dataset, rule: HeldOut) -> npt.NDArray[np.bool_]:
    """Say of each row whether a rule holds it out.

    Args:
        rows: any table that has the rule's columns.
        dataset: the one that the rule was made for.
        rule: of the split with the salt HOLDOUT.
    """
    if rule.by:
        return _times(rows, rule.by, dataset) >= rule.since
    hashes = _hashed(rows, dataset, rule.columns, rule.numbered, HOLDOUT)
    below = _positions(hashes) < rule.share
    return (below & ~_are_among(hashes, rule.without)) | _are_among(hashes, rule.besides)


def needed(dataset: Dataset, rule: HeldOut) -> list[str]:
    """Return the columns that `is_held_out` reads."""
    return [rule.by] if rule.by else [*(dataset.entity_key or rule.columns)]


def folds(
    rows: pd.DataFrame, dataset: Dataset, count: int, salt: str
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Return the places of rows to train on and to measure on, for each fold.

    Rows of one entity are in one fold, and each fold has its share of each stratum. By time, each
    fold is measured on a stretch of the later half, and trained on all that was before it.
    """
    if dataset.split:
        when = _times(rows, dataset.split.by, dataset)
        cuts = np.quantile(when, np.linspace(0.5, 1, count, endpoint=False), method="nearest")
        stretch = np.searchsorted(np.unique(cuts), when, side="right")
        return [
            (np.flatnonzero(stretch < number), np.flatnonzero(stretch == number))
            for number in range(1, int(stretch.max()) + 1)
        ]
    hashes = entity_hashes(rows, dataset, salt)
    entities = _ranked(hashes, rows, dataset)
    place = pd.Series((entities["rank"] % count).to_numpy(), index=entities["hash"].to_numpy())
    fold = place.loc[hashes].to_numpy()
    return [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(count)
    ]


def smallest_stratum(rows: pd.DataFrame, dataset: Dataset) -> int:
    """Return the number of entities in the smallest stratum."""
    hashes = entity_hashes(rows, dataset)
    return int(_ranked(hashes, rows, dataset)["size"].min())


def entity_hashes(
    rows: pd.DataFrame, dataset: Dataset, salt: str = HOLDOUT
) -> npt.NDArray[np.uint64]:
    """Return a hash of each row's entity; without a key, each row is one."""
    return _hashed(rows, dataset, *_identity(rows, dataset), salt)


def _identity(rows: pd.DataFrame, dataset: Dataset) -> tuple[list[str], bool]:
    """Return `columns` and `numbered` of a rule: how rows without a key are told apart.

    By all columns that the table has beside the target and derived ones, not by the features
    alone: a feature that the team leaves out moves no row then. Equal rows stay together, since
    they may be copies; where most rows have an equal, they are as many observations.
    """
    if dataset.entity_key:
        return [], False
    others = {dataset.target.name, *dataset.computed}
    columns = [str(name) for name in rows.columns if name not in others]
    different = len(np.unique(_hashed(rows, dataset, columns, False, HOLDOUT)))
    return columns, different < len(rows) / 2


def _hashed(
    rows: pd.DataFrame, dataset: Dataset, columns: list[str], numbered: bool, salt: str
) -> npt.NDArray[np.uint64]:
    key = salt.ljust(16, "-")[:16]
    if dataset.entity_key:
        table = rows[dataset.entity_key].apply(_as_text)
    else:
        table = pd.DataFrame({name: _as_number_or_text(rows[name]) for name in columns})
    # The hashes are those of categories; to look for equal texts first takes longer.
    hashes = pd.util.hash_pandas_object(table, index=False, hash_key=key, categorize=False)
    if numbered:
        table = pd.DataFrame({"row": hashes, "number": hashes.groupby(hashes).cumcount()})
        hashes = pd.util.hash_pandas_object(table, index=False, hash_key=key)
    return hashes.to_numpy()


def _as_text(values: pd.Series) -> pd.Series:
    """Return values as text: 1 and 1.0 alike, since one gap makes whole numbers floats."""
    if pd.api.types.is_integer_dtype(values) and not values.hasnans:
        return values.astype(str).astype(object)
    codes, found = pd.factorize(values)
    texts = np.array([*(label_text(value) for value in found), "nan"], dtype=object)
    return pd.Series(texts[codes], index=values.index)  # a gap's code is -1, the last


def _as_number_or_text(values: pd.Series) -> pd.Series:
    """Return numbers as float64, which takes a hundredth of the time, and other values as text."""
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return values.astype("float64") + 0.0 if numeric else _as_text(values)  # -0.0 becomes 0.0


def _by_hash(
    rows: pd.DataFrame, dataset: Dataset, share: float, salt: str
) -> tuple[npt.NDArray[np.bool_], HeldOut]:
    columns, numbered = _identity(rows, dataset)
    hashes = _hashed(rows, dataset, columns, numbered, salt)
    entities = _ranked(hashes, rows, dataset)
    size = entities["size"]
    wanted = (share * size).round().clip(lower=1, upper=size - 1)
    held_out = entities["rank"] < wanted
    below = _positions(entities["hash"].to_numpy()) < share
    rule = HeldOut(
        share=share,
        columns=columns,
        numbered=numbered,
        besides=entities.loc[held_out & ~below, "hash"].tolist(),
        without=entities.loc[below & ~held_out, "hash"].tolist(),
    )
    return _are_among(hashes, entities.loc[held_out, "hash"].to_numpy()), rule


def _ranked(hashes: npt.NDArray[np.uint64], rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return a row for each entity: `hash`, `stratum` and its `size`, and its `rank` there.

    An entity with rows in several strata is in the one that has the fewest rows: an entity of a
    rare class is rare.
    """
    strata = tasks.of(dataset).training.strata(target_values(rows, dataset))
    table = pd.DataFrame({"hash": hashes, "stratum": pd.factorize(strata)[0]})
    if table["hash"].duplicated().any():
        fewest_first = table["stratum"].map(table["stratum"].value_counts()).argsort(kind="stable")
        table = table.iloc[fewest_first].drop_duplicates("hash")
    table = table.iloc[_positions(table["hash"].to_numpy()).argsort(kind="stable")]
    groups = table.groupby("stratum")["hash"]
    return table.assign(rank=groups.cumcount(), size=groups.transform("size"))


def _positions(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Return the hashes' order, from 0 to 1."""
    # The last digits first, as all versions have had it: an older champion's holdout is the same.
    return ((hashes % STEPS).astype("float64") + hashes / 2.0**64) / STEPS


def _are_among(
    hashes: npt.NDArray[np.uint64], others: Sequence[int] | npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Say of each hash whether it is one of the others."""
    # By pandas' table of hashes: NumPy sorts both, which takes ten times as long.
    return pd.Series(hashes).isin(np.asarray(others, dtype="uint64")).to_numpy()


def _by_time(rows: pd.DataFrame, dataset: Dataset, share: float) -> HeldOut:
    """Hold the last rows out, those of one time together."""
    assert dataset.split
    by = dataset.split.by
    known, counts = np.unique(_times(rows, by, dataset), return_counts=True)
    if len(known) < 2:
        raise ProjectError(f"{dataset.name}, split: {by} holds one time only; name another column.")
    later = counts[::-1].cumsum()[::-1][1:]
    first = int(np.abs(later - share * len(rows)).argmin()) + 1
    return HeldOut(share=share, by=by, since=float(known[first]))


def _times(rows: pd.DataFrame, by: str, dataset: Dataset) -> npt.NDArray[np.float64]:
    """Return a column's times as numbers: as they are, or in seconds since 1970.

    A feature's are read as its type says; else they are numbers, or in ISO 8601.

    Raises:
        ProjectError: the column is missing, or has a value that is no time.
    """
    if by not in rows:
        raise ProjectError(f"{dataset.name}, split: the table has no column {by!r}.")
    values = rows[by]
    for column in dataset.features:
        if column.name == by:
            values = pd.Series(column.values(values))
    if not pd.api.types.is_numeric_dtype(values):
        seconds: Any = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce")
        values = (seconds - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    wrong = np.flatnonzero(values.isna())
    if len(wrong):
        shown = ", ".join(str(row + 1) for row in wrong[:SHOWN])
        raise ProjectError(
            f"{dataset.name}, split: {by} has {counted(len(wrong), 'value')} that "
            f"{'is' if len(wrong) == 1 else 'are'} no time (row {shown}): write times as "
            "2024-12-31 or 2024-12-31 23:59, or as numbers."
        )
    return values.to_numpy("float64")


def _refuse_lacking(side: pd.DataFrame, name: str, dataset: Dataset, count: int) -> None:
    if side.empty:
        raise ProjectError(f"{dataset.name}: the {name} side of {counted(count, 'row')} is empty.")
    missing = set(tasks.of(dataset).outcomes(dataset.target)) - set(
        target_values(side, dataset).dropna().unique()
    )
    if missing:
        shown = ", ".join(sorted(str(label) for label in missing))
        remedy = "there are too few; add more rows of it"
        if dataset.split:
            remedy = f"at that time, by {dataset.split.by}, there is none; hold out another share"
        raise ProjectError(
            f"{dataset.name}: no {name} row has {dataset.target.name} = {shown}: {remedy}."
        )
