"""The first look at a table that is larger than memory: schema, keys, leaks, rule of the split."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data import leaks, split, validation
from seedling.data.entities import by_rule
from seedling.data.failures import COLUMN, Failures
from seedling.data.held_out import HeldOut
from seedling.data.large_table import LargeTable, orders
from seedling.data.repeated_keys import RepeatedKeys
from seedling.data.time_counts import TimeCounts
from seedling.data.times import times
from seedling.data.validation import Findings, Problem
from seedling.wording import MOST_ROWS, counted

OF_A_LABEL = 1_000  # rows that are looked at to say whether it is rare
DRAWN = 0.95 * leaks.MOST_ROWS  # rows in which leaks are looked for
KEYS = "keys"  # the salt of the hashes by which keys are compared


class Look(NamedTuple):
    """
    Attributes:
        findings: as `validation.examine` has them, in the same words.
        rule: of the split.
        some: of a target with labels, the first rows of each; else rows drawn from all.
    """

    findings: Findings
    rule: HeldOut
    some: pd.DataFrame


def at(table: LargeTable, share: float) -> Look:
    """Read all rows once, batch by batch.

    Args:
        table: the dataset's.
        share: of entities to hold out; of rows where it is split by time.

    Raises:
        ProjectError: the rows cannot be split, or the team's derive fails.
    """
    dataset = table.dataset
    unique = dataset.one_row_per_key and bool(dataset.entity_key)
    alone = dataset.model_copy(update={"one_row_per_key": False})
    failures, when = Failures(), TimeCounts()
    drawn, of_labels, columns = list[pd.DataFrame](), _OfLabels(dataset), list[str]()
    with TemporaryDirectory(prefix="seedling-") as scratch, _known_kept():
        keys = RepeatedKeys(Path(scratch))
        for batch in table.batches():
            rows = batch.rows
            failures.add(validation.failing(rows.reset_index(drop=True), alone), batch.first)
            if any(check == COLUMN for _, check in failures):
                break
            if batch.first == 0:
                table.derivation.refuse_other_alone(rows)
                columns = _told_apart_by(rows, dataset)
            order = orders(rows.index.to_numpy())
            drawn.append(rows[order < DRAWN / table.row_count])
            of_labels.add(rows)
            if dataset.by_time:
                unmarked = rows[~split.marked(rows, dataset.marked, dataset)]
                when.add(times(unmarked, dataset.by_time, dataset, batch.first))
            if unique:
                keys.add(by_rule(rows, dataset, HeldOut(share), KEYS), batch.first)
            gc.collect()
        findings = validation.found(failures, dataset)
        if unique and not findings.problems:
            twice = keys.rows()
            if len(twice):
                shown = tuple(int(row) + 1 for row in twice[:MOST_ROWS])
                more = len(twice) - len(shown)
                findings.problems.append(validation.repeated(dataset, shown, more))
    rule = HeldOut(share=share, columns=columns)
    if findings.problems:
        return Look(findings, rule, pd.DataFrame())
    some = pd.concat(drawn)
    where = f" (in {counted(len(some), 'row')} drawn at random from {table.row_count:,})"
    findings.problems += [Problem(name, why + where) for name, why in leaks.find(some, dataset)]
    findings.warnings += [Problem(*leak) for leak in leaks.named_after(dataset)]
    if dataset.by_time:
        rule = split.last_rows(when.known, when.counts, dataset, share)
    rule = msgspec.structs.replace(rule, marked=dataset.marked)
    return Look(findings, rule, of_labels.rows() if of_labels.wanted else some)


@contextmanager
def _known_kept() -> Iterator[None]:
    """Let a collection look at new objects only, which makes it quick.

    pandera leaves each frame that it validates in a cycle of references, and a batch is too few
    objects for Python to collect by itself.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _told_apart_by(rows: pd.DataFrame, dataset: Dataset) -> list[str]:
    """Return the columns whose values tell one row from another, where no key does."""
    if dataset.entity_key:
        return []
    others = {dataset.target.name, *dataset.computed}
    return [str(name) for name in rows.columns if name not in others]


class _OfLabels:
    """Collects the first rows of each label."""

    def __init__(self, dataset: Dataset) -> None:
        self.wanted = bool(tasks.of(dataset).outcomes(dataset.target))
        self._target = dataset.target.name
        self._parts: dict[object, list[pd.DataFrame]] = {}

    def add(self, rows: pd.DataFrame) -> None:
        if not self.wanted:
            return
        for label, found in rows.groupby(self._target, sort=False):
            parts = self._parts.setdefault(label, [])
            missing = OF_A_LABEL - sum(map(len, parts))
            if missing > 0:
                parts.append(found.head(missing))

    def rows(self) -> pd.DataFrame:
        return pd.concat([part for parts in self._parts.values() for part in parts]).sort_index()
