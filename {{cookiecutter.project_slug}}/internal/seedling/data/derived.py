"""Derived features: from raw columns by the expressions of model.yaml and by features/derive.py.

Expressions come first, each may name those before it; then `derive` is given the raw columns and
theirs. The service computes expressions without pandas.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedling import team_code
from seedling.columns.protocol import Column
from seedling.config import Dataset
from seedling.errors import InputError, ProjectError

if TYPE_CHECKING:
    import pandas as pd

    from seedling.data.column_values import Values as Columns
    from seedling.data.expressions import Expression

FILE = "features/derive.py"
NAME = "derive.py"  # beside a version's other files
ALONE = 20  # rows that are derived one by one, to compare them with the table's

Values = tuple[Any, ...]  # None for missing
Derive = Callable[["pd.DataFrame"], "pd.DataFrame"]


class Derivation:
    """Computes the derived features of one schema.

    Args:
        dataset: the schema.
        derive: the team's `derive`: raw rows -> rows with the columns that are marked `derived`;
            None where none is.
        source: the text of its file.
    """

    def __init__(self, dataset: Dataset, derive: Derive | None = None, source: str = "") -> None:
        self.dataset, self.derive, self.source = dataset, derive, source
        self.expressions = dataset.expressions()
        self.raw = {column.name: column for column in dataset.raw}
        self.by_code = [column for column in dataset.features if column.derived]
        read = {name for each in self.expressions.values() for name in each.names}
        self._read = read
        self._numbers = [name for name in self.raw if name in read and self.raw[name].numeric]
        numbers = {name for name, column in self.raw.items() if column.numeric}
        made = {name for name, each in self.expressions.items() if each.kind == "number"}
        self._as_numbers = numbers | made
        self._by_name = {column.name: column for column in dataset.features}
        self.is_needed = bool(self.expressions or self.by_code or dataset.inputs)

    def values(self, rows: Sequence[Values]) -> list[Values]:
        """Return the values of all features of n rows, in their order.

        Args:
            rows: the values of the raw columns, in the order of `Dataset.raw`.

        Raises:
            InputError: `derive` does not take the values.
        """
        if not self.is_needed:
            return list(rows)
        found = [dict(zip(self.raw, row, strict=True)) for row in rows]
        for row in found:
            self._add(row)
        if self.by_code and found:
            table = self._answered(self._table(found))
            for column in self.by_code:
                for row, value in zip(found, column.values(table[column.name]), strict=True):
                    row[column.name] = value
        names = self.dataset.feature_names
        return [tuple(row[name] for name in names) for row in found]

    def columns(self, raw: "Sequence[Columns]") -> "list[Columns]":
        """Return n values of each feature, in their order: those that `values` gives row by row.

        Args:
            raw: n values of each raw column, in the order of `Dataset.raw`.

        Raises:
            InputError: `derive` does not take the values.
        """
        from seedling.data import column_values

        if not self.is_needed:
            return list(raw)
        found = dict(zip(self.raw, raw, strict=True))
        if self.by_code:
            rows = self.values(column_values.rows(raw))
            features = zip(*rows, strict=True) if rows else [()] * len(self._by_name)
            return [column_values.distinct(each) for each in features]
        known = {
            name: values.floats(math.nan) if name in self._numbers else values.objects()
            for name, values in found.items()
            if name in self._read
        }
        for name, expression in self.expressions.items():
            computed = _whole(expression, known, len(raw[0]))
            known[name] = computed
            column = self._by_name.get(name)
            if column is not None:
                found[name] = _of_feature(column, expression.kind == "number", computed)
        return [found[name] for name in self.dataset.feature_names]

    def _add(self, row: dict[str, Any]) -> None:
        """Add the values of the expressions to a row."""
        numbers = {name: float(row[name]) for name in self._numbers if row[name] is not None}
        known = row | numbers
        for name, expression in self.expressions.items():
            value = expression.by_row(known)
            known[name] = value
            column = self._by_name.get(name)
            row[name] = value if value is None or column is None else column.cell(value)

    def table(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return a dataset's rows with their derived features, instead of such columns before.

        A feature is left out where the rows lack a column that it is computed from: validation
        names both.

        Raises:
            ProjectError: `derive` fails, or returns something else.
        """
        if not (self.expressions or self.by_code):
            return rows
        import pandas as pd

        known: dict[str, Any] = {}
        for name, column in self.raw.items():
            if name in rows:
                known[name] = _array(column, rows[name])
        found: dict[str, Any] = {}
        for name, expression in self.expressions.items():
            if expression.names <= known.keys():
                known[name] = expression.by_column(known)
                kind = "float64" if expression.kind == "number" else object
                found[name] = pd.Series(known[name], index=rows.index, dtype=kind)
        rows = rows.assign(**found)
        if self.by_code:
            lacking = [name for name in self.raw if name not in rows]
            if lacking:
                raise ProjectError(f"{FILE} needs {', '.join(lacking)}, which the table lacks.")
            given = {name: column.values(rows[name]) for name, column in self.raw.items()}
            given |= {name: series.tolist() for name, series in found.items()}
            derived = self.called(frame(given, self._as_numbers, rows.index))
            rows = rows.assign(**{column.name: derived[column.name] for column in self.by_code})
        return rows

    def refuse_other_alone(self, rows: "pd.DataFrame") -> None:
        """Refuse a `derive` that gives a row other values alone than in the table.

        The service derives the rows of one request, and would answer otherwise than measured.

        Args:
            rows: the result of `table`.

        Raises:
            ProjectError: it does so, and with which row and column.
        """
        if not self.by_code:
            return
        whole = rows.head(ALONE)
        for at in range(len(whole)):
            alone = self.table(whole.iloc[[at]])
            for column in self.by_code:
                tables = (alone, whole.iloc[[at]])
                one, other = (column.values(table[column.name]) for table in tables)
                if one != other:
                    raise ProjectError(
                        f"{FILE}: {column.name} of row {at + 1} is {one[0]!r} alone and "
                        f"{other[0]!r} in the table: derive must look at each row by itself."
                    )

    def _answered(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Call the team's `derive` on rows of a caller, who may have sent what it does not take."""
        try:
            return self.called(rows)
        except ProjectError as error:
            names = ", ".join(column.name for column in self.by_code)
            raise InputError(f"{names}: {error}") from error

    def _table(self, rows: Sequence[dict[str, Any]]) -> "pd.DataFrame":
        names = [*self.raw, *self.expressions]
        return frame({name: [row[name] for row in rows] for name in names}, self._as_numbers, None)

    def called(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return what the team's `derive` makes of raw rows.

        Raises:
            ProjectError: it fails, or returns something else than the rows with all its columns.
        """
        if self.derive is None:
            raise ProjectError(f"{FILE} is missing, and {self.by_code[0].name} is derived by it.")
        try:
            found = self.derive(rows.copy())
        except Exception as error:
            raise ProjectError(f"{FILE} fails: {type(error).__name__}: {error}.") from error
        if not hasattr(found, "columns") or len(found) != len(rows):
            raise ProjectError(f"{FILE}: derive must return a table with the rows it was given.")
        lacking = [column.name for column in self.by_code if column.name not in found]
        if lacking:
            raise ProjectError(f"{FILE}: derive returns no column {', '.join(lacking)}.")
        return found


def in_project(root: Path, dataset: Dataset) -> Derivation:
    """Return the derivation by the project's own features/derive.py, where a feature needs it.

    Raises:
        ProjectError: the file cannot be imported, or has no `derive`.
    """
    return _by(root / FILE, dataset)


def of_model(folder: Path, dataset: Dataset) -> Derivation:
    """Return the derivation by the derive.py that was saved with a model, whose files are verified.

    Raises:
        ProjectError: the file cannot be imported, or has no `derive`.
    """
    return _by(folder / NAME, dataset)


def frame(values: Mapping[str, list[Any]], numbers: Collection[str], index: Any) -> "pd.DataFrame":
    """Return the table that `derive` is given, of the same types in training and serving.

    Args:
        values: n values by column, None for missing.
        numbers: the columns that become float64; the others are objects, dates as texts.
        index: that of the table; the numbers of the rows for None.
    """
    import pandas as pd

    made = {}
    for name, found in values.items():
        if name in numbers:
            made[name] = pd.Series(found, index, "float64")
        else:
            kept = [None if value != value else value for value in found]
            made[name] = pd.Series(kept, index, object)
    return pd.DataFrame(made, index=index)


def _by(path: Path, dataset: Dataset) -> Derivation:
    if not any(column.derived for column in dataset.features) or not path.is_file():
        return Derivation(dataset)
    try:
        import pandas  # noqa: F401
    except ImportError:
        raise ProjectError(f"{FILE} needs the group `plain`: run init with it.") from None
    return Derivation(dataset, team_code.derive(path), path.read_text(encoding="utf-8"))


def _whole(expression: "Expression", known: Mapping[str, Any], count: int) -> Any:
    """Return the n values of an expression, which may have none of the columns in it."""
    import numpy as np

    kind = "float64" if expression.kind == "number" else object
    return np.broadcast_to(np.asarray(expression.by_column(known), kind), (count,))


def _of_feature(column: Column, is_number: bool, computed: Any) -> "Columns":
    """Return computed values as those of a feature, as its `cell` reads each."""
    import numpy as np

    from seedling.data import column_values

    if is_number and column.numeric:
        return column_values.Numbers(np.where(np.isfinite(computed), computed, np.nan))
    cells = [None if cell is None or cell != cell else cell for cell in computed.tolist()]
    found = column_values.distinct(cells)
    return found.each(lambda cell: None if cell is None else column.cell(cell))


def _array(column: Column, cells: "pd.Series") -> Any:
    """Return a raw column as an expression reads it: float64 with NaN, or objects with None."""
    import numpy as np

    if not column.numeric:
        return np.array([*column.values(cells), None], dtype=object)[:-1]
    numbers = column.frame(cells)[column.name].to_numpy("float64")
    return np.where(np.isfinite(numbers), numbers, np.nan)
