"""Thirty rows, or five of a class, are learned from by every ready model."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import PETS

from seedling.config import Dataset, Project
from seedling.data.schema import model_frame, target_values
from seedling.data.sides import sides
from seedling.data.split import TEST, TEST_SHARE, split
from seedling.scaffold.model_code import train_source
from seedling.scaffold.ready_models import READY
from seedling.testing import first_model, run_verb

MODELS = [(task, name) for task, ready in READY.items() for name in ready]


def train_model(task: str, name: str, folder: Path) -> Callable[..., Any]:
    """Write the train.py of a ready model, and return its train_model."""
    path = folder / "train.py"
    path.write_text(train_source(READY[task][name]), encoding="utf-8")
    return runpy.run_path(str(path))["train_model"]


def table(task: str) -> tuple[pd.DataFrame, Dataset]:
    """Return thirty rows, and their dataset; the rarer label has five of them."""
    numbers = np.arange(30)
    rows = pd.DataFrame({"id": numbers, "age": numbers * 7 % 30, "sort": ["a", "b", "c"] * 10})
    target = {"name": "adopted", "type": "category", "labels": ["no", "yes"]}
    rows["adopted"] = np.where(rows["age"] > 24, "yes", "no")
    if task == "regression":
        target, rows["adopted"] = {"name": "adopted", "type": "number"}, rows["age"] * 2.5 - numbers
    features = [
        {"name": "age", "type": "integer"},
        {"name": "sort", "type": "category", "categories": ["a", "b", "c"]},
    ]
    metric = {"task": task, "metric": "rmse" if task == "regression" else "roc_auc"}
    return rows, Dataset.model_validate(
        PETS.model_dump() | metric | {"target": target, "features": features}
    )


@pytest.mark.parametrize(("task", "name"), MODELS, ids=map("-".join, MODELS))
def test_every_ready_model_learns_from_thirty_rows(task: str, name: str, tmp_path: Path) -> None:
    rows, dataset = table(task)
    found = sides(rows, dataset, 0.2)
    learned, aside = split(found.training, found.dataset, TEST_SHARE, TEST)
    frames = [
        part
        for side in (learned, aside)
        for part in (model_frame(side, dataset.features), target_values(side, dataset))
    ]
    train = train_model(task, name, tmp_path)
    for arguments in (frames, [*frames[:2], None, None]):
        model, *_ = train(*arguments)
        answer = model.predict(model_frame(found.holdout, dataset.features))
        assert len(answer) == len(found.holdout) == 6


def test_thirty_rows_are_trained_and_said_to_be_few(project: Project, tmp_path: Path) -> None:
    task = project.config.datasets[0].task
    rows, _ = table(task)
    path = tmp_path / "few.csv"
    rows.drop(columns="id").to_csv(path, index=False)
    brought = ["create-local-datasets", "--from", str(path), "--target", "adopted", "--yes"]
    for words in (brought, ["train", "--model", first_model(project)]):
        done = run_verb(project, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Measured on 6 held-out rows: so few say little." in done.stdout
    assert " folds of 24 rows, 5 times" in done.stdout
    assert "Fitted again on all 24 rows" in done.stdout
    project.edit(lambda document: document["training"].update(refit=False, folds=0))
    done = run_verb(project, "train", "--model", first_model(project))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Not cross-validated: model.yaml says folds: 0." in done.stdout
    assert re.search(r"learned from [12]\d rows: model.yaml says refit: false\.", done.stdout)
