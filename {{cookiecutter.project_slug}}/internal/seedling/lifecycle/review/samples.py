"""Samples of a dataset: the same rows for both sides of a review, and those that are held out."""

from pathlib import Path

import numpy as np
import pandas as pd

from seedling import tasks
from seedling.config import Dataset, Project
from seedling.data import derived, sides
from seedling.data.datasets import read_table
from seedling.data.distinct import label_texts
from seedling.data.large_table import row_count, tables
from seedling.data.sides import Sides
from seedling.data.split import HOLDOUT, divide
from seedling.data.validation import examine
from seedling.errors import ProjectError
from seedling.lifecycle.review.notes import Sample

BATCH = 50_000  # rows of a large table that are read at once


def draw(path: Path, dataset: Dataset, most: int, in_memory: int) -> tuple[pd.DataFrame, int]:
    """Draw rows of a dataset's file; return them, numbered as there, and the number of all.

    They are whole groups where the dataset has groups, and have the share of each class else. The
    same file yields the same rows.

    Args:
        path: the file.
        dataset: of the file.
        most: rows to draw, about; all where the file has no more.
        in_memory: rows that fit into memory; of a larger file, rows are drawn by chance.
    """
    count = row_count(path)
    if count > in_memory:
        return _by_chance(path, count, most), count
    rows = read_table(path).reset_index(drop=True)
    if len(rows) <= most:
        return rows, len(rows)
    return (_groups if dataset.groups else _strata)(rows, dataset, most), len(rows)


def divided(project: Project, dataset: Dataset, rows: pd.DataFrame) -> Sides:
    """Validate rows, and hold out a share of them, as training does with all.

    Raises:
        ProjectError: they cannot be trained from.
    """
    derivation = derived.in_project(project.root, dataset)
    whole = derivation.table(rows)
    examined = examine(whole.reset_index(drop=True), dataset)
    if examined.problems:
        raise ProjectError(f"{dataset.name}: {examined.first_problem()}: {examined.remedy()}.")
    return sides.sides(whole, dataset, project.config.holdout(dataset))


def divided_alike(project: Project, dataset: Dataset, rows: pd.DataFrame, sample: Sample) -> Sides:
    """Divide rows as another side of a review has divided them; they are not validated again.

    Raises:
        ProjectError: the dataset has other columns, or none of its rows can be learned.
    """
    gone = [column.name for column in dataset.raw if column.name not in rows]
    gone += [dataset.target.name] if dataset.target.name not in rows else []
    if gone:
        raise ProjectError(f"the dataset has no {', '.join(gone)} any more.")
    whole = derived.in_project(project.root, dataset).table(rows)
    settled, learned, found = sides.settle(whole, dataset)
    held_out = settled.index.isin(sample.held_out)
    share = project.config.holdout(dataset)
    _, rule = divide(settled, learned, share, HOLDOUT)
    return Sides(learned, settled[~held_out], settled[held_out], rule, found)


def _by_chance(path: Path, count: int, most: int) -> pd.DataFrame:
    places = np.sort(np.random.default_rng(0).choice(count, min(most, count), replace=False))
    found, first = [], 0
    for table in tables(path, BATCH):
        wanted = places[(places >= first) & (places < first + table.num_rows)]
        rows = table.take(wanted - first).to_pandas(ignore_metadata=True)
        rows.index = wanted
        found.append(rows)
        first += table.num_rows
    return pd.concat(found)


def _groups(rows: pd.DataFrame, dataset: Dataset, most: int) -> pd.DataFrame:
    """Draw whole groups until there are as many rows, at least one."""
    names = [label_texts(rows[name]).fillna("") for name in dataset.groups]
    numbers = rows.groupby(names, sort=True).ngroup()
    order = np.random.default_rng(0).permutation(int(numbers.max()) + 1)
    sizes = np.bincount(numbers)[order].cumsum()
    chosen = order[: max(1, int((sizes <= most).sum()))]
    return rows[numbers.isin(chosen)]


def _strata(rows: pd.DataFrame, dataset: Dataset, most: int) -> pd.DataFrame:
    """Draw the same share of each stratum of the target."""
    training = tasks.of(dataset).training
    strata = training.strata(training.values(rows, dataset.target))
    order = strata.sample(frac=1, random_state=0)
    groups = order.groupby(order, dropna=False)
    share = most / len(rows)
    kept = groups.cumcount() < np.maximum(share * groups.transform("size"), 2)
    return rows.loc[np.sort(order.index[kept].to_numpy())]
