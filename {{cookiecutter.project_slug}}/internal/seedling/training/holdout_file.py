"""The file of the held-out rows: what was to be predicted, and what the model answered.

No feature stands in it: the entity key, or the row's number, leads to them where they may be seen.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from seedling import tasks
from seedling.data import csv_lines
from seedling.data.scalars import plain
from seedling.files import write_text
from seedling.registry.model_files import Predictor
from seedling.training import outcomes

FILE = outcomes.HOLDOUT_FILE
HOLDOUT, KNOWN = "holdout", "holdout, not compared"


def write(
    path: Path, model: Predictor, rows: pd.DataFrame, answer: Mapping[str, Any], known: pd.DataFrame
) -> None:
    """Write a line for each held-out row: number, key, side, target, and the columns of its task.

    Args:
        path: the CSV file.
        model: the model that answered.
        rows: those that the gate measured on; their index counts the rows of the dataset's file.
        answer: the model's answer to them.
        known: the other held-out rows, which the champion has learned from; the model is asked.
    """
    task = tasks.of(model.dataset)
    found = task.answer(answer, model.dataset)
    columns = task.batch_columns(found)
    lines = [*_lines(model, rows, found, HOLDOUT)]
    if len(known):
        others = task.answer(model.answer(known), model.dataset)
        lines += _lines(model, known, task.aligned(others, found), KNOWN)
    key = model.dataset.entity_key
    head = ["row", *key, "side", "actual", *columns]
    write_text(path, csv_lines.text([head, *sorted(lines, key=lambda line: line[0])]))


def _lines(
    model: Predictor, rows: pd.DataFrame, answer: dict[str, Any], side: str
) -> Iterator[list[Any]]:
    dataset, task = model.dataset, tasks.of(model.dataset)
    truth = task.training.values(rows, dataset.target)
    keys = [rows[name] for name in dataset.entity_key]
    columns = zip(rows.index, truth, *keys, strict=True)
    for (number, actual, *key), cells in zip(columns, task.batch_cells(answer), strict=True):
        yield [int(number) + 1, *map(plain, key), side, plain(actual), *cells]
