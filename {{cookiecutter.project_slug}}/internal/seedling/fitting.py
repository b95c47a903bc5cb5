"""Helpers of a model's train.py, beside scikit-learn: a team's own files may import these names.

`fit_metrics`, `five_fold_rmse` and `coefficients` are what it may return beside the metrics of the
gate; `preprocessing` and `LabelEncoded` go into its pipeline; `GroupedLinear` is a line for
each of many groups of rows, `GroupedEach` any estimator for each; `train_here` is its last line.
`rows_of` is for a run script, and yields what train_model is called with. A task may add names of
its own (`Task.fitting`).
"""

from pkgutil import resolve_name
from typing import Any

from seedling import tasks
from seedling.tasks.label_encoded import LabelEncoded
from seedling.tasks.train_metrics import coefficients, fit_metrics, five_fold_rmse
from seedling.training.estimators import preprocessing
from seedling.training.grouped.each import GroupedEach
from seedling.training.grouped.linear import GroupedLinear
from seedling.training.model_rows import rows_of
from seedling.training.train import train_here

__all__ = [
    "GroupedEach",
    "GroupedLinear",
    "LabelEncoded",
    "coefficients",
    "fit_metrics",
    "five_fold_rmse",
    "preprocessing",
    "rows_of",
    "train_here",
]


def __getattr__(name: str) -> Any:
    """Return what one of the tasks adds to these names, imported when it is asked for."""
    for task in map(tasks.find, tasks.READY):
        if name in task.fitting:
            return resolve_name(task.fitting[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
