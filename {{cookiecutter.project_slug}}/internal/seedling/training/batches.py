"""A model that learns batch by batch, from the training rows of a table larger than memory."""

import inspect
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sklearn.base import clone

from seedling.config import Dataset
from seedling.data import large_table
from seedling.training import sums
from seedling.training.fits import Fit, Table
from seedling.training.notes import Refit
from seedling.wording import counted


class OtherRows(NamedTuple):
    """The training rows beside those that are in memory.

    Attributes:
        folder: their Parquet files.
        dataset: theirs, with its target as models learn it.
        total: the number of all training rows, those in memory among them.
        sums: the folder with the sums of each file, where they were computed elsewhere.
    """

    folder: Path
    dataset: Dataset
    total: int
    sums: Path | None = None

    def frames(self) -> Iterator[pd.DataFrame]:
        """Yield the rows, file by file."""
        for path in sorted(self.folder.glob("*.parquet")):
            yield from self.frames_of(path)

    def frames_of(self, path: Path) -> Iterator[pd.DataFrame]:
        """Yield the rows of one of the files."""
        for found in large_table.tables(path):
            yield found.to_pandas(ignore_metadata=True)

    def joined(self, table: Table) -> Table:
        """Return all training rows at once, which takes memory for all of them."""
        return Table.of(pd.concat([table.rows, *self.frames()], ignore_index=True), table.dataset)

    def warning(self, model: Any) -> str:
        """Say that a model without partial_fit needs all rows in memory."""
        return (
            f"{type(model).__name__} has no partial_fit: all {counted(self.total, 'training row')} "
            "are read into memory together; where that fails, give the machine more, or return an "
            "estimator with partial_fit from train_model"
        )


def takes(model: Any) -> bool:
    """Say whether a model learns batch by batch."""
    return hasattr(model, "partial_fit")


def begun(first: Fit, table: Table) -> Any:
    """Return an estimator like that of the first fit, which has learned the rows in memory.

    They are drawn from all: what is fitted to the first batch, such as a preprocessing, is fitted
    to them.
    """
    model: Any = clone(first.model)
    options: dict[str, Any] = {}
    if "classes" in inspect.signature(model.partial_fit).parameters:
        options["classes"] = first.model.classes_
    model.partial_fit(table.X, table.y, **options)
    return model


def fitted(first: Fit, table: Table, others: OtherRows) -> tuple[Fit, Refit]:
    """Fit an estimator like that of the first fit on all training rows, a batch at a time.

    Args:
        first: the fit whose estimator is cloned; its metrics are kept.
        table: the training rows in memory.
        others: all others.
    """
    begin = time.perf_counter()
    model = begun(first, table)
    batches = 1
    if others.sums:
        for moments in sums.read(others.sums, others.folder):
            model.add_sums(moments)
            batches += 1
    else:
        for rows in others.frames():
            part = Table.of(rows, others.dataset)
            model.partial_fit(part.X, part.y)
            batches += 1
    if hasattr(model, "finish"):
        model.finish()
    seconds = time.perf_counter() - begin
    again = Fit(model, first.train_metrics, first.test_metrics, seconds)
    return again, Refit(others.total, seconds, batches=batches)
