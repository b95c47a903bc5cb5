"""The features of an answer of /run, each with the type that its column has in JSON.

A feature store has its own types: SQLite knows no booleans and no dates. `run` answers what it
gives, `run_fake` an example of the schema; a caller finds the same types in both.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from seedling.columns.protocol import Column
from seedling.data.scalars import plain


def typed(features: Any, columns: Iterable[Column]) -> Any:
    """Return features with each value as its column's JSON value; others as they are.

    Args:
        features: what serve.py returned: a row by column name, a list of rows, or anything else.
        columns: raw columns of the models that answered; of two of a name the first counts.
    """
    by_name: dict[str, Column] = {}
    for column in columns:
        by_name.setdefault(column.name, column)
    if isinstance(features, list):
        return [_row(each, by_name) for each in features]
    return _row(features, by_name)


def _row(row: Any, columns: Mapping[str, Column]) -> Any:
    if not isinstance(row, Mapping):
        return row
    return {name: _value(plain(value), columns.get(name)) for name, value in row.items()}


def _value(value: Any, column: Column | None) -> Any:
    if value is None or column is None:
        return value
    try:
        return column.json_value(value)
    except (ValueError, TypeError):  # not of the type: the model has refused it, or never saw it
        return value
