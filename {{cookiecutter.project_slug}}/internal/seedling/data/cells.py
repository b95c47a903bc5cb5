"""Cells of a table become values of the schema's types; one that does not fit is missing.

Such misfits are counted and shown with their rows. A column in which more than MOST_MISFITS of the
known cells do not fit is another thing than the schema says, and stays as it is.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from seedling import columns
from seedling.columns.protocol import Column
from seedling.config import Dataset, Reading
from seedling.data import spelled, spelled_columns
from seedling.data.distinct import label_texts
from seedling.data.spelled import POINT, Marks
from seedling.wording import counted

MOST_MISFITS = 0.05
SHOWN = 3
LONG = 40  # characters of a text that are shown
SAMPLE = 100  # cells that show whether a column is worth a closer look
TRUTHS = {"true": True, "false": False}


class Misfit(NamedTuple):
    """A cell that does not fit its column; rows count from 1 without the header."""

    column: str
    row: int
    text: str


class Typed(NamedTuple):
    """Rows with values of the schema's types, and the cells that became missing values.

    `refused` has the columns that stayed as they were, with a sentence that says why.
    """

    rows: pd.DataFrame
    misfits: list[Misfit]
    refused: dict[str, str]


def marks_of(reading: Reading | None) -> Marks:
    """Return how the texts of a file that is read so write numbers."""
    return Marks(reading.decimal, reading.thousands) if reading else POINT


def typed(rows: pd.DataFrame, dataset: Dataset, infer: bool = True) -> Typed:
    """Give the columns of a table the types that the schema has for them.

    Args:
        rows: a table; texts as a file has them, or values of a typed source.
        dataset: its schema.
        infer: make numbers or truth values of a column that it does not describe, if all of its
            texts are plain ones.
    """
    marks = marks_of(dataset.read)
    found: dict[Any, pd.Series] = {}
    misfits: list[Misfit] = []
    refused: dict[str, str] = {}
    if not rows.columns.is_unique:
        return Typed(rows, misfits, refused)
    described = {column.name: column for column in dataset.raw}
    target = target_column(dataset.target.name, dataset.target.type)
    if target is not None:
        described[target.name] = target
    for name in rows.columns:
        cells = settled(rows[name])
        if name not in described:
            cells = without_signs(cells) if name == dataset.target.name else cells
            found[name] = _one_kind(inferred(cells, marks) if infer else cells)
            continue
        values = read(cells, described[name], marks)
        bad = misfits_of(cells, values, described[name])
        if len(bad) > MOST_MISFITS * known_count(cells, described[name]):
            refused[str(name)] = f"{misfit_words(bad)}: expected {described[name].expected}"
            values = _one_kind(cells)
        else:
            misfits += bad
        found[name] = values
    return Typed(pd.DataFrame(found, index=rows.index), misfits, refused)


def _one_kind(cells: pd.Series) -> pd.Series:
    """Return cells among which texts are as texts only, since no file of columns takes both."""
    is_text = texts_of(cells)
    return cells if is_text is None or is_text.sum() == cells.notna().sum() else label_texts(cells)


def target_column(name: str, kind: str) -> Column | None:
    """Return the column type of a target of numbers; None where the target has labels."""
    found = columns.find(kind)
    return found(name=name, type=kind) if found is not None and found.numeric else None


def settled(cells: pd.Series) -> pd.Series:
    """Return cells in numpy's types: numbers, times, truth values, else Python objects.

    A missing value of a nullable or categorical column is None or NaN, a decimal is a float.
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = cells.astype(object).infer_objects()
    elif isinstance(cells.dtype, pd.api.extensions.ExtensionDtype) and not isinstance(
        cells.dtype, pd.DatetimeTZDtype
    ):
        cells = cells.astype(object).where(cells.notna(), None)
        kind = pd.api.types.infer_dtype(cells, skipna=True)
        if kind in ("integer", "floating", "mixed-integer-float"):
            cells = pd.to_numeric(cells)
        elif kind != "boolean" or cells.notna().all():
            cells = cells.infer_objects()
    if cells.dtype != object:
        return cells
    kind = pd.api.types.infer_dtype(cells, skipna=True)
    if kind == "decimal":
        return cells.where(cells.notna(), float("nan")).astype("float64")
    if kind == "timedelta":
        return pd.to_timedelta(cells)
    if kind in ("integer", "floating", "mixed-integer-float"):
        return pd.to_numeric(cells)
    return cells


def texts_of(cells: pd.Series) -> pd.Series | None:
    """Return which cells are texts; None where none is."""
    if cells.dtype != object:
        return None
    if pd.api.types.infer_dtype(cells, skipna=True) == "string":
        return cells.notna()
    found = cells.map(lambda cell: isinstance(cell, str)).astype(bool)
    return found if found.any() else None


def read(cells: pd.Series, column: Column, marks: Marks) -> pd.Series:
    """Return settled cells as values of a column's type, a misfit being missing."""
    is_text = texts_of(cells)
    if is_text is None:
        return column.from_typed(cells)
    found = column.from_text(cells.where(is_text, None), marks)
    others = cells.notna() & ~is_text
    if not others.any():
        return found
    return found.where(~others, column.from_typed(cells.where(others))).infer_objects()


def misfits_of(cells: pd.Series, values: pd.Series, column: Column) -> list[Misfit]:
    """List the cells that were there before `read`, and are missing after it."""
    places = (cells.notna() & values.isna()).to_numpy().nonzero()[0]
    texts = ((at, str(cells.iat[at])) for at in places)
    return [
        Misfit(column.name, int(at) + 1, text)
        for at, text in texts
        if text.strip().casefold() not in column.missing
    ]


def known_count(cells: pd.Series, column: Column) -> int:
    """Count the cells that are no missing values to a column."""
    known = cells.dropna()
    if not column.missing or texts_of(known) is None:
        return len(known)
    return int((~spelled_columns.is_blank(known.astype(str), column.missing)).sum())


def misfit_words(misfits: Sequence[Misfit]) -> str:
    """Describe misfits of one column: `amount: 2 cells do not fit (row 3 'x', row 7 'y')`."""
    shown = ", ".join(f"row {each.row:,} {shortened(each.text)!r}" for each in misfits[:SHOWN])
    more = f" and {len(misfits) - SHOWN:,} more" if len(misfits) > SHOWN else ""
    verb = "does" if len(misfits) == 1 else "do"
    return f"{misfits[0].column}: {counted(len(misfits), 'cell')} {verb} not fit ({shown}{more})"


def by_column(misfits: Sequence[Misfit]) -> Iterator[list[Misfit]]:
    """Yield the misfits of each column that has some."""
    found: dict[str, list[Misfit]] = {}
    for misfit in misfits:
        found.setdefault(misfit.column, []).append(misfit)
    yield from found.values()


def shortened(text: str) -> str:
    """Return a text, cut where it is long."""
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def without_signs(cells: pd.Series) -> pd.Series:
    """Return the cells of a target; `-`, `?` and the like, which are no words, are missing."""
    if texts_of(cells) is None:
        return cells
    return cells.mask(spelled_columns.is_blank(cells.astype("string"), spelled.NO_WORD), None)


def inferred(cells: pd.Series, marks: Marks = POINT) -> pd.Series:
    """Return texts as numbers or truth values where all are plain ones, else as they are."""
    known = cells.dropna()
    if known.empty or pd.api.types.infer_dtype(known) != "string":
        return cells
    if spelled_columns.are_plain(known, marks):
        return cells if spelled_columns.has_codes(known) else spelled_columns.plain(cells, marks)
    if {text.casefold() for text in known.head(SAMPLE)} <= TRUTHS.keys():
        found = spelled_columns.each(cells, lambda text: TRUTHS.get(text.casefold()))
        if found.notna().sum() == len(known):
            return found.astype(bool) if len(known) == len(cells) else found
    return cells
