"""The differences between a table and the schema that model.yaml has of it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from seedling import columns, tasks
from seedling.columns.protocol import Column, Json
from seedling.config import Dataset
from seedling.data import infer_schema
from seedling.data.cells import marks_of
from seedling.data.scalars import label_text
from seedling.data.spelled import Marks
from seedling.errors import ProjectError
from seedling.wording import rows_shown

# The kinds of changes. Those that let the schema take more are made by default: WIDER, and IGNORED
# for a new column that cannot be a feature. An option of update-schema makes the others, since they
# change what a model is asked or what it answers; INPUT goes with derived COLUMNS.
WIDER, IGNORED, INPUT = "wider", "ignored", "input"
BROKEN = "broken"  # no change mends it
COLUMNS, LABELS, TYPES, GONE = "columns", "labels", "types", "gone"
RANGES = "ranges"  # bounds that no row reaches, and that a person has set therefore
SHOWN = 5  # new values that a change names


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        kind: one of those above.
        column: the name of a feature, of the target or of a new column.
        words: what differs, for a person.
        entry: the keys that the column's entry gets, None for one to remove; of a new column, the
            entry.
    """

    kind: str
    column: str
    words: str
    entry: Json = field(default_factory=dict)


def changes(
    rows: pd.DataFrame, dataset: Dataset, before: pd.DataFrame | None = None
) -> list[Change]:
    """List what the rows have more or less than the schema, in the order of the schema.

    Args:
        rows: the dataset's rows, with a value of the target each.
        dataset: has the schema.
        before: the rows that the dataset had until now, where they are still there.
    """
    found = [*_of_target(rows[dataset.target.name], dataset)]
    marks = marks_of(dataset.read)
    features = {*dataset.feature_names}
    for column in (*dataset.features, *dataset.inputs):
        if column.name in rows:
            old = (
                before[column.name].dropna()
                if before is not None and column.name in before
                else None
            )
            cells = rows[column.name].reset_index(drop=True)
            if column.name in dataset.groups:
                missing = _rows(cells.isna())
                if missing:
                    words = f"a row without it is in no group{rows_shown(missing)}"
                    found.append(Change(BROKEN, column.name, words))
                cells = cells.dropna()
            found += _of_column(column, cells, old, marks)
        elif column.name not in dataset.computed:
            kind = GONE if column.name in features else BROKEN
            found.append(Change(kind, column.name, "the table has no such column any more"))
    for name in unknown(rows, dataset):
        entry, reason = infer_schema.propose_feature(name, rows[name], marks)
        if reason:
            found.append(Change(IGNORED, name, f"new column, ignored: {reason}"))
        else:
            found.append(Change(COLUMNS, name, f"new column, {_described(entry)}", entry))
    return found


def unknown(rows: pd.DataFrame, dataset: Dataset) -> list[str]:
    """List the columns of a table that model.yaml has nowhere."""
    between = {name for each in dataset.expressions().values() for name in each.names}
    known = {dataset.target.name, *dataset.entity_key, *dataset.feature_names}
    known |= (
        between & {*dataset.derived}
        | {column.name for column in dataset.inputs}
        | {*dataset.ignored}
    )
    known |= {dataset.by_time, dataset.marked}
    return [str(name) for name in rows.columns if str(name) not in known]


def applied(entry: Json, made: Collection[Change]) -> None:
    """Make changes in a dataset's entry of model.yaml, as a plain dict.

    Args:
        entry: the dataset's entry, which is changed.
        made: the changes.
    """
    described = [*entry["features"], *entry.get("inputs", []), entry["target"]]
    columns_of = {each["name"]: each for each in described}
    for change in made:
        if change.kind == GONE:
            entry["features"].remove(columns_of[change.column])
        elif change.kind == COLUMNS:
            entry["features"].append(change.entry)
        elif change.kind == INPUT:
            entry.setdefault("inputs", []).append(change.entry)
            ignored = [name for name in entry.pop("ignored", []) if name != change.column]
            if ignored:
                entry["ignored"] = ignored
        elif change.kind == IGNORED:
            entry["ignored"] = [*entry.get("ignored", []), change.column]
        else:
            one = columns_of[change.column]
            for key, value in change.entry.items():
                if value is None:
                    one.pop(key, None)
                else:
                    one[key] = value


def _of_target(cells: pd.Series, dataset: Dataset) -> Iterator[Change]:
    """Yield what the target's values have more than its entry."""
    target, task = dataset.target, tasks.of(dataset)
    check = task.training.check(target)
    wrong = _rows(~check[0](cells.reset_index(drop=True)).astype(bool))
    if not wrong:
        return
    try:
        proposed = task.training.propose_target(cells, target.name)
    except ProjectError as error:
        yield Change(BROKEN, target.name, f"the target: {error}{rows_shown(wrong)}")
        return
    kind = columns.find(target.type)
    if kind and proposed["type"] in kind.wider and proposed["type"] in task.target_types:
        words = f"the target's type {target.type} -> {proposed['type']}{rows_shown(wrong)}"
        yield Change(WIDER, target.name, words, {"type": proposed["type"]})
        return
    known = {label_text(label) for label in target.labels}
    new = [label for label in proposed.get("labels", []) if label_text(label) not in known]
    if new:
        words = f"the target's new labels {_listed(new)}{rows_shown(wrong)}"
        yield Change(LABELS, target.name, words, {"labels": [*target.labels, *new]})


def _of_column(
    column: Column, cells: pd.Series, old: pd.Series | None, marks: Marks
) -> Iterator[Change]:
    """Yield what a column's n cells have more than its entry, gaps first; `old` are cells too."""
    gaps = _rows(cells.isna())
    if gaps and not column.nullable:
        words = f"gaps, nullable: true{rows_shown(gaps)}"
        yield Change(WIDER, column.name, words, {"nullable": True})
    known = cells.dropna()
    if known.empty:
        return
    fits, within = (_fitting(column, known, beyond) for beyond in (False, True))
    if not fits.all():
        entry, reason = infer_schema.propose_feature(column.name, cells, marks)
        misfits = _rows(~fits)
        if reason or entry["type"] == column.type:
            words = reason or f"its cells are not {column.expected}"
            yield Change(BROKEN, column.name, f"{words}{rows_shown(misfits)}")
        else:
            yield _of_type(column, known, entry, misfits)
        return
    keys, where = column.widened(known), rows_shown(_rows(~within))
    if not keys:
        return
    by_hand = {key: keys.pop(key) for key in _unreached(column, known, old) if key in keys}
    for kind, made in ((WIDER, keys), (RANGES, by_hand)):
        if made:
            shown = [_widening(key, getattr(column, key), new) for key, new in made.items()]
            why = "; no row reaches the one before, so it was set by hand" if kind == RANGES else ""
            yield Change(kind, column.name, f"{'; '.join(shown)}{where}{why}", made)


def _unreached(column: Column, known: pd.Series, old: pd.Series | None) -> list[str]:
    """List the bounds of a column that none of its n values within them has, nor any old one.

    A bound that was proposed is the value of a row.
    """
    values = known if old is None else pd.concat([known, old], ignore_index=True)
    inside = values[_fitting(column, values, beyond=True) & _fitting(column, values, beyond=False)]
    found = {} if inside.empty else column.bounds(inside)
    if not found:
        return []
    reached = columns.read({"name": column.name, "type": column.type, **found})
    return [key for key in found if getattr(reached, key) != getattr(column, key)]


def _of_type(column: Column, known: pd.Series, entry: Json, misfits: list[int]) -> Change:
    """Return the change of a feature's type to that of a proposed entry."""
    kind = entry["type"]
    words = f"type {column.type} -> {kind}{rows_shown(misfits)}"
    new_type = columns.find(kind) or Column
    kept = {"name", "description", "nullable", "derived", "known_before", "type"}
    own = column.model_dump(exclude_defaults=True, exclude=kept)
    if kind in column.wider:
        wide = columns.read({"name": column.name, "type": kind, **own}).widened(known)
        return Change(WIDER, column.name, words, {"type": kind, **wide})
    keys = {each.alias or key for key, each in new_type.model_fields.items()}
    gone = {key: None for key in own if key not in keys}
    new = {key: value for key, value in entry.items() if key not in kept}
    return Change(TYPES, column.name, words, {"type": kind, **gone, **new})


def _fitting(column: Column, known: pd.Series, beyond: bool) -> pd.Series:
    """Mark the cells that pass the column's checks: of its type, or of what is beyond them."""
    fits = pd.Series(True, index=known.index)
    for check in column.checks():
        if check.beyond == beyond:
            fits &= check.fits(known).astype(bool)
    return fits


def _rows(marks: pd.Series) -> list[int]:
    """Return the numbers of the marked rows, counted from 1."""
    return [int(row) + 1 for row in marks.index[marks]]


def _widening(key: str, old: Any, new: Any) -> str:
    """Describe the new value of a key: `maximum 100 -> 101.5`, `categories + d, e`."""
    if isinstance(new, list):
        return f"{key} + {_listed(new[len(old) :])}"
    return f"{key} {_written(old)} -> {_written(new)}"


def _written(value: Any) -> str:
    """Write a value as model.yaml has it, a day without its midnight."""
    text = f"{value:.15g}" if isinstance(value, int | float) else str(value)
    return text.removesuffix("T00:00:00")


def _listed(values: list[Any]) -> str:
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(str(value) for value in values[:SHOWN]) + more


def _described(entry: Json) -> str:
    column = columns.read(entry)
    gaps = ", with gaps" if column.nullable else ""
    return f"{column.type} {column.words()}".strip() + gaps
