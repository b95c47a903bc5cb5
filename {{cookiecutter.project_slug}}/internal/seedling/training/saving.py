"""Write a trained model in MLflow's format; only training imports this module."""

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data.derived import NAME
from seedling.data.held_out import HeldOut
from seedling.files import write_json
from seedling.registry.model_files import SCHEMA
from seedling.training import mlflow_runs

REQUIREMENTS = ("cloudpickle", "numpy", "pandas", "scikit-learn")


def save(
    model: Any,
    X: pd.DataFrame,
    dataset: Dataset,
    held_out: HeldOut,
    folder: Path,
    derive: Path | None = None,
) -> None:
    """Write the model to a new folder in MLflow's format, with its schema beside it.

    Args:
        model: the model that the team's train_model returned; its task's `save` writes it.
        X: a few rows of its features; MLflow's signature follows from them.
        dataset: the dataset that it was trained on.
        held_out: the rule by which rows of the dataset were held out.
        folder: must not exist yet.
        derive: the team's features/derive.py, which is kept beside the model whose features it
            computes, so that both change together.
    """
    tasks.of(dataset).training.save(model, X, folder)
    if derive and any(column.derived for column in dataset.features):
        shutil.copy(derive, folder / NAME)
    rule = msgspec.to_builtins(held_out)
    noted = {"dataset": dataset.model_dump(), "holdout": held_out.share, "held_out": rule}
    write_json(folder / SCHEMA, noted)


def save_estimator(model: Any, X: pd.DataFrame, folder: Path) -> None:
    """Write a fitted scikit-learn estimator to a new folder; X has rows for MLflow's signature."""
    mlflow_runs.quiet()
    from mlflow.models import infer_signature
    from mlflow.sklearn import save_model

    save_model(
        model,
        folder,
        serialization_format="cloudpickle",
        signature=infer_signature(X, model.predict(X)),
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )
