"""Validation of a dataset against model.yaml by pandera, reported by column and row."""

from dataclasses import dataclass, field

import pandas as pd
import pandera.pandas as pa

from seedling import tasks
from seedling.columns.protocol import Check, Column
from seedling.config import Dataset
from seedling.data import leaks
from seedling.data.failures import COLUMN, Failures
from seedling.wording import rows_shown

GAP = "not_nullable"  # pandera's name of the check


@dataclass(frozen=True)
class Problem:
    """A fault of one column, and the rows that have it, counted from 1 without the header."""

    column: str
    message: str
    rows: tuple[int, ...] = ()
    check: str = ""  # the words of the check that failed, or GAP
    more: int = 0  # rows that have it beside those

    def __str__(self) -> str:
        return f"{self.column}: {self.message}{rows_shown(self.rows, self.more)}"


@dataclass
class Findings:
    """The comparison of a dataset's rows with its schema.

    Attributes:
        problems: they stop training: values of another type, gaps, missing columns, leaks.
        warnings: values beyond the schema, such as a new category, unless the dataset is strict;
            features that are named as if they were known after the target only.
    """

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def first_problem(self) -> str:
        """Return the first problem and the number of others as a sentence, empty for none."""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{self.problems[0]}{more}" if self.problems else ""

    def remedy(self) -> str:
        """Return what to do about the problems, as a sentence that goes on."""
        if all(problem.check == GAP for problem in self.problems):
            return "run update-schema, which lets a feature have gaps"
        return "run validate-datasets"


def examine(rows: pd.DataFrame, dataset: Dataset) -> Findings:
    """Compare the rows with the schema; features that give the target away are problems too."""
    counted = isinstance(rows.index, pd.RangeIndex) and rows.index.equals(pd.RangeIndex(len(rows)))
    found = _beside_schema(rows if counted else rows.reset_index(drop=True), dataset)
    if not found.problems:
        found.problems += [Problem(*leak) for leak in leaks.find(rows, dataset)]
        found.warnings += [Problem(*leak) for leak in leaks.named_after(dataset)]
    return found


def validate(rows: pd.DataFrame, dataset: Dataset) -> list[Problem]:
    """List the problems of the rows: types, missing values, and features that give the target away.

    Repeated keys are one where the dataset has one row per key; of a strict dataset, ranges and
    unknown categories too.
    """
    return examine(rows, dataset).problems


def failing(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame | None:
    """Return pandera's failure cases of rows whose index counts them; None where there are none."""
    key = [name for name in dataset.entity_key if name in rows]
    columns = {name: pa.Column(nullable=False) for name in dataset.entity_key}
    columns |= {
        column.name: _checked(_checks(column, dataset), column.nullable)
        for column in (*dataset.features, *dataset.inputs)
    }
    columns[dataset.target.name] = _checked(
        [Check(*tasks.of(dataset).training.check(dataset.target))]
    )
    unique = key if dataset.one_row_per_key and key == dataset.entity_key else None
    schema = pa.DataFrameSchema(columns, unique=unique)
    try:
        schema.validate(rows, lazy=True, inplace=True)  # a copy of it otherwise
    except pa.errors.SchemaErrors as error:
        return error.failure_cases
    return None


def found(failures: Failures, dataset: Dataset) -> Findings:
    """Sort out what rows have failed: what stops training, and what is a warning."""
    return _sorted_out(_problems(failures, dataset), dataset)


def repeated(dataset: Dataset, rows: tuple[int, ...], more: int) -> Problem:
    """Return the problem of rows, and of more beside them, whose key other rows have too."""
    key = ", ".join(dataset.entity_key)
    return Problem(key, "the key stands more than once", rows, more=more)


def _beside_schema(rows: pd.DataFrame, dataset: Dataset) -> Findings:
    failures = Failures()
    failures.add(failing(rows, dataset))
    return found(failures, dataset)


def _checks(column: Column, dataset: Dataset) -> list[Check]:
    """Return what is asked of a column; of one that makes groups, any value is welcome."""
    return [
        check for check in column.checks() if not (check.beyond and column.name in dataset.groups)
    ]


def _sorted_out(problems: list[Problem], dataset: Dataset) -> Findings:
    """Make warnings of the problems with values beyond the schema, unless the dataset is strict."""
    beyond = {
        (column.name, check.words)
        for column in (*dataset.features, *dataset.inputs)
        for check in column.checks()
        if check.beyond and not dataset.strict
    }
    warnings = [each for each in problems if (each.column, each.check) in beyond]
    return Findings([each for each in problems if each not in warnings], warnings)


def _checked(checks: list[Check], nullable: bool = False) -> pa.Column:
    asked = [pa.Check(check.fits, error=check.words) for check in checks]
    return pa.Column(checks=asked, nullable=nullable)


def _problems(failures: Failures, dataset: Dataset) -> list[Problem]:
    """Say for each column and check what is wrong, and where."""
    problems = []
    features = {column.name for column in (*dataset.features, *dataset.inputs)}
    for (column, check), failure in failures.items():
        rows, more = tuple(failure.rows), failure.count - len(failure.rows)
        if check == COLUMN:
            problems.append(Problem(column, "the column is missing"))
        elif check == GAP:
            words, kind = "a value is missing", GAP if column in features else ""
            if column in dataset.groups:
                words, kind = f"{words}: a row without it is in no group, mend the source", ""
            problems.append(Problem(column, words, rows, kind, more))
        elif check.startswith(("multiple_fields_uniqueness", "field_uniqueness")):
            problems.append(repeated(dataset, rows, more))
        else:
            message = f"{failure.values()} {check}"
            problems.append(Problem(column, message, rows, check, more))
    return list(dict.fromkeys(problems))
