"""Columns of features/derive.py and of model.yaml's expressions beyond a dataset's features."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from seedling import team_code
from seedling.config import Dataset
from seedling.data.cells import settled
from seedling.data.derived import ALONE, FILE, Derivation, Derive, frame
from seedling.data.schema_changes import BROKEN, COLUMNS, GONE, IGNORED, INPUT, Change

TRIED = 50  # rows on which `derive` is called without a column, to see whether it reads that column


class Computed(NamedTuple):
    """A dataset's rows with all columns that can be computed from them.

    Attributes:
        rows: the rows.
        by_code: the columns that `derive` adds.
        inputs: the columns of the table that `derive` reads and a caller does not send so far.
        impure: those of `by_code` that it computes from other rows as well, and how that shows.
        gone: the features that `derive` computed before, and does not any more.
    """

    rows: pd.DataFrame
    by_code: Sequence[str] = ()
    inputs: Sequence[str] = ()
    impure: Mapping[str, str] = MappingProxyType({})
    gone: Sequence[str] = ()


def computed(root: Path, dataset: Dataset, rows: pd.DataFrame) -> Computed:
    """Add to a dataset's rows what can be computed from them.

    Args:
        root: the project's.
        dataset: has the schema and the expressions.
        rows: typed rows, numbered from 0.

    Raises:
        ProjectError: `derive` fails.
    """
    features = [column for column in dataset.features if not column.derived]
    without = dataset.model_copy(update={"features": features})
    before = [column.name for column in dataset.features if column.derived]
    found = Derivation(without).table(rows)
    path = root / FILE
    if not path.is_file():
        return Computed(found, gone=before)
    derive = team_code.derive(path)
    raw = [column for column in dataset.raw if column.name in rows]
    taken = {dataset.target.name, *dataset.entity_key, *dataset.feature_names}
    others = [str(name) for name in rows.columns if str(name) not in taken]
    others = [name for name in others if name not in {column.name for column in raw}]
    given = frame(
        {column.name: column.values(rows[column.name]) for column in raw},
        {column.name for column in raw if column.numeric},
        rows.index,
    )
    given = given.assign(**{name: found[name] for name in dataset.derived if name in found})
    given = given.assign(**{name: rows[name] for name in others})
    made = Derivation(without, derive).called(given)
    new = [str(name) for name in made.columns if name not in given]
    inputs = [name for name in others if _reads(derive, given.head(TRIED), name, new)]
    gone = [name for name in before if name not in new]
    whole = found.assign(**{name: made[name] for name in new})
    return Computed(whole, new, inputs, _impure(derive, given.head(ALONE), made[new]), gone)


def _impure(derive: Derive, rows: pd.DataFrame, made: pd.DataFrame) -> dict[str, str]:
    """Say of the made columns in which row one is another where `derive` is given that row alone.

    Args:
        derive: the team's.
        rows: the first of its rows.
        made: the columns that it computes from all of them.
    """
    found: dict[str, str] = {}
    for at in range(len(rows)):
        try:
            alone = derive(rows.iloc[[at]].copy())
        except Exception as error:
            words = f"fails on row {at + 1} alone: {type(error).__name__}: {error}"
            return dict.fromkeys(map(str, made), words)
        for name in (str(each) for each in made if str(each) not in found):
            one, other = (
                settled(table[name]).iat[place] if name in table else None
                for table, place in ((alone, 0), (made, at))
            )
            if one != other and not (pd.isna(one) and pd.isna(other)):
                found[name] = f"is {one} in row {at + 1} alone, and {other} in the table"
    return found


def _reads(derive: Derive, rows: pd.DataFrame, name: str, new: list[str]) -> bool:
    """Tell whether `derive` makes other columns, or fails, without this one."""
    try:
        without = derive(rows.drop(columns=name))
        return not without[new].equals(derive(rows.copy())[new])
    except Exception:
        return True


def marked(changes: list[Change], found: Computed, dataset: Dataset) -> list[Change]:
    """Say of changes which are of computed columns, and add those of the inputs."""
    kept = []
    for change in changes:
        if change.column in found.inputs and change.kind in (COLUMNS, IGNORED):
            continue
        if change.column in found.impure and change.kind == COLUMNS:
            words = f"{found.impure[change.column]}: {FILE} must look at each row by itself"
            change = Change(BROKEN, change.column, f"no feature, {words}")
        elif change.column in found.by_code and change.kind == COLUMNS:
            words = f"{change.words}, by {FILE}"
            change = Change(COLUMNS, change.column, words, {**change.entry, "derived": True})
        elif change.column in found.by_code and change.kind == IGNORED:
            continue
        elif change.column in dataset.derived and change.kind == COLUMNS:
            words = f"{change.words}, {dataset.derived[change.column]}"
            change = Change(COLUMNS, change.column, words, change.entry)
        kept.append(change)
    gone = [Change(GONE, name, f"{FILE} computes no such column any more") for name in found.gone]
    return [*kept, *gone, *(_input(name, found.rows[name]) for name in found.inputs)]


def _input(name: str, cells: pd.Series) -> Change:
    """Return the change that lets callers send a column."""
    from seedling.data.infer_schema import propose_feature

    entry, reason = propose_feature(name, cells)
    if reason or entry["type"] in ("category", "text"):  # any text will do, if no model sees it
        known = cells.dropna()
        sample = {"sample": str(known.iloc[0])} if len(known) else {}
        gaps = {"nullable": True} if len(known) < len(cells) else {}
        entry = {"name": name, "type": "text", **sample, **gaps}
    return Change(INPUT, name, f"an input of {FILE}, {entry['type']}", entry)
