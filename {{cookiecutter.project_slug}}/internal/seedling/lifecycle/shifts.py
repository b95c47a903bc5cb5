"""The shifts of a month that is simulated: `age:0.5sd`, `occupation:Sales=30%`."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from seedling.columns.protocol import Column
from seedling.config import Dataset
from seedling.errors import ProjectError

EXAMPLE = "feature:0.5sd, or feature:30% of rows with another value"
NONE = "none"  # as the only shift


class Shift(NamedTuple):
    """A shift of one column's values."""

    column: Column
    amount: str

    @property
    def text(self) -> str:
        return f"{self.column.name}:{self.amount}"


def of_texts(texts: Sequence[str], dataset: Dataset) -> list[Shift]:
    """Read shifts as they are typed; `none` for none.

    Args:
        texts: each has one shift, or several with commas between; a value may have commas too.
        dataset: has the features.

    Raises:
        ProjectError: one is malformed, names no raw feature, or names the feature of another.
    """
    left = ",".join(texts).strip()
    if left == NONE:
        return []
    columns = {column.name: column for column in dataset.raw}
    names = "|".join(map(re.escape, columns))
    next_one = re.compile(rf",\s*(?=(?:{names}):|[^,]*:|\s*$)")
    found: dict[str, Shift] = {}
    while left:
        name = next((each for each in columns if left.startswith(f"{each}:")), "")
        amount, *others = next_one.split(left.removeprefix(f"{name}:"), maxsplit=1)
        if not name or not amount.strip():
            text, known = next_one.split(left, maxsplit=1)[0], ", ".join(columns)
            raise ProjectError(f"{text!r} is no shift: write {EXAMPLE}. The features: {known}.")
        if name in found:
            raise ProjectError(f"{name} is shifted twice.")
        found[name] = Shift(columns[name], amount.strip())
        left = others[0].strip() if others else ""
    return [*found.values()]


def usual(dataset: Dataset) -> list[Shift]:
    """Return the shifts that are made unless others are asked for: of two features at most.

    They are the first two whose amounts are of different kinds, such as 0.5sd and 20%; what
    identifies an entity or makes its group stays.
    """
    fixed = {*dataset.entity_key, *dataset.groups, dataset.by_time}
    found: dict[str, Shift] = {}
    for column in dataset.raw:
        if column.name not in fixed:
            found.setdefault(column.usual_shift, Shift(column, column.usual_shift))
    return [*found.values()][:2]


def shifted(
    rows: pd.DataFrame, shifts: Sequence[Shift], generator: np.random.Generator
) -> pd.DataFrame:
    """Return rows with some columns shifted.

    Raises:
        ProjectError: a column cannot be shifted so, and why.
    """
    changed = {}
    for shift in shifts:
        name = shift.column.name
        try:
            changed[name] = shift.column.shifted(rows[name], shift.amount, generator)
        except ValueError as error:
            raise ProjectError(f"{shift.text}: {error}.") from None
    return rows.assign(**changed)
