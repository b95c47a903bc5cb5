"""The split: which rows no training step sees, by hash, by time or by a mark, and the folds.

A row's side follows from a hash of its entity key. Within each stratum (a class, or a tenth of the
target's range) rows are ordered by their hashes, and the first ones are held out: so that each
class has its share, and hardly a row changes sides as the table grows. The few that do are noted,
for a champion is measured only on rows that it has not learned from.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data.distinct import label_texts
from seedling.data.entities import Hashes, by_rule, entities
from seedling.data.held_out import HeldOut
from seedling.data.schema import target_values
from seedling.data.times import times
from seedling.errors import ProjectError
from seedling.wording import counted

STEPS = 10_000
HOLDOUT = "holdout"  # the salt of the split that the gate measures on
TEST, TEST_SHARE = "test", 0.2  # of the split among training rows, for X_test


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
    held_out, rule = divide(rows, dataset, share, salt)
    return rows[~held_out], rows[held_out], rule


def divide(
    rows: pd.DataFrame, dataset: Dataset, share: float, salt: str
) -> tuple[npt.NDArray[np.bool_], HeldOut]:
    """Say of each row whether it is held out, and by which rule; the arguments are `hold_out`'s.

    Raises:
        ProjectError: a side is empty, or lacks one of what is chosen from.
    """
    marks = marked(rows, dataset.marked, dataset)
    others = rows[~marks]
    held_out = marks.copy()
    if others.empty:
        raise ProjectError(f"{dataset.name}, split: each row has a value in {dataset.marked}.")
    if dataset.by_time:
        rule = _by_time(others, dataset, share)
        held_out[~marks] = times(others, dataset.by_time, dataset) >= rule.since
    else:
        held_out[~marks], rule = _by_hash(others, dataset, share, salt)
    rule = msgspec.structs.replace(rule, marked=dataset.marked)
    target = target_values(rows, dataset)
    for side, name in ((target[~held_out], "training"), (target[held_out], "held-out")):
        refuse_lacking(side, name, dataset, len(rows))
    return held_out, rule


def is_held_out(rows: pd.DataFrame, dataset: Dataset, rule: HeldOut) -> npt.NDArray[np.bool_]:
    """Say of each row whether a rule holds it out.

    Args:
        rows: any table that has the rule's columns.
        dataset: the one that the rule was made for.
        rule: of the split with the salt HOLDOUT.
    """
    marks = marked(rows, rule.marked, dataset)
    if rule.by:
        return marks | (times(rows, rule.by, dataset) >= rule.since)
    hashes = by_rule(rows, dataset, rule, HOLDOUT)
    below = _positions(hashes) < rule.share
    by_hash = (below & ~_are_among(hashes, rule.without)) | _are_among(hashes, rule.besides)
    return marks | by_hash


def marked(rows: pd.DataFrame, column: str, dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Say of each row whether it is always held out: whether it has a value in a column.

    Args:
        rows: of the dataset.
        column: that of `split.held_out`; empty where there is none.
        dataset: theirs.

    Raises:
        ProjectError: the rows do not have the column.
    """
    if not column:
        return np.zeros(len(rows), dtype=bool)
    if column not in rows:
        raise ProjectError(f"{dataset.name}, split: the table has no column {column!r}.")
    found: npt.NDArray[np.bool_] = (label_texts(rows[column]).fillna("") != "").to_numpy(dtype=bool)
    return found


def needed(dataset: Dataset, rule: HeldOut) -> list[str]:
    """Return the columns that `is_held_out` reads."""
    found = [rule.by] if rule.by else [*(dataset.entity_key or rule.columns)]
    return [*found, rule.marked] if rule.marked else found


def folds(
    rows: pd.DataFrame, dataset: Dataset, count: int, salt: str
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Return the places of rows to train on and to measure on, for each fold.

    Rows of one entity are in one fold, and each fold has its share of each stratum. By time, each
    fold is measured on a stretch of the later half, and trained on all that was before it.
    """
    if dataset.by_time:
        when = times(rows, dataset.by_time, dataset)
        cuts = np.quantile(when, np.linspace(0.5, 1, count, endpoint=False), method="nearest")
        stretch = np.searchsorted(np.unique(cuts), when, side="right")
        return [
            (np.flatnonzero(stretch < number), np.flatnonzero(stretch == number))
            for number in range(1, int(stretch.max()) + 1)
        ]
    hashes = entities(rows, dataset, salt).hashes
    ranked = _ranked(hashes, rows, dataset)
    place = pd.Series((ranked["rank"] % count).to_numpy(), index=ranked["hash"].to_numpy())
    fold = place.loc[hashes].to_numpy()
    return [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(count)
    ]


def smallest_stratum(rows: pd.DataFrame, dataset: Dataset) -> int:
    """Return the number of entities in the smallest stratum."""
    hashes = entities(rows, dataset, HOLDOUT).hashes
    return int(_ranked(hashes, rows, dataset)["size"].min())


def _by_hash(
    rows: pd.DataFrame, dataset: Dataset, share: float, salt: str
) -> tuple[npt.NDArray[np.bool_], HeldOut]:
    hashes, columns, numbered = entities(rows, dataset, salt)
    ranked = _ranked(hashes, rows, dataset)
    size = ranked["size"]
    wanted = (share * size).round().clip(lower=1, upper=size - 1)
    held_out = ranked["rank"] < wanted
    below = _positions(ranked["hash"].to_numpy()) < share
    rule = HeldOut(
        share=share,
        columns=columns,
        numbered=numbered,
        besides=ranked.loc[held_out & ~below, "hash"].tolist(),
        without=ranked.loc[below & ~held_out, "hash"].tolist(),
    )
    return _are_among(hashes, ranked.loc[held_out, "hash"].to_numpy()), rule


def _ranked(hashes: Hashes, rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
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


def _positions(hashes: Hashes) -> npt.NDArray[np.float64]:
    """Return the hashes' order, from 0 to 1."""
    # The last digits first, as all versions have had it: an older champion's holdout is the same.
    return ((hashes % STEPS).astype("float64") + hashes / 2.0**64) / STEPS


def _are_among(hashes: Hashes, others: Sequence[int] | Hashes) -> npt.NDArray[np.bool_]:
    """Say of each hash whether it is one of the others."""
    # By pandas' table of hashes: NumPy sorts both, which takes ten times as long.
    return pd.Series(hashes).isin(np.asarray(others, dtype="uint64")).to_numpy()


def _by_time(rows: pd.DataFrame, dataset: Dataset, share: float) -> HeldOut:
    """Hold the last rows out, those of one time together."""
    known, counts = np.unique(times(rows, dataset.by_time, dataset), return_counts=True)
    return last_rows(known, counts, dataset, share)


def last_rows(
    known: npt.NDArray[np.float64], counts: npt.NDArray[Any], dataset: Dataset, share: float
) -> HeldOut:
    """Return the rule that holds out about a share of the rows: the last ones.

    Args:
        known: the different times, in their order.
        counts: the rows of each.
        dataset: says by what it is split.
        share: of rows to hold out.

    Raises:
        ProjectError: there is one time only.
    """
    by = dataset.by_time
    if len(known) < 2:
        raise ProjectError(f"{dataset.name}, split: {by} holds one time only; name another column.")
    later = counts[::-1].cumsum()[::-1][1:]
    first = int(np.abs(later - share * counts.sum()).argmin()) + 1
    return HeldOut(share=share, by=by, since=float(known[first]))


def refuse_lacking(side: pd.Series, name: str, dataset: Dataset, count: int) -> None:
    """Refuse the target's values on one side of a split, if there are none or one is missing."""
    if side.empty:
        raise ProjectError(f"{dataset.name}: the {name} side of {counted(count, 'row')} is empty.")
    missing = set(tasks.of(dataset).outcomes(dataset.target)) - set(side.dropna().unique())
    if missing:
        shown = ", ".join(sorted(str(label) for label in missing))
        remedy = "there are too few; add more rows of it"
        if dataset.by_time:
            remedy = f"at that time, by {dataset.by_time}, there is none; hold out another share"
        raise ProjectError(
            f"{dataset.name}: no {name} row has {dataset.target.name} = {shown}: {remedy}."
        )
