"""Validation of a dataset against model.yaml by pandera, reported by column and row."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa

from seedling import tasks
from seedling.columns.protocol import Check
from seedling.config import Dataset

SHOWN = 5
LEAK = 0.999  # a single feature that predicts the target this well has seen it


@dataclass(frozen=True)
class Problem:
    """A fault of one column, and the rows that have it, counted from 1 without the header."""

    column: str
    message: str
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.column}: {self.message}"
        shown = ", ".join(str(row) for row in self.rows[:SHOWN])
        more = f" and {len(self.rows) - SHOWN} more" if len(self.rows) > SHOWN else ""
        return f"{self.column}: {self.message} (row{'s' * (len(self.rows) > 1)} {shown}{more})"


def validate(rows: pd.DataFrame, dataset: Dataset) -> list[Problem]:
    """List the problems of the rows: types, ranges, missing values, unknown categories, duplicate
    keys, and features that give the target away. The list is empty if there are none.
    """
    problems = _schema_problems(rows.reset_index(drop=True), dataset)
    return problems or leaks(rows, dataset)


def first_problem(rows: pd.DataFrame, dataset: Dataset) -> str:
    """Return the first problem and the number of others as a sentence, empty if there is none."""
    problems = validate(rows, dataset)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else ""


def _schema_problems(rows: pd.DataFrame, dataset: Dataset) -> list[Problem]:
    key = [name for name in dataset.entity_key if name in rows]
    columns = {name: pa.Column(nullable=False) for name in dataset.entity_key}
    columns |= {
        column.name: _checked(column.checks(), column.nullable) for column in dataset.features
    }
    columns[dataset.target.name] = _checked(
        [Check(*tasks.of(dataset).training.check(dataset.target))]
    )
    schema = pa.DataFrameSchema(columns, unique=key if key == dataset.entity_key and key else None)
    try:
        schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as error:
        return _problems(error.failure_cases, dataset)
    return []


def _checked(checks: list[Check], nullable: bool = False) -> pa.Column:
    asked = [pa.Check(check.fits, error=check.words) for check in checks]
    return pa.Column(checks=asked, nullable=nullable)


def _problems(cases: pd.DataFrame, dataset: Dataset) -> list[Problem]:
    """Group pandera's failure cases by column and reason."""
    problems = []
    for (column, check), found in cases.groupby(["column", "check"], sort=False, dropna=False):
        row_numbers = tuple(sorted({int(row) + 1 for row in found["index"].dropna()}))
        if check == "column_in_dataframe":
            missing = str(found["failure_case"].iloc[0])
            problems.append(Problem(missing, "the column is missing"))
        elif check == "not_nullable":
            problems.append(Problem(str(column), "a value is missing", row_numbers))
        elif str(check).startswith(("multiple_fields_uniqueness", "field_uniqueness")):
            key = ", ".join(dataset.entity_key)
            problems.append(Problem(key, "the key stands more than once", row_numbers))
        else:
            values = ", ".join(sorted({repr(value) for value in found["failure_case"]})[:SHOWN])
            problems.append(Problem(str(column), f"{values} {check}", row_numbers))
    return list(dict.fromkeys(problems))


def leaks(rows: pd.DataFrame, dataset: Dataset) -> list[Problem]:
    """List each feature that alone predicts the target of unseen rows almost perfectly."""
    probe = tasks.of(dataset).training.leak_probe(rows[dataset.target.name])
    truth, guess = probe.truth, probe.guess
    half = np.arange(len(rows)) % 2 == 0
    found = []
    for column in dataset.features:
        parts = column.frame(rows[column.name])
        is_text = any(part.dtype == object for part in parts.values())
        one = pd.DataFrame({name: _as_numbers(part) for name, part in parts.items()})
        tree = probe.tree(max_depth=None if is_text else 6, random_state=0)
        score = tree.fit(one[half], truth[half]).score(one[~half], truth[~half])
        if score >= LEAK and score - guess > 0.5 * (1 - guess):
            message = (
                f"alone predicts {dataset.target.name} for {score:.2%} of rows: is it known before?"
            )
            found.append(Problem(column.name, message))
    return found


def _as_numbers(part: pd.Series) -> pd.Series:
    """Return a part's numbers; of text, a number for each."""
    return part.astype("category").cat.codes if part.dtype == object else part
