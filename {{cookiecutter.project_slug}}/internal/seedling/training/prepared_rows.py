"""The training rows of a dataset, as the prepare step has left them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from seedling.config import Dataset, Target
from seedling.training import notes
from seedling.training.batches import OtherRows
from seedling.training.fits import Table
from seedling.training.notes import Prepared


class PreparedRows(NamedTuple):
    """
    Attributes:
        note: what the prepare step has noted.
        dataset: with its target as models learn it.
        path: the file of the rows in memory.
        table: those rows.
        others: the rows that do not fit into memory beside them, if there are any.
    """

    note: Prepared
    dataset: Dataset
    path: Path
    table: Table
    others: OtherRows | None

    def tables(self) -> Iterator[pd.DataFrame]:
        """Yield all training rows; those in memory only where others were summed up elsewhere."""
        yield self.table.rows
        if self.others and not self.others.sums:
            yield from self.others.frames()


def read(training: Path, dataset: Dataset, sums: Path | None = None) -> PreparedRows:
    """Read the rows that fit into memory.

    Args:
        training: the folder that the prepare step has written.
        dataset: as model.yaml has it.
        sums: the folder with sums of the other rows, where they were added up elsewhere.
    """
    note = notes.read(training / f"{dataset.name}.json", Prepared)
    dataset = dataset.model_copy(update={"target": Target.model_validate(note.target)})
    path = training / f"{dataset.name}.parquet"
    table, others = Table.of(pd.read_parquet(path), dataset), None
    if note.large:
        parts = training / f"{dataset.name}.parts"
        others = OtherRows(parts, dataset, note.large.rows, sums)
    return PreparedRows(note, dataset, path, table, others)
