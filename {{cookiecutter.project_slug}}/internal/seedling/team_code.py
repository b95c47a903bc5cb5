"""The team's own functions, found by module and name: only this module imports the team's files."""

import hashlib
import importlib
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from seedling.errors import ProjectError

if TYPE_CHECKING:  # the service reaches serve.py from here, and does without pandas
    import pandas as pd

    from seedling.columns.protocol import Column
    from seedling.tasks.protocol import Task

# Folders and files that not every project has.
OPTIONAL = ("columns", "common_utils", "features", "metrics.py", "monitoring", "tasks")


def train_model(model: str) -> Callable[..., Any]:
    """Return `train_model` of models/<model>/train.py."""
    return function(f"models.{model}.train", "train_model")


def predict(model: str) -> "Callable[[Any, pd.DataFrame], dict[str, Any]]":
    """Return `predict` of models/<model>/predict.py: (model, features) -> answer by name."""
    return function(f"models.{model}.predict", "predict")


def create_dataset() -> "Callable[[str, pd.DataFrame], pd.DataFrame]":
    """Return `create_dataset` of dataset_creation/: (dataset's name, source's rows) -> rows."""
    return function("dataset_creation.create_datasets", "create_dataset")


def sample_tables() -> "Callable[[], dict[str, pd.DataFrame]]":
    """Return `sample_tables` of dataset_creation/: () -> tables by name."""
    return function("dataset_creation.sample_data", "sample_tables")


def serve_class() -> Callable[..., Any]:
    """Return the class `Serve` of serve/serve.py."""
    return function("serve.serve", "Serve")


def task(name: str) -> "Task":
    """Return the task that the team defines in tasks/<name>.py as `TASK`."""
    return function(f"tasks.{name}", "TASK")  # type: ignore[return-value]


def column_type(name: str) -> "type[Column]":
    """Return the column type that the team defines in columns/<name>.py as `TYPE`."""
    return function(f"columns.{name}", "TYPE")  # type: ignore[return-value]


def derive(path: Path) -> "Callable[[pd.DataFrame], pd.DataFrame]":
    """Return `derive` of a features/derive.py: the project's, or the copy beside a model.

    Raises:
        ProjectError: it cannot be imported, or has no `derive`.
    """
    return function_at(path, "derive", "derive(rows)")


def function_at(path: Path, name: str, shown: str, package: str = "") -> Callable[..., Any]:
    """Import a file that may stand outside of the project, and return a function of it.

    Args:
        path: the file.
        name: the function's name.
        shown: the function as an error's sentence writes it.
        package: the one that the file's relative imports begin at.

    Raises:
        ProjectError: it cannot be imported, or has no such function.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    module_name = f"{package}.{path.stem}_{digest[:16]}".lstrip(".")
    spec = spec_from_loader(module_name, _Uncached(module_name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ProjectError(f"{path.name} cannot be imported: {error}.") from error
    if not callable(getattr(module, name, None)):
        raise ProjectError(f"{path.name} must define {shown}.")
    found: Callable[..., Any] = getattr(module, name)
    return found


class _Uncached(SourceFileLoader):
    """Loads a file itself: no hash of a model covers what is beside it in `__pycache__`."""

    def path_stats(self, path: Any) -> Any:
        raise OSError


def severity() -> Callable[..., Any] | None:
    """Return `severity` of monitoring/severity.py: (finding by name) -> none, mild or severe.

    None: the project has no such file.

    Raises:
        ProjectError: the file cannot be imported, or has no `severity`.
    """
    if "severity" not in modules("monitoring"):
        return None
    found = vars(_run_once("monitoring.severity", "monitoring/severity.py")).get("severity")
    if not callable(found):
        raise ProjectError("monitoring/severity.py must define severity(finding).")
    return found


def metric(name: str) -> Callable[..., Any] | None:
    """Return the metric of this name in the project's metrics.py; None if it has none.

    Raises:
        ProjectError: the file cannot be imported.
    """
    return metrics().get(name)


def metrics() -> dict[str, Any]:
    """Return the public names of the project's metrics.py with their values, if it is there."""
    spec = find_spec("metrics")
    if spec is None or spec.origin is None:
        return {}
    module = _run_once("metrics", "metrics.py")
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


def _run_once(module_name: str, shown: str) -> ModuleType:
    """Import a module of the team whose faults are one line, whatever it does meanwhile.

    Raises:
        ProjectError: it cannot be imported.
    """
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ProjectError(f"{shown}: {fault(error)}.") from error


def fault(error: BaseException) -> str:
    """Return what the team's code has raised, in one line."""
    words = " ".join(str(error).split())[:200].rstrip(".")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def modules(folder: str) -> list[str]:
    """Return the names of the modules in one of the project's folders, if it is there."""
    spec = find_spec(folder)
    if spec is None or spec.submodule_search_locations is None:
        return []
    from pkgutil import iter_modules  # generation does not wait for it

    return sorted(module.name for module in iter_modules(spec.submodule_search_locations))


def brought(root: Path) -> list[str]:
    """Return the optional folders and files that a project has."""
    return [name for name in OPTIONAL if (root / name).exists()]


def function(module_name: str, name: str) -> Callable[..., Any]:
    """Import a module of the team and return a value of it.

    Raises:
        ProjectError: the module or the value is missing, or a package that the module imports is
            not installed.
    """
    path = module_name.replace(".", "/") + ".py"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            raise ProjectError(f"{path} is missing.") from None
        raise ProjectError(f"{path} imports {error.name}, which is not installed.") from None
    if not hasattr(module, name):
        raise ProjectError(f"{path} must define {name}.")
    return getattr(module, name)
