"""Inference of a schema from a table: types, ranges, target, task and entity key."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from seedling import columns, tasks
from seedling.columns.category import LISTED
from seedling.columns.protocol import COLUMN_NAME, Column, NoFeature
from seedling.data import ambiguous_marks, infer_target
from seedling.data import cells as cells_of
from seedling.data.cells import MOST_MISFITS, Misfit
from seedling.data.infer_target import suiting
from seedling.data.reading import stem_of
from seedling.data.spelled import POINT, Marks
from seedling.errors import ProjectError
from seedling.wording import counted, rows_shown

FEW_TEXTS = 20  # so many different ones are categories, even where most of them are numbers
REASONS_SHOWN = 5


class Described(NamedTuple):
    """A line of the proposal: what a column is taken for, and what that is recognised from."""

    name: str
    kind: str
    example: str
    gaps: int
    seen: str
    misfits: int = 0


@dataclass
class Proposal:
    """A dataset's entry for model.yaml, and the columns that it leaves out, with the reason."""

    entry: dict[str, Any]
    left_out: dict[str, str] = field(default_factory=dict)
    lines: list[Described] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)


class Asking(NamedTuple):
    """The questions of a person's terminal.

    `accepts` asks whether a column is of a type although many of its cells do not fit, `choose`
    which column is the target, of which it shows the likeliest.
    """

    accepts: Callable[[str], bool]
    choose: Callable[[list[str]], str]


def propose(
    rows: pd.DataFrame,
    name: str,
    source: str,
    task: str | None = None,
    target: str | None = None,
    key: list[str] | None = None,
    marks: Marks = POINT,
    asking: Asking | None = None,
    groups: list[str] | None = None,
) -> Proposal:
    """Propose a dataset's entry that fits the rows.

    Args:
        rows: the table as it was read.
        name: the dataset's name.
        source: the `source` of the entry.
        task: a name of seedling.tasks; unless given, the first that has groups where some are
            given, else the first that the target looks like.
        target: the column to predict; the one whose name says it unless given.
        key: the columns that identify an entity; guessed unless given.
        marks: how the table's texts write numbers.
        asking: asks where names and values do not decide; nothing is asked unless given.
        groups: the columns that make a group, for a task that has groups.

    Raises:
        ProjectError: the table is empty, has no such column, or has no usable feature or target;
            or the task needs groups.
    """
    rows = rows.set_axis([str(column) for column in rows.columns], axis=1)
    _check_columns(rows, [target] if target else [], key or [])
    said, why = "--target", "--key"
    if groups and task is None:
        task = next((each for each in tasks.names() if tasks.find(each).has_groups), None)
    if target is None:
        target, said = _target_name(rows, task, asking)
    table = pd.DataFrame({column: cells_of.settled(rows[column]) for column in rows})
    known = infer_target.target_cells(table[target], task, marks).dropna()
    task = task or _guess_task(known)
    proposed = _target(known, target, task)
    target_words = tasks.find(task).training.target_words(proposed)
    typed = {column: cells_of.inferred(table[column], marks) for column in table}
    groups = tasks.find(task).training.proposed_groups(pd.DataFrame(typed), target, groups)
    if key is None:
        others = {column: typed[column] for column in typed if column not in groups}
        key, why = infer_target.guess_key(pd.DataFrame(others), target)
    proposal = Proposal({})
    for at in (target, *(name for name in key if name not in groups)):
        cells, kind = (known, "target") if at == target else (typed[at], "entity key")
        gaps = len(table) - int(cells.notna().sum())
        seen = "; ".join(filter(None, (said, target_words))) if at == target else why
        proposal.lines.append(Described(at, kind, _example(table[at]), gaps, seen))
    features = []
    for column in table:
        if column in groups:
            features.append(_group(proposal, table[column], typed[column]))
            continue
        if column == target or column in key:
            continue
        feature = _described(proposal, table[column], typed[column], marks, asking)
        features += [_of_rows(feature, table[column][known.index], marks)] if feature else []
    unlearned = tasks.find(task).training.unlearned(features)
    features = [feature for feature in features if feature["name"] not in unlearned]
    proposal.left_out |= unlearned
    proposal.misfits = [each for each in proposal.misfits if each.column not in unlearned]
    proposal.lines = [
        line._replace(kind="left out", misfits=0, seen=unlearned[line.name])
        if line.name in unlearned
        else line
        for line in proposal.lines
    ]
    if len(features) == len(groups):
        raise ProjectError(_no_feature(target, proposal.left_out))
    open_ones = [line for line in proposal.lines if _is_number(line, known)]
    notes = ambiguous_marks.notes(table[[line.name for line in open_ones]], table, marks)
    proposal.lines = [
        line._replace(seen="; ".join(filter(None, (line.seen, notes.get(line.name)))))
        for line in proposal.lines
    ]
    proposal.entry = {
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
        **({"groups": groups} if groups else {}),
        "features": features,
    }
    if proposal.left_out:
        proposal.entry["ignored"] = [*proposal.left_out]
    return proposal


def _is_number(line: Described, target: pd.Series) -> bool:
    """Return whether a line's column is read as numbers."""
    if line.name == target.name:
        return target.dtype.kind in "iuf"
    kind = columns.find(line.kind)
    return kind is not None and kind.numeric


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
        if not re.fullmatch(COLUMN_NAME, name):
            raise ProjectError(
                f"The column {name!r} has a quotation mark, a backslash or a line end in its name: "
                "rename it in the table."
            )
    if len(rows.columns) < 2:
        only = rows.columns[0]
        raise ProjectError(f"The table has one column, {only!r}: is its separator a comma?")


def _target_name(rows: pd.DataFrame, task: str | None, asking: Asking | None) -> tuple[str, str]:
    """Return the target and what says that it is, having asked where no name does."""
    guess = infer_target.guess_target(rows, task)
    if guess.target is not None:
        return guess.target, "its name"
    if asking is None:
        raise infer_target.no_target(rows, guess.likely)
    target = asking.choose(guess.likely)
    _check_columns(rows, [target])
    return target, "your answer"


def _guess_task(known: pd.Series) -> str:
    fitting = suiting(known, infer_target.offered())
    if not fitting:
        raise ProjectError(
            f"The target {known.name} looks like no task's: name one with --task, or another "
            "column with --target."
        )
    return fitting[0]


def _target(known: pd.Series, name: str, task: str) -> dict[str, Any]:
    if known.nunique() < 2:
        holds = "no value" if known.empty else "one value only"
        raise ProjectError(
            f"The target {name} holds {holds}, nothing to learn: choose another with --target."
        )
    try:
        return tasks.find(task).training.propose_target(known, name)
    except ProjectError as error:
        others = " or ".join(suiting(known, infer_target.offered()))
        remedy = f", or add the table beside the others: add-dataset --task {others}" * bool(others)
        raise ProjectError(f"{error}: choose another with --target{remedy}.") from None


def propose_feature(
    name: str, values: pd.Series, marks: Marks = POINT
) -> tuple[dict[str, Any], str]:
    """Return a column's entry, and the reason for leaving it out, empty if it is not."""
    proposal = Proposal({})
    cells = cells_of.settled(values).rename(name)
    entry = _described(proposal, cells, cells_of.inferred(cells, marks), marks, None)
    return entry or {}, proposal.left_out.get(name, "")


def _described(
    proposal: Proposal,
    cells: pd.Series,
    inferred: pd.Series,
    marks: Marks,
    asking: Asking | None,
) -> dict[str, Any] | None:
    """Return a column's entry, and add its line to the proposal; None where it is left out."""
    name = str(cells.name)
    reason = _no_feature_by_name(name) or _by_values(cells, inferred, name)
    found = None if reason else _typed(cells, marks, asking)
    gaps = int(cells.isna().sum())
    if isinstance(found, str) or found is None:
        reason = reason or str(found)
        proposal.left_out[name] = reason
        proposal.lines.append(Described(name, "left out", _example(cells), gaps, reason))
        return None
    column, keys, values, misfits = found
    fitting = cells[(cells.notna() & values.notna()).to_numpy()]
    seen = ", ".join(part for part in (column.seen(fitting, marks), column.words()) if part)
    missing = int(values.isna().sum())
    line = Described(
        name, column.type, _example(fitting), missing - len(misfits), seen, len(misfits)
    )
    proposal.lines.append(line)
    proposal.misfits += misfits
    return {**keys, "nullable": True} if missing else keys


def _group(proposal: Proposal, cells: pd.Series, inferred: pd.Series) -> dict[str, Any]:
    """Return the entry of a column that makes groups: a category, or whole numbers.

    Raises:
        ProjectError: a row has no value of it, or no such type takes its values.
    """
    name = str(cells.name)
    missing = np.flatnonzero(inferred.isna().to_numpy()) + 1
    if len(missing):
        raise ProjectError(
            f"{name} is missing{rows_shown(missing.tolist())}, and a row without it is in no "
            "group: mend the table, or name other columns with --groups."
        )
    if _no_feature_by_name(name) or inferred.dtype.kind in "bmM":
        raise ProjectError(f"{name} makes no groups: choose a column of texts or whole numbers.")
    kind = "category" if inferred.dtype == object else "integer"
    keys = (columns.find(kind) or Column).propose(inferred)
    if kind == "category":
        counts = cells.astype(str).str.strip().value_counts()
        keys = {"categories": sorted(counts.index[:LISTED])}
        keys |= {"others": True} if len(counts) > LISTED else {}
    if keys is None:
        raise ProjectError(f"{name} has numbers with a fraction, which make no groups.")
    seen = f"--groups; {inferred.nunique():,} different values"
    proposal.lines.append(Described(name, f"group, {kind}", _example(cells), 0, seen))
    return {"name": name, "type": kind, **keys}


def _of_rows(feature: dict[str, Any], cells: pd.Series, marks: Marks) -> dict[str, Any]:
    """Return a column's entry with the ranges and categories of the rows that have a target.

    No model learns from the others, and `update-schema` compares with those that it learns from.
    Whether there are gaps is said of all rows: the others may be asked about.
    """
    kind = type(columns.read(feature))
    values = cells.dropna()
    is_text = cells_of.texts_of(values) is not None
    try:
        keys = kind.propose_text(values.astype(str), marks) if is_text else kind.propose(values)
    except NoFeature:
        return feature
    if values.empty or keys is None or keys.keys() != feature.keys() - {"name", "type", "nullable"}:
        return feature
    return feature | keys


def _no_feature_by_name(name: str) -> str:
    if not name.strip():
        return "it has no name"
    if not re.fullmatch(COLUMN_NAME, name):
        return "its name has a quote, a backslash or a line end: rename it"
    return ""


def _by_values(cells: pd.Series, inferred: pd.Series, name: str) -> str:
    """Return why a column's values leave it out, empty if they do not."""
    known = cells.dropna()
    try:
        if known.nunique() < 2:
            return "it holds no value" if known.empty else "it holds one value only"
    except TypeError:
        return "it holds lists or objects: make columns of them"
    if isinstance(known.iat[0], bytes):
        return "it holds bytes"
    return infer_target.why_no_feature(inferred, name)


Found = tuple[Column, dict[str, Any], pd.Series, list[Misfit]]


def _typed(cells: pd.Series, marks: Marks, asking: Asking | None) -> Found | str:
    """Return the first type that takes a column, its entry, values and misfits; or why none does.

    Where more than a few cells do not fit, a type is taken only if the answer to that is yes.
    """
    known = cells.dropna()
    is_text = cells_of.texts_of(known) is not None
    if is_text:
        known = known.astype(str)
    doubtful = ""
    for type_name, kind in columns.to_propose():
        try:
            keys = kind.propose_text(known, marks) if is_text else kind.propose(known)
        except NoFeature as error:
            return doubtful or str(error)
        if keys is None or (doubtful and kind.numeric):
            continue
        feature = {"name": cells.name, "type": type_name, **keys}
        column: Column = columns.read(feature)
        values = cells_of.read(cells, column, marks)
        misfits = cells_of.misfits_of(cells, values, column)
        if len(misfits) > MOST_MISFITS * cells_of.known_count(cells, column):
            doubtful = _doubt(misfits, len(known), column)
            if asking is None or not asking.accepts(f"{cells.name}: {doubtful}"):
                continue
        elif doubtful and known.nunique() > FEW_TEXTS:
            return doubtful
        if values.nunique() < 2:
            return "it holds one value only"
        return column, feature, values, misfits
    return doubtful or "no column type takes its values"


def _doubt(misfits: list[Misfit], count: int, column: Column) -> str:
    share = len(misfits) / count
    texts = dict.fromkeys(repr(cells_of.shortened(each.text)) for each in misfits[:100])
    shown = ", ".join([*texts][: cells_of.SHOWN])
    return f"{share:.0%} of its cells are not {column.expected}: {shown}"


def _no_feature(target: str, left_out: dict[str, str]) -> str:
    """Return the message about a table in which no column can be a feature."""
    reasons = [f"{name}: {why}" for name, why in left_out.items()]
    more = f"; and {len(reasons) - REASONS_SHOWN} more" if len(reasons) > REASONS_SHOWN else ""
    shown = "; ".join(reasons[:REASONS_SHOWN])
    return (
        f"No column besides {target} can serve as a feature ({shown}{more}): mend the table, or "
        "choose another target with --target."
    )


def _example(cells: pd.Series) -> str:
    known = cells.dropna()
    return "" if known.empty else cells_of.shortened(str(known.iat[0]).strip())
