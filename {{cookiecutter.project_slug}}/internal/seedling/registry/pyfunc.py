"""Answers for `mlflow.pyfunc.load_model` of a registered folder: those of the service.

MLflow imports this module by the name in the folder's MLmodel. A copy of it stands in the folder's
`code/`, with all that it imports, for places where no project is importable.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seedling import tasks, team_code
from seedling.columns.protocol import Column
from seedling.config import Dataset
from seedling.data import cells, derived
from seedling.errors import InputError
from seedling.files import read_json
from seedling.registry.model_files import SCHEMA, Predictor, read_schema
from seedling.wording import rows_shown

CODE = "code"  # the folder of it, beside a version's other files
PREDICT = "predict(model, instances)"


class Answers:
    """The rows' predictions by a saved model, with its derived features and its threshold."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.dataset = predictor.dataset

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Return an array with the predictions for n rows.

        Args:
            rows: a table with the raw columns, as the dataset has them or a caller writes them; a
                column that may be missing may also be absent. Others are ignored.
            params: none is known; MLflow passes what a caller sends.

        Raises:
            InputError: a value is of another type, or is missing and required; with its row.
        """
        table = self.predictor.derived(raw_rows(rows, self.dataset))
        found = self.predictor.answer(table) if len(table) else {}
        task = tasks.of(self.dataset)
        cells_of_rows = task.batch_cells(task.answer(found, self.dataset))
        predictions = [prediction for prediction, *_ in cells_of_rows]
        kinds = {type(value) for value in predictions}
        return np.array(predictions, dtype=None if len(kinds) == 1 else object)

    def get_raw_model(self) -> Any:
        """Return what the team's train_model returned, for MLflow's method of the same name."""
        return self.predictor.model


def raw_rows(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the raw columns of n rows in the types that a dataset has, None or NaN for missing.

    Raises:
        InputError: a value is of another type, or is missing and required; or a row has none.
    """
    rows = rows.reset_index(drop=True)
    found = pd.DataFrame(
        {column.name: _read(rows, column, dataset) for column in dataset.raw}, index=rows.index
    )
    empty = found.isna().all(axis=1)
    if empty.any():
        raise InputError(f"every feature is missing{_where(empty)}.")
    return found


def _read(rows: pd.DataFrame, column: Column, dataset: Dataset) -> pd.Series:
    """Return one column as the dataset's types have it."""
    given = rows.get(column.name, pd.Series(None, index=rows.index, dtype=object))
    known = cells.settled(given)
    values = cells.read(known, column, cells.marks_of(dataset.read))
    misfits = cells.misfits_of(known, values, column)
    if misfits:
        raise InputError(f"{cells.misfit_words(misfits)}: expected {column.expected}.")
    missing = values.isna()
    if missing.any() and not column.nullable:
        raise InputError(f"{column.name}: required, and missing{_where(missing)}.")
    there = values[~missing]
    for check in column.checks():
        if not check.beyond and not (fits := check.fits(there)).all():
            wrong = (~fits).reindex(rows.index, fill_value=False)
            raise InputError(f"{column.name}: expected {column.expected}{_where(wrong)}.")
    return values


def _where(faulty: pd.Series) -> str:
    """Return the numbers of the faulty ones of n rows, counted from 1, in brackets."""
    return rows_shown([int(at) + 1 for at in np.flatnonzero(faulty.to_numpy())])


def _load_pyfunc(path: str) -> Answers:
    """Load the model of a registered folder; MLflow calls this function.

    Its files are not verified: their hash is in the registry, which does not come with the folder.
    """
    folder = Path(path)
    dataset, held_out = read_schema(folder)
    name = read_json(folder / SCHEMA)["model"]
    source, package = folder / CODE / "models" / name / "predict.py", f"models.{name}"
    predict = team_code.function_at(source, "predict", PREDICT, package)
    derivation = derived.of_model(folder, dataset)
    model = tasks.of(dataset).load(folder)
    return Answers(Predictor(name, "", dataset, held_out, model, predict, derivation))
