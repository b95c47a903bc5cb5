"""Write a trained model in MLflow's format; only training imports this module."""

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from seedling import tasks
from seedling.data.derived import NAME
from seedling.data.schema import model_frame
from seedling.files import write_json
from seedling.registry import model_files
from seedling.registry.model_files import SCHEMA, Predictor
from seedling.training import mlflow_model, mlflow_runs

REQUIREMENTS = ("cloudpickle", "numpy", "pandas", "scikit-learn")


def save(
    predictor: Predictor,
    rows: pd.DataFrame,
    folder: Path,
    derive: Path | None = None,
    smoke: bool = False,
) -> None:
    """Write the model to a new folder in MLflow's format, with its schema beside it.

    Args:
        predictor: the model that the team's train_model returned, with the dataset that it was
            trained on; the task's `save` writes it.
        rows: a few rows of the dataset, with its derived features.
        folder: must not exist yet.
        derive: the team's features/derive.py, which is kept beside the model whose features it
            computes, so that both change together.
        smoke: whether it was trained for a smoke check: such a model is not registered.
    """
    dataset = predictor.dataset
    X = model_frame(rows, dataset.features)
    tasks.of(dataset).training.save(predictor.model, X, folder)
    if derive and any(column.derived for column in dataset.features):
        shutil.copy(derive, folder / NAME)
    tasks.of(dataset).training.leave(predictor.model, dataset, folder)
    write_json(
        folder / SCHEMA,
        {
            "model": predictor.name,
            "dataset": dataset.model_dump(),
            "holdout": predictor.held_out.share,
            "held_out": msgspec.to_builtins(predictor.held_out),
            **({model_files.SMOKE: True} if smoke else {}),
        },
    )
    mlflow_model.complete(folder, predictor.name, dataset, rows, smoke)


def save_estimator(model: Any, X: pd.DataFrame, folder: Path) -> None:
    """Write a fitted scikit-learn estimator to a new folder; its signature comes by `complete`."""
    mlflow_runs.quiet()
    from mlflow.sklearn import save_model

    save_model(
        model,
        folder,
        serialization_format="cloudpickle",
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )
