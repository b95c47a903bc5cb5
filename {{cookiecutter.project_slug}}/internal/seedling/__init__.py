"""The public face: a team's own files import these names, and no module below `seedling`.

The names of `__all__` keep their meaning within a major version; `seedling.testing` has the
fixtures of the project's tests, `seedling.gunicorn` the functions that gunicorn.conf.py needs.
Everything else may change with any version.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedling.columns.protocol import Check, Column, FormField, NoFeature
    from seedling.config import Config, Dataset, Project, RegisteredModel
    from seedling.containers.entry_points import Predict, Train
    from seedling.data.datasets import load as load_dataset
    from seedling.data.example_rows import example as example_row
    from seedling.data.feature_store import first_row
    from seedling.data.scalars import as_json
    from seedling.data.validation import validate as validate_dataset
    from seedling.errors import InputError, NotFound, ProjectError, Unavailable
    from seedling.scaffold.ready_models import Ready
    from seedling.serving.models import ServedModel
    from seedling.tasks.fitting import coefficients, fit_metrics, five_fold_rmse
    from seedling.tasks.label_encoded import LabelEncoded
    from seedling.tasks.protocol import Task
    from seedling.tasks.training_protocol import LeakProbe, TaskTraining
    from seedling.training.estimators import preprocessing
    from seedling.training.train import train_here

__all__ = [
    "Check",
    "Column",
    "Config",
    "Dataset",
    "FormField",
    "InputError",
    "LabelEncoded",
    "LeakProbe",
    "NoFeature",
    "NotFound",
    "Predict",
    "Project",
    "ProjectError",
    "Ready",
    "RegisteredModel",
    "ServedModel",
    "Task",
    "TaskTraining",
    "Train",
    "Unavailable",
    "as_json",
    "coefficients",
    "example_row",
    "first_row",
    "fit_metrics",
    "five_fold_rmse",
    "load_dataset",
    "preprocessing",
    "train_here",
    "validate_dataset",
]

# Each is imported when it is first asked for: a service must not load what only training needs.
_PLACES = {
    "seedling.columns.protocol": ("Check", "Column", "FormField", "NoFeature"),
    "seedling.config": ("Config", "Dataset", "Project", "RegisteredModel"),
    "seedling.containers.entry_points": ("Predict", "Train"),
    "seedling.data.datasets": ("load as load_dataset",),
    "seedling.data.example_rows": ("example as example_row",),
    "seedling.data.feature_store": ("first_row",),
    "seedling.data.scalars": ("as_json",),
    "seedling.data.validation": ("validate as validate_dataset",),
    "seedling.errors": ("InputError", "NotFound", "ProjectError", "Unavailable"),
    "seedling.scaffold.ready_models": ("Ready",),
    "seedling.serving.models": ("ServedModel",),
    "seedling.tasks.label_encoded": ("LabelEncoded",),
    "seedling.tasks.fitting": ("coefficients", "fit_metrics", "five_fold_rmse"),
    "seedling.tasks.protocol": ("Task",),
    "seedling.tasks.training_protocol": ("LeakProbe", "TaskTraining"),
    "seedling.training.estimators": ("preprocessing",),
    "seedling.training.train": ("train_here",),
}
_FOUND = {
    words.split()[-1]: (module, words.split()[0])
    for module, names in _PLACES.items()
    for words in names
}


def __getattr__(name: str) -> Any:
    if name not in _FOUND:
        raise AttributeError(f"seedling has no public name {name!r}; it has {', '.join(__all__)}.")
    module, own_name = _FOUND[name]
    value = getattr(import_module(module), own_name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
