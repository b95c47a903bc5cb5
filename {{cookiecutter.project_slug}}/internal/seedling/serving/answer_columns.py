"""The answers of a task as Arrow's columns."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from seedling.config import Dataset
from seedling.data.column_values import Values
from seedling.serving.models import Version
from seedling.tasks.protocol import Answer, Task


def types(task: Task, dataset: Dataset) -> list[pa.DataType]:
    """Return the types of the columns that a scored file gets: predictions, then the others."""
    (row,) = task.batch_cells(task.stand_in(dataset, 1))
    predictions = list(task.outcomes(dataset.target)) or row[:1]
    return [_type(predictions), *(_type([cell]) for cell in row[1:])]


def _type(cells: Sequence[Any]) -> pa.DataType:
    """Return the type of a column with these cells: text where they are of several kinds."""
    try:
        return pa.array(cells).type
    except pa.ArrowException:
        return pa.string()


def answered(
    version: Version, columns: Sequence[Values], kinds: Sequence[pa.DataType], like: Answer
) -> list[pa.Array]:
    """Return a version's answers to n rows as a column of each of these types.

    Args:
        version: answers.
        columns: n values of each feature.
        kinds: the types.
        like: an answer of the champion, whose order the items of each row get.
    """
    answer = dict(version.answer_columns(columns))
    found = version.task.batch_arrays(version.task.aligned(answer, like))
    return [_array(column, kind) for column, kind in zip(found, kinds, strict=True)]


def _array(cells: Any, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        try:
            return pa.array(cells, kind)
        except pa.ArrowException:  # labels of several kinds
            return pa.array([None if cell is None else str(cell) for cell in cells], kind)
    return pa.array(cells, kind, from_pandas=True)
