"""Is a dataset what model.yaml says? Checked with pandera, told by column and row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa

from seedling import tasks
from seedling.config import Column, Dataset, Label
from seedling.data.scalars import LARGEST, label_text

SHOWN = 5
LEAK = 0.999  # a single feature that predicts the target this well has seen it


@dataclass(frozen=True)
class Problem:
    """What is wrong in one column, in which rows (counted from 1, without the header)."""

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
    """Everything that is wrong with the rows: types, ranges, missing values, unseen categories,
    duplicate keys, and features that give the target away. Empty when all is well.
    """
    problems = _schema_problems(rows.reset_index(drop=True), dataset)
    return problems or leaks(rows, dataset)


def first_problem(rows: pd.DataFrame, dataset: Dataset) -> str:
    """The first problem, and how many more there are; empty where there is none."""
    problems = validate(rows, dataset)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else ""


def _schema_problems(rows: pd.DataFrame, dataset: Dataset) -> list[Problem]:
    key = [name for name in dataset.entity_key if name in rows]
    columns = {name: pa.Column(nullable=False) for name in dataset.entity_key}
    columns |= {column.name: _column(column) for column in dataset.features}
    columns[dataset.target.name] = _target(dataset)
    schema = pa.DataFrameSchema(columns, unique=key if key == dataset.entity_key and key else None)
    try:
        schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as error:
        return _told(error.failure_cases, dataset)
    return []


def _column(column: Column) -> pa.Column:
    if column.type == "category":
        return pa.Column(
            checks=[_one_of(column.categories, "categories")], nullable=column.nullable
        )
    checks = [_is_number(column.type)]
    if column.minimum is not None:
        low = column.minimum
        checks.append(_number_check(lambda n: n >= low, f"is below the minimum {low:g}"))
    if column.maximum is not None:
        high = column.maximum
        checks.append(_number_check(lambda n: n <= high, f"is above the maximum {high:g}"))
    return pa.Column(checks=checks, nullable=column.nullable)


def _target(dataset: Dataset) -> pa.Column:
    fits, error = tasks.of(dataset).training.check(dataset.target)
    return pa.Column(checks=[pa.Check(fits, error=error)], nullable=False)


def _one_of(allowed: Iterable[Label], kind: str) -> pa.Check:
    known = {label_text(value) for value in allowed}
    return pa.Check(lambda s: s.map(label_text).isin(known), error=f"is none of its {kind}")


def _is_number(kind: str) -> pa.Check:
    def fits(values: pd.Series) -> pd.Series:
        numbers = _numbers(values)
        fitting = numbers.abs() <= LARGEST
        if kind == "integer":
            fitting &= numbers % 1 == 0
        if kind == "boolean":
            fitting &= numbers.isin([0, 1])
        return fitting

    article = "an" if kind == "integer" else "a"
    return pa.Check(fits, error=f"is not {article} {kind}")


def _number_check(holds: Callable[[pd.Series], pd.Series], error: str) -> pa.Check:
    """A check of the values that are numbers; the others have been told of already."""

    def fits(values: pd.Series) -> pd.Series:
        numbers = _numbers(values)
        return numbers.isna() | holds(numbers)

    return pa.Check(fits, error=error)


def _numbers(values: pd.Series) -> pd.Series:
    """The values as float64, text being no number even where it looks like one."""
    return pd.to_numeric(
        values.where(~values.map(lambda v: isinstance(v, str))), errors="coerce"
    ).astype("float64")


def _told(cases: pd.DataFrame, dataset: Dataset) -> list[Problem]:
    """pandera's failure cases, gathered by column and reason."""
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
    """Features that alone predict the target almost perfectly, on rows a small tree did not see."""
    probe = tasks.of(dataset).training.leak_probe(rows[dataset.target.name])
    truth, guess = probe.truth, probe.guess
    half = np.arange(len(rows)) % 2 == 0
    found = []
    for column in dataset.features:
        values = rows[column.name]
        codes = values.astype("category").cat.codes if column.type == "category" else values
        one = codes.astype("float64").to_frame()
        tree = probe.tree(max_depth=None if column.type == "category" else 6, random_state=0)
        score = tree.fit(one[half], truth[half]).score(one[~half], truth[~half])
        if score >= LEAK and score - guess > 0.5 * (1 - guess):
            message = (
                f"alone predicts {dataset.target.name} for {score:.2%} of rows: is it known before?"
            )
            found.append(Problem(column.name, message))
    return found
