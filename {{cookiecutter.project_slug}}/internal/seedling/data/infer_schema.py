"""Inference of a schema from a table: types, ranges, target, task and entity key."""

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import pandas as pd

from seedling import columns, tasks
from seedling.columns.protocol import COLUMN_NAME, NoFeature
from seedling.data.reading import stem_of
from seedling.errors import ProjectError
from seedling.wording import counted

TARGET_NAMES = ("target", "label", "class", "outcome", "y", "response", "truth")
ID_NAME = re.compile(r"(^|[_\s-])(id|uuid|guid|key|nr|no|number)$|[a-z]I[dD]$", re.IGNORECASE)


@dataclass
class Proposal:
    """A dataset's entry for model.yaml, and the columns that it leaves out, with the reason."""

    entry: dict[str, Any]
    left_out: dict[str, str] = field(default_factory=dict)


def propose(
    rows: pd.DataFrame,
    name: str,
    source: str,
    task: str | None = None,
    target: str | None = None,
    key: list[str] | None = None,
) -> Proposal:
    """Propose a dataset's entry that fits the rows.

    Args:
        rows: the table as it was read.
        name: the dataset's name.
        source: the `source` of the entry.
        task: a name of seedling.tasks; the first that the target looks like, unless given.
        target: the column to predict; guessed by its name, else the last one.
        key: the columns that identify an entity; guessed unless given.

    Raises:
        ProjectError: the table is empty, has no such column, or has no usable feature or target.
    """
    _check_columns(rows, [target] if target else [], key or [])
    target = target or _guess_target(rows)
    key = key if key is not None else _guess_key(rows, target)
    task = task or _guess_task(rows[target].dropna())
    proposed = _target(rows[target].dropna(), target, task)
    features, left_out = [], {}
    for column in rows.columns:
        if column == target or column in key:
            continue
        feature, reason = propose_feature(str(column), rows[column])
        if reason:
            left_out[str(column)] = reason
        else:
            features.append(feature)
    if not features:
        raise ProjectError(f"No column besides {target} can serve as a feature.")
    entry = {
        "name": name,
        "description": f"{counted(len(rows), 'row')} from {_last_part(source)}",
        "source": source,
        "local_directory_path": "local_assets/datasets",
        "file_name": f"{name}.parquet",
        "version": "1",
        "task": task,
        "metric": tasks.find(task).metrics[0],
        "entity_key": key,
        "target": proposed,
        "features": features,
    }
    return Proposal(entry, left_out)


def dataset_name(source: str) -> str:
    """Derive a dataset's name from a path or URL: `../data/German credit.csv` -> German_credit."""
    stem = source.partition("#")[2] or stem_of(PurePath(source.replace("\\", "/")))
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:64] or "table"


def _last_part(source: str) -> str:
    return source.partition("#")[2] or PurePath(source.replace("\\", "/")).name


def _check_columns(rows: pd.DataFrame, *wanted: list[str]) -> None:
    if rows.empty:
        raise ProjectError("The table has no rows.")
    twice = sorted({str(name) for name in rows.columns[rows.columns.duplicated()]})
    if twice:
        raise ProjectError(f"The table has the column {', '.join(twice)} more than once.")
    for name in (name for names in wanted for name in names):
        if name not in rows.columns:
            known = ", ".join(str(column) for column in rows.columns)
            raise ProjectError(f"The table has no column {name!r}; it has {known}.")
    if len(rows.columns) < 2:
        only = rows.columns[0]
        raise ProjectError(f"The table has one column, {only!r}: is its separator a comma?")


def _guess_target(rows: pd.DataFrame) -> str:
    named = [str(name) for name in rows.columns if str(name).lower() in TARGET_NAMES]
    return named[-1] if named else str(rows.columns[-1])


def _guess_key(rows: pd.DataFrame, target: str) -> list[str]:
    for name in rows.columns:
        values = rows[name]
        named = ID_NAME.search(str(name)) is not None or str(name).startswith("Unnamed: ")
        if name != target and named and values.is_unique and not values.isna().any():
            return [str(name)]
    return []


def _guess_task(known: pd.Series) -> str:
    suiting = _suiting(known)
    if not suiting:
        raise ProjectError(f"The target {known.name} looks like no task's: name one with --task.")
    return suiting[0]


def _suiting(known: pd.Series) -> list[str]:
    """List the tasks that a column can be the target of, the most specific first."""
    return [name for name in tasks.names() if tasks.find(name).training.suits(known)]


def _target(known: pd.Series, name: str, task: str) -> dict[str, Any]:
    if known.nunique() < 2:
        raise ProjectError(f"The target {name} holds one value only: nothing to learn.")
    try:
        return tasks.find(task).training.propose_target(known, name)
    except ProjectError as error:
        others = " or ".join(_suiting(known))
        remedy = f", or add the table beside the others: add-dataset --task {others}" * bool(others)
        raise ProjectError(f"{error}: choose another with --target{remedy}.") from None


def propose_feature(name: str, values: pd.Series) -> tuple[dict[str, Any], str]:
    """Return a column's entry, and the reason for leaving it out, empty if it is not."""
    known = values.dropna()
    if not re.fullmatch(COLUMN_NAME, name):
        return {}, "its name has a quote, a backslash or a line end: rename it"
    if known.nunique() < 2:
        return {}, "it holds no value" if known.empty else "it holds one value only"
    feature: dict[str, Any] = {"name": name}
    try:
        for type_name, kind in columns.to_propose():
            keys = kind.propose(known)
            if keys is not None:
                feature |= {"type": type_name, **keys}
                break
        else:
            return {}, "no column type takes its values"
    except NoFeature as error:
        return {}, str(error)
    if values.isna().any():
        feature["nullable"] = True
    return feature, ""
