"""A dataset that is larger than memory, made ready for training batch by batch.

The rule is that of `split`, a hash of the entity key or the time, without the few rows by which a
smaller table gives each stratum its exact share: in millions of rows it has that by itself. Rows
are drawn by hashes of their places where only some fit into memory.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from seedling import tasks
from seedling.config import Dataset, Label
from seedling.data import derived, large_look, split
from seedling.data.held_out import HeldOut
from seedling.data.large_table import LargeTable, orders, with_column
from seedling.data.scalars import label_text
from seedling.data.schema import target_values
from seedling.errors import ProjectError
from seedling.tasks import measuring
from seedling.wording import counted

MOST_DRAWN = 200_000  # rows to look at before all others are learned, and of the holdout

Labels = dict[str, Label | None]  # by the text of the label in the file; None: its rows are dropped


class Places(NamedTuple):
    """The paths that a table's rows are written to.

    Attributes:
        drawn: the file of training rows that fit into memory.
        others: the folder of the other training rows, as Parquet files.
        holdout: the file of held-out rows, with an index that counts the rows of the dataset.
    """

    drawn: Path
    others: Path
    holdout: Path


class LargeSides(NamedTuple):
    """
    Attributes:
        dataset: with its target as models learn it.
        rule: by which rows were held out.
        notes: a sentence for each thing that a person should know.
        training, held_out: the numbers of rows of each side.
        drawn, measured: those of them that fit into memory.
    """

    dataset: Dataset
    rule: HeldOut
    notes: list[str]
    training: int
    held_out: int
    drawn: int
    measured: int


def of_file(
    path: Path, root: Path, dataset: Dataset, share: float, places: Places, most: int = MOST_DRAWN
) -> LargeSides:
    """Validate a dataset's Parquet file, and write its two sides; the memory taken is bounded.

    Args:
        path: the file.
        root: the project's folder, whose features/derive.py computes derived features.
        dataset: the dataset of the file.
        share: of entities to hold out; of rows where it is split by time.
        places: what to write.
        most: rows of the holdout, and about those of the training rows that fit into memory.

    Raises:
        ProjectError: its rows cannot be trained from, or a side would lack something.
    """
    measuring.refuse_unknown(dataset)
    table = LargeTable(path, dataset, derived.in_project(root, dataset), most)
    looked = large_look.at(table, share)
    if looked.findings.problems:
        first = looked.findings.first_problem()
        raise ProjectError(f"{dataset.name}: {first}: {looked.findings.remedy()}.")
    few = looked.some
    settled, target, notes = tasks.of(dataset).training.settled(few, dataset)
    learned = dataset.model_copy(update={"target": target})
    writer = _Writer(learned, _moved(few, settled, dataset), looked.rule, places, most)
    writer.write(table, share)
    for side, name in ((writer.training, "training"), (writer.holdout, "held-out")):
        split.refuse_lacking(pd.Series([*side.seen]), name, learned, table.row_count)
    return LargeSides(
        learned,
        looked.rule,
        [*map(str, looked.findings.warnings), *notes],
        writer.training.count,
        writer.holdout.count,
        *writer.finish(),
    )


def _moved(few: pd.DataFrame, settled: pd.DataFrame, dataset: Dataset) -> Labels:
    """Return what became of each label, by its text; empty where all rows stayed as they were."""
    if settled is few:
        return {}
    name = dataset.target.name
    labels: Labels = {label_text(label): None for label in few[name]}
    for at, label in settled[name].items():
        labels[label_text(few.at[at, name])] = label
    return labels


class _Side:
    """The rows of one side: their number, and what of the target they have."""

    def __init__(self) -> None:
        self.count = 0
        self.seen: dict[object, None] = {}

    def add(self, target: pd.Series, outcomes: bool) -> None:
        self.count += len(target)
        known = target.dropna()
        self.seen |= dict.fromkeys(known.unique() if outcomes else known.iloc[:1])


class _Writer:
    """Writes the rows of both sides."""

    def __init__(
        self, dataset: Dataset, moved: Labels, rule: HeldOut, places: Places, most: int
    ) -> None:
        self.dataset, self.moved, self.rule, self.places = dataset, moved, rule, places
        self.most = most
        self.training, self.holdout = _Side(), _Side()
        self._outcomes = bool(tasks.of(dataset).outcomes(dataset.target))
        self._drawn: list[pd.DataFrame] = []
        self._held_out = pd.DataFrame()

    def write(self, table: LargeTable, share: float) -> None:
        """Write the rows that do not fit into memory, and keep the others."""
        self.places.others.mkdir(parents=True)
        of_training = self.most / max(1.0, table.row_count * (1 - share))
        for batch in table.batches():
            rows, found = self._learned(batch.rows, batch.table)
            held_out = split.is_held_out(rows, self.dataset, self.rule)
            target = target_values(rows, self.dataset)
            self.training.add(target[~held_out], self._outcomes)
            self.holdout.add(target[held_out], self._outcomes)
            self._held_out = pd.concat([self._held_out, rows[held_out]])
            if len(self._held_out) > 2 * self.most:
                self._cut()
            drawn = ~held_out & (orders(rows.index.to_numpy()) < of_training)
            self._drawn.append(rows[drawn])
            others = found.filter(pa.array(~held_out & ~drawn))
            if others.num_rows:
                parquet.write_table(others, self.places.others / f"{batch.first:012}.parquet")

    def finish(self) -> tuple[int, int]:
        """Write the rows that fit into memory; return their numbers, training and held-out."""
        self._cut()
        self._held_out.sort_index().to_parquet(self.places.holdout)
        drawn = pd.concat(self._drawn)
        drawn.to_parquet(self.places.drawn, index=False)
        return len(drawn), len(self._held_out)

    def _cut(self) -> None:
        """Leave no more held-out rows than there may be: those with the lowest hashes."""
        if len(self._held_out) > self.most:
            order = orders(self._held_out.index.to_numpy())
            kept = np.sort(np.argpartition(order, self.most)[: self.most])
            self._held_out = self._held_out.iloc[kept]

    def _learned(self, rows: pd.DataFrame, table: pa.Table) -> tuple[pd.DataFrame, pa.Table]:
        """Return rows and table with the labels as models learn them."""
        if not self.moved:
            return rows, table
        name = self.dataset.target.name
        labels = rows[name].map(lambda label: self.moved.get(label_text(label), label))
        kept: npt.NDArray[np.bool_] = labels.notna().to_numpy()
        table = with_column(table, name, labels).filter(pa.array(kept))
        return rows.assign(**{name: labels})[kept], table


def refuse_small(dataset: Dataset, rows: int, limit: int) -> None:
    """Refuse a dataset that is not written in parts.

    Args:
        dataset: the dataset.
        rows: their number in its Parquet file; 0 where it is no such file.
        limit: rows_in_memory of model.yaml.

    Raises:
        ProjectError: it is not.
    """
    if not rows:
        raise ProjectError(f"{dataset.name} is no Parquet file, which parts of rows are made of.")
    if rows <= limit:
        raise ProjectError(
            f"{dataset.name} has {counted(rows, 'row')}, which fit into memory (rows_in_memory of "
            f"model.yaml is {limit:,}): train with JOB=command, or lower rows_in_memory."
        )


def note(found: LargeSides, limit: int) -> str:
    """Say what a dataset of more rows than `limit` is learned from and measured on."""
    rows = counted(found.training + found.held_out, "row")
    measured = f"{found.measured:,} of the {counted(found.held_out, 'row')} held out"
    return (
        f"{rows} are more than rows_in_memory of model.yaml, {limit:,}: they were read batch by "
        f"batch, and models are measured on {measured}, drawn by hash"
    )
