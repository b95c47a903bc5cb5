"""Helpers of a model's train.py, beside scikit-learn: a team's own files may import these names.

`fit_metrics`, `five_fold_rmse` and `coefficients` are what it may return beside the metrics of the
gate; `preprocessing` and `LabelEncoded` go into its pipeline; `train_here` is its last line.
"""

from seedling.tasks.label_encoded import LabelEncoded
from seedling.tasks.train_metrics import coefficients, fit_metrics, five_fold_rmse
from seedling.training.estimators import preprocessing
from seedling.training.train import train_here

__all__ = [
    "LabelEncoded",
    "coefficients",
    "fit_metrics",
    "five_fold_rmse",
    "preprocessing",
    "train_here",
]
