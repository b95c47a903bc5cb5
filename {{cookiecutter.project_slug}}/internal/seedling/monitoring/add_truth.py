"""Read a table of truth, check it, and keep what it has that was not known."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
import pandas as pd

from seedling import tasks
from seedling.config import Dataset, Project, Reading
from seedling.config.reading import refuse_copies
from seedling.data import blobs, cells, own_table
from seedling.data import reading as files
from seedling.data.datasets import read_source
from seedling.data.distinct import each, label_texts
from seedling.data.scalars import label_text
from seedling.errors import ProjectError
from seedling.monitoring import truth
from seedling.monitoring.truth import PREDICTION_ID, ROW, VALUE
from seedling.wording import counted, listed, rows_shown

NUMBER = re.compile(r"(?P<whole>-?(0|[1-9][0-9]*))(?P<rest>[.][0-9]*)")
MOST_UNFIT = 0.05  # of the values; with more, the file is another than it was taken for


class TruthAdded(msgspec.Struct, frozen=True):
    """The outcome of adding a table of truth.

    Attributes:
        rows: of the table.
        on: the columns of the key.
        new: keys whose truth was not known.
        corrected: keys that had another value.
        same: keys that had this value already.
        repeated: rows of the table whose key stands in a later row too, with the same value.
        contradicted: such rows with another value than the later one, which counts.
        left_out: sentences about rows that were left out.
    """

    rows: int
    on: list[str]
    new: int = 0
    corrected: int = 0
    same: int = 0
    repeated: int = 0
    contradicted: int = 0
    left_out: list[str] = []


class Wanted(NamedTuple):
    """The table, and what was said about it.

    Attributes:
        source: a file, a blob's URL, a query file, or a SQL URL with #table.
        on: columns that truth and predictions have; `COLUMN=NAME` where the table has COLUMN for
            the key or feature NAME. Unless given, the prediction's id or the entity key, with
            the time of the dataset's split where table and log have it.
        target: the table's column of truth, if it has another name than the target.
        said: how the file is read, as keys of `read` in model.yaml.
    """

    source: str
    on: Sequence[str] = ()
    target: str | None = None
    said: Mapping[str, Any] = {}


def add_truth(project: Project, dataset: Dataset, wanted: Wanted) -> TruthAdded:
    """Add the truth of a table to what is known of a dataset; the same table twice adds nothing.

    Raises:
        ProjectError: the table cannot be read, lacks a column, or has values that are none of the
            target's.
    """
    source = own_table.from_root(project, wanted.source)
    reading = _reading(project, source, wanted.said)
    table = read_source(project, source, reading)
    rows = _renamed(table.rows, dataset, wanted)
    if reading is not None:  # of this file, not of the dataset's
        dataset = dataset.model_copy(update={"read": reading})
    on = _key_of(rows, dataset, wanted)
    _refuse_copies(table, dataset, on, wanted)
    count, left_out = len(rows), [table.left_out] if table.left_out else []
    keys = _key_texts(rows, dataset, on, table.is_text)
    _refuse_places(rows, keys, wanted.source)
    values, words = _values(rows, dataset, table.is_text, wanted.source)
    left_out += words
    keyed = pd.DataFrame({"key": truth.joined_texts([keys[name] for name in on]), VALUE: values})
    without = int((keyed["key"].isna() & values.notna()).sum())
    if without:
        left_out.append(f"{counted(without, 'row')} without {listed(on)}: left out")
    keyed = keyed[keyed.notna().all(axis=1)]
    if keyed.empty:
        raise ProjectError(f"{wanted.source}: no row has both {listed(on)} and a truth.")
    last = keyed[~keyed["key"].duplicated(keep="last")]
    counts = last.set_index("key")[VALUE].reindex(keyed["key"]).to_numpy() == keyed[VALUE]
    known = truth.truth_of(project, dataset).tables.get(tuple(on))
    before = None if known is None else known[VALUE].reindex(last["key"]).to_numpy()
    is_known = pd.Series(before, dtype=object).notna().to_numpy() if before is not None else None
    new = len(last) if is_known is None else int((~is_known).sum())
    same = 0 if before is None else int((before == last[VALUE].to_numpy()).sum())
    changed = last.index if before is None else last.index[before != last[VALUE].to_numpy()]
    if len(changed):
        truth.keep(project, dataset, on, keys.loc[changed], values.loc[changed])
    return TruthAdded(
        rows=count,
        on=on,
        new=new,
        corrected=len(changed) - new,
        same=same,
        repeated=int(counts.sum()) - len(last),
        contradicted=int((~counts).sum()),
        left_out=left_out,
    )


def _reading(project: Project, source: str, said: Mapping[str, Any]) -> Reading | None:
    if blobs.is_file(source):
        return files.guess(blobs.file_of(project.root, source), said)
    if said:
        raise ProjectError(f"{', '.join(said)}: only a file is read so, and {source} is none.")
    return None


def _renamed(rows: pd.DataFrame, dataset: Dataset, wanted: Wanted) -> pd.DataFrame:
    """Return the table's columns by the names of the dataset."""
    names = {}
    for given in wanted.on:
        column, _, name = given.partition("=")
        names[column] = name or column
    if wanted.target:
        names[wanted.target] = dataset.target.name
    has = listed([str(name) for name in rows])
    for column in names:
        if column not in rows:
            raise ProjectError(f"{wanted.source} has no column {column!r}; it has {has}.")
    others = {new for old, new in names.items() if new != old}
    found = rows.drop(columns=[name for name in rows if name in others]).rename(columns=names)
    if dataset.target.name not in found:
        raise ProjectError(
            f"{wanted.source} has no column {dataset.target.name!r}, the truth; it has {has}: name "
            "its column with --target."
        )
    return found.reset_index(drop=True)


def _refuse_copies(table: files.Table, dataset: Dataset, on: list[str], wanted: Wanted) -> None:
    """Raise InputError where the table has a column of the key, or the truth, more than once."""
    given = (one.partition("=") for one in wanted.on)
    columns = {name or column: column for column, _, name in given}
    columns[dataset.target.name] = wanted.target or dataset.target.name
    known = {dataset.target.name, *dataset.entity_key, *(column.name for column in dataset.raw)}
    needed = [columns.get(name, name) for name in (*on, dataset.target.name)]
    # Of a query the columns keep a name that several have: each copy is told by its place.
    places = enumerate(table.rows.columns.duplicated())
    again = {str(at): str(table.rows.columns[at]) for at, is_again in places if is_again}
    refuse_copies({**table.copies, **again}, needed, known, wanted.source)


def _key_of(rows: pd.DataFrame, dataset: Dataset, wanted: Wanted) -> list[str]:
    """Return the columns of the key: those named, the prediction's id, or the entity key.

    The time by which the dataset is split is part of the entity key where table and log have it:
    an entity has a truth for each time.
    """
    logged = {PREDICTION_ID, ROW, *dataset.entity_key, *(column.name for column in dataset.raw)}
    named = [given.partition("=")[2] or given for given in wanted.on]
    unknown = [name for name in named if name not in logged]
    if unknown:
        known = listed([PREDICTION_ID, *dataset.entity_key])
        raise ProjectError(
            f"--on {unknown[0]}: the prediction log has no such column; it has {known} and the "
            "features. Say COLUMN=NAME where the two have different names."
        )
    if named:
        on = [*dict.fromkeys(named)]
    elif PREDICTION_ID in rows:
        on = [PREDICTION_ID]
    elif dataset.entity_key and {*dataset.entity_key} <= {*rows}:
        times = {dataset.by_time} & logged & {*rows}
        on = [*dict.fromkeys([*dataset.entity_key, *times])]
    else:
        key = f" nor the entity key ({listed(dataset.entity_key)})" if dataset.entity_key else ""
        raise ProjectError(
            f"{wanted.source} has neither {PREDICTION_ID}{key}: name with --on a column that it "
            "has, and that predictions were made from."
        )
    if PREDICTION_ID in on:
        return [PREDICTION_ID, ROW]
    return on


def _key_texts(rows: pd.DataFrame, dataset: Dataset, on: list[str], is_text: bool) -> pd.DataFrame:
    """Return the columns of the key as texts; a row of a request is the first unless said."""
    if on[0] == PREDICTION_ID:
        first = pd.Series("0", index=rows.index)
        place = label_texts(cells.inferred(rows[ROW])) if ROW in rows else first
        return pd.DataFrame({PREDICTION_ID: rows[PREDICTION_ID].astype("string"), ROW: place})
    typed = cells.typed(rows[on], dataset, infer=False).rows
    texts = pd.DataFrame({name: label_texts(typed[name]) for name in on})
    if is_text:
        known = {column.name for column in dataset.raw}
        decimal = cells.marks_of(dataset.read).decimal
        for name in on:
            if name not in known:
                texts[name] = each(texts[name], partial(_as_keyed, decimal=decimal))
    return texts


def _as_keyed(text: Any, decimal: str) -> Any:
    """Return a key of a file as the log has it: 1.0 as 1, but 1.10, 007 and 1e4 as they are.

    A missing value makes whole numbers of a file end in .0. Where the log has numbers, the texts
    are compared as numbers: see `truth.Truth`.
    """
    if not isinstance(text, str):
        return text
    found = NUMBER.fullmatch(text.replace(decimal, ".") if decimal != "." else text)
    if not found:
        return text
    return found["whole"] if not found["rest"].strip(".0") else found[0]


def _as_labels(texts: pd.Series, labels: set[str]) -> pd.Series:
    """Return n texts, of which a number such as 1.0 is a label such as 1 also beside misfits."""

    def label(text: Any) -> Any:
        if not isinstance(text, str) or text in labels:
            return text
        number = truth.number_text(text)
        return number if number in labels else text

    return texts.map(label) if texts.dtype == object else texts


def _refuse_places(rows: pd.DataFrame, keys: pd.DataFrame, source: str) -> None:
    """Raise ProjectError where the place of a row in its request is none."""
    if ROW not in keys:
        return
    wrong = keys[ROW].notna() & ~keys[ROW].astype("string").str.fullmatch(r"[0-9]+").fillna(False)
    places = [int(at) for at in wrong.to_numpy().nonzero()[0]]
    if places:
        text = cells.shortened(str(rows[ROW].iloc[places[0]]))
        shown = rows_shown([at + 1 for at in places])
        raise ProjectError(
            f"{source}: {ROW}: {text!r} is no place in a request, which are 0, 1, 2, ...{shown}: "
            "nothing was added."
        )


def _values(
    rows: pd.DataFrame, dataset: Dataset, is_text: bool, source: str
) -> tuple[pd.Series, list[str]]:
    """Return the truth of n rows, NaN for none, and sentences about those left out.

    Raises:
        ProjectError: too many values are none of the target's.
    """
    target, task = dataset.target, tasks.of(dataset)
    typed = cells.typed(rows[[target.name]], dataset, infer=is_text)
    given, found = rows[target.name], typed.rows[target.name]
    if task.outcomes(target) and is_text:
        found = _as_labels(found, {label_text(label) for label in target.labels})
    fits, words = task.training.check(target)[:2]  # a number's is a Check
    known = given.notna() & found.notna()
    unfit = given.notna() & found.isna()
    if target.name in typed.refused:
        raise ProjectError(f"{source}: {typed.refused[target.name]}: mend the column.")
    unfit |= known & ~fits(found).fillna(False).astype(bool)
    places = [int(at) for at in unfit.to_numpy().nonzero()[0]]
    if not places and bool((given.isna()).all()):
        raise ProjectError(f"{source}: no row has a value of {target.name}.")
    shown = ""
    if places:
        text = cells.shortened(str(given.iloc[places[0]]))
        shown = f"{target.name}: {text!r} {words}{rows_shown([at + 1 for at in places])}"
    if len(places) > MOST_UNFIT * int(given.notna().sum()):
        raise ProjectError(
            f"{source}: {shown}: nothing was added. Mend the file, or let update-schema add what "
            "is new to model.yaml."
        )
    left_out = [f"{shown}: left out"] if places else []
    gaps = int(given.isna().sum())
    if gaps:
        left_out.append(f"{counted(gaps, 'row')} without {target.name}: left out")
    values = found.where(~unfit & given.notna())
    if task.outcomes(target):
        return label_texts(values), left_out
    return values, left_out
