"""Every ready model has a compiled form for every type of column, with gaps and without."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import PETS
from test_small_tables import MODELS, train_model

from seedling import columns, team_code
from seedling.compiled import compiling
from seedling.config import Dataset
from seedling.data.held_out import HeldOut
from seedling.data.schema import model_frame, random_rows, target_values
from seedling.registry.model_files import Predictor
from seedling.scaffold.ready_models import PREDICT, READY

COUNT = 120
FEW = {"n_estimators": 20, "iterations": 20}  # trees show as much as many do
ENTRIES: dict[str, dict[str, Any]] = {
    "boolean": {},
    "category": {"categories": ["cat", "dog", "7", *(f"sort {at}" for at in range(57))]},
    "date": {"earliest": "2024-01-01", "latest": "2024-12-31"},
    "datetime": {"earliest": "2024-01-01", "latest": "2024-12-31", "zone": "Europe/Berlin"},
    "duration": {"minimum": 0, "maximum": 90_000},
    "integer": {"minimum": -9, "maximum": 90},
    "number": {"minimum": -1.5, "maximum": 1e6},
    "text": {},
}


def dataset(task: str) -> Dataset:
    """Return a dataset with two columns of each type, of which one has gaps."""
    target: dict[str, Any] = {"name": "target", "type": "number"}
    if task == "classification":
        target = {"name": "target", "type": "category", "labels": ["no", "yes"]}
    features = [
        {"name": f"{name}_{gaps}", "type": name, "nullable": gaps, **ENTRIES[name]}
        for name in ENTRIES
        for gaps in (False, True)
    ]
    metric = "roc_auc" if task == "classification" else "rmse"
    described = {"task": task, "metric": metric, "target": target, "features": features}
    return Dataset.model_validate(PETS.model_dump() | described)


def table(described: Dataset) -> pd.DataFrame:
    """Draw rows, with gaps, of which a class or a large number follows."""
    rows = random_rows(described.features, COUNT)
    numbers = rows["integer_False"] + 30 * rows["boolean_False"] + rows["number_False"] / 2e4
    for at, name in enumerate(described.feature_names):
        if name.endswith("True"):
            rows[name] = rows[name].where((np.arange(COUNT) + at) % 7 > 0, None)
    if described.target.labels:
        return rows.assign(target=np.where(numbers > numbers.median(), "yes", "no"))
    return rows.assign(target=numbers * 1000 + 2e5)


def test_no_type_is_left_out() -> None:
    built_in = [name for name in columns.names() if name not in team_code.modules("columns")]
    assert sorted(ENTRIES) == built_in


@pytest.mark.parametrize(("task", "name"), MODELS, ids=map("-".join, MODELS))
def test_every_ready_model_compiles_for_every_type_of_column(
    task: str, name: str, tmp_path: Path
) -> None:
    ready, described = READY[task][name], dataset(task)
    rows = table(described)
    X, y = model_frame(rows, described.features), target_values(rows, described)
    fewer = {key: FEW[key] for key, *_ in ready.hyperparameters if key in FEW}
    model, *_ = train_model(task, name, tmp_path)(X, y, None, None, **fewer)
    path = tmp_path / "predict.py"
    path.write_text(PREDICT[task], encoding="utf-8")
    answers = runpy.run_path(str(path))["predict"]
    (tmp_path / "model.pkl").write_bytes(b"the pickle")
    predictor = Predictor(name, "new", described, HeldOut(0.2), model, answers)
    noted = compiling.add(tmp_path, predictor, path, rows)
    assert bool(noted.form) == ready.compiled, noted.refused
    assert bool(noted.refused) != ready.compiled
