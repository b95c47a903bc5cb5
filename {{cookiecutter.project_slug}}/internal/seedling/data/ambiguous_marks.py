"""Numbers such as 2.339 and 5,160, which are thousands in one country and fractions in another."""

import pandas as pd

from seedling.data import spelled
from seedling.data.guess import AROUND, FRACTION
from seedling.data.spelled import NOTHING, Marks

SAMPLE = 1_000  # cells of a column
AMBIGUOUS = r"[-+]?[1-9]\d{0,2}([.,])\d{3}"


def notes(numbers: pd.DataFrame, table: pd.DataFrame, marks: Marks) -> dict[str, str]:
    """Say of which columns nothing in the table tells how they are meant, and how they are read.

    Args:
        numbers: the columns that are read as numbers.
        table: all columns: a number such as 0,5 in one of them tells it for the others.
        marks: how the texts are read.

    Returns:
        The words by column, each with the option that says otherwise.
    """
    if marks.thousands == NOTHING or any(
        _texts(table[name]).str.fullmatch(FRACTION[marks.decimal]).any() for name in table
    ):
        return {}
    found = {}
    for name in numbers:
        texts = _texts(numbers[name])
        signs = texts.str.extract(f"^{AMBIGUOUS}$", expand=False)
        if len(texts) and signs.notna().all() and signs.nunique() == 1:
            value, other = spelled.number(texts.iloc[0], marks), marks.swapped().decimal
            found[str(name)] = (
                f"{texts.iloc[0]} is ambiguous, and read as {value:.15g}: "
                f"--decimal {other} says otherwise"
            )
    return found


def _texts(cells: pd.Series) -> pd.Series:
    """Return up to SAMPLE cells of a column that are texts, without what stands around a number."""
    known = cells.dropna()
    some = known.iloc[:: max(1, len(known) // SAMPLE)]
    return some[[isinstance(cell, str) for cell in some]].astype("str").str.strip(AROUND)
