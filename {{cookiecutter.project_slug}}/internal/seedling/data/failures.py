"""Failures of rows, by column and check, in an amount of memory that no number of rows exceeds."""

import pandas as pd

from seedling.data.scalars import plain
from seedling.wording import MOST_ROWS

SHOWN = 5  # values that a message has
MOST_VALUES = 100_000  # different ones that are told apart
COLUMN = "column_in_dataframe"  # pandera's name of the check that a column is there


class Failure:
    """The rows that fail at one check of one column.

    Attributes:
        rows: the numbers of the first ones, counted from 1.
        count: the number of all.
    """

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.count = 0
        self._values: dict[object, None] = {}

    def add(self, cases: pd.DataFrame, first: int) -> None:
        """Add pandera's cases of rows whose index counts from 0, behind `first` others."""
        numbers = sorted({int(row) + 1 + first for row in cases["index"].dropna()})
        self.rows += numbers[: MOST_ROWS - len(self.rows)]
        self.count += len(numbers)
        if len(self._values) < MOST_VALUES:
            for value in cases["failure_case"].unique():
                self._values[plain(value)] = None

    def values(self) -> str:
        """Return the different values as text; of many numbers, the smallest and the largest."""
        different = list(self._values)
        if len(different) > SHOWN and all(type(value) in (int, float) for value in different):
            return f"{min(different)!r} to {max(different)!r}"  # type: ignore[type-var]
        more = f" and {len(different) - SHOWN:,} more" if len(different) > SHOWN else ""
        return ", ".join(sorted(repr(value) for value in different)[:SHOWN]) + more


class Failures(dict[tuple[str, str], Failure]):
    """The failures by column and check; a missing column stands for its own check."""

    def add(self, cases: pd.DataFrame | None, first: int = 0) -> None:
        """Add pandera's cases of a table or of a batch of it; see `Failure.add`."""
        if cases is None:
            return
        for (column, check), found in cases.groupby(["column", "check"], sort=False, dropna=False):
            key = (str(column), str(check))
            if check == COLUMN:
                key = (str(found["failure_case"].iloc[0]), COLUMN)
            self.setdefault(key, Failure()).add(found, first)
