"""The public face: a team's own files import these names, and those of five modules.

`seedling.fitting` is for a model's train.py, `seedling.credentials` for what opens a database or a
workspace, `seedling.testing` for the project's tests, `seedling.gunicorn` for gunicorn.conf.py, and
`seedling.extending` for a task or a column type of one's own. The names of their `__all__` and of
this one keep their meaning within a major version. Everything else may change with any version.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedling.by_hand import predict_here, run_here, run_verb
    from seedling.config import Config, Dataset, Project, RegisteredModel
    from seedling.containers.entry_points import Predict, Train
    from seedling.data.datasets import load as load_dataset
    from seedling.data.example_rows import example as example_row
    from seedling.data.feature_store import first_row
    from seedling.data.scalars import as_json
    from seedling.data.validation import validate as validate_dataset
    from seedling.errors import InputError, NotFound, ProjectError, Unavailable
    from seedling.registry.loaded import LoadedModel, load_model
    from seedling.serving.models import Models, ServedModel
    from seedling.training.listed import of_project as list_runs

__all__ = [
    "Config",
    "Dataset",
    "InputError",
    "LoadedModel",
    "Models",
    "NotFound",
    "Predict",
    "Project",
    "ProjectError",
    "RegisteredModel",
    "ServedModel",
    "Train",
    "Unavailable",
    "as_json",
    "example_row",
    "first_row",
    "list_runs",
    "load_dataset",
    "load_model",
    "predict_here",
    "run_here",
    "run_verb",
    "validate_dataset",
]

# Each is imported when it is first asked for: a service must not load what only training needs.
_PLACES = {
    "seedling.by_hand": ("predict_here", "run_here", "run_verb"),
    "seedling.config": ("Config", "Dataset", "Project", "RegisteredModel"),
    "seedling.containers.entry_points": ("Predict", "Train"),
    "seedling.data.datasets": ("load as load_dataset",),
    "seedling.data.example_rows": ("example as example_row",),
    "seedling.data.feature_store": ("first_row",),
    "seedling.data.scalars": ("as_json",),
    "seedling.data.validation": ("validate as validate_dataset",),
    "seedling.errors": ("InputError", "NotFound", "ProjectError", "Unavailable"),
    "seedling.registry.loaded": ("LoadedModel", "load_model"),
    "seedling.serving.models": ("Models", "ServedModel"),
    "seedling.training.listed": ("of_project as list_runs",),
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
