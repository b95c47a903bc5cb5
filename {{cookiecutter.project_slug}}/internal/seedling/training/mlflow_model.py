"""Complete the folder of a saved model, so that it answers wherever MLflow loads it.

It gets the code and the requirements of its answers, and says what it takes and returns: the raw
columns of the schema, an example of a row, and the type of a prediction.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from seedling import tasks
from seedling.config import Dataset
from seedling.data.derived import NAME
from seedling.data.example_rows import example
from seedling.registry import model_files, pyfunc
from seedling.registry.pyfunc import CODE
from seedling.training import mlflow_runs
from seedling.training.model_code import ModelCode

PICKLE = "model.pkl"
# The type of a prediction in the signature, by that of its JSON value.
TYPES = {bool: "boolean", int: "long", float: "double", str: "string"}


def complete(
    folder: Path, name: str, dataset: Dataset, rows: pd.DataFrame, smoke: bool = False
) -> None:
    """Make a saved model answer as the service does, in any environment of its requirements.

    Args:
        folder: where `save` of the task wrote the model, and the schema beside it; nothing is done
            if that is no MLflow model.
        name: the model's name in model.yaml.
        dataset: the dataset that it was trained on.
        rows: a few of its rows, with the dtypes of its file.
        smoke: whether it was trained for a smoke check, as MLmodel then says.
    """
    if not (folder / "MLmodel").exists():
        return
    code = _code(folder, name, dataset)
    code.copy(folder / CODE)
    _require(folder, code.requirements())
    _describe(folder, name, dataset, rows, {model_files.SMOKE: "true"} if smoke else {})


def _code(folder: Path, name: str, dataset: Dataset) -> ModelCode:
    """Return the code that the model's answers need."""
    code = ModelCode()
    code.follow(pyfunc.__name__)
    code.follow(f"models.{name}.predict")
    for part in (*dataset.features, *dataset.inputs, tasks.of(dataset)):
        code.follow(type(part).__module__)
    if (folder / PICKLE).exists():
        code.follow_pickle(folder / PICKLE)
    if (folder / NAME).exists():
        code.follow_file(folder / NAME, "features")
    return code


def _require(folder: Path, requirements: list[str]) -> None:
    """Add requirements to requirements.txt and conda.yaml, which have the same ones."""
    path = folder / "requirements.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines += [line for line in requirements if line not in lines]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    yaml = YAML()
    conda = yaml.load(folder / "conda.yaml")
    for part in conda["dependencies"]:
        if isinstance(part, dict):
            part["pip"] = lines
    yaml.dump(conda, folder / "conda.yaml")


def _describe(
    folder: Path, name: str, dataset: Dataset, rows: pd.DataFrame, more: Mapping[str, str]
) -> None:
    """Write signature, example and description into MLmodel, and how MLflow loads the model."""
    mlflow_runs.quiet()
    from mlflow.models import Model, ModelSignature
    from mlflow.models.utils import _save_example
    from mlflow.types import Schema

    model = Model.load(str(folder))
    model.signature = ModelSignature(Schema(_inputs(dataset, rows)), Schema([_output(dataset)]))
    _save_example(model, pd.DataFrame([example(dataset.raw)]), str(folder))
    model.metadata = {**_metadata(name, dataset), **more}
    for flavor in model.flavors.values():
        flavor["code"] = CODE  # of what was pickled
    env = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
    python = model.flavors.get("python_function", {}).get("python_version")
    model.add_flavor(
        "python_function",
        loader_module=pyfunc.__name__,
        code=CODE,
        env=env,
        python_version=python,
    )
    files = (path for path in folder.rglob("*") if path.is_file())
    model.model_size_bytes = sum(path.stat().st_size for path in files)
    model.save(str(folder / "MLmodel"))


def _inputs(dataset: Dataset, rows: pd.DataFrame) -> list[Any]:
    """Return the raw columns; those that may be missing may be absent too."""
    from mlflow.types import ColSpec

    return [
        ColSpec(column.mlflow_type(rows[column.name]), column.name, required=not column.nullable)
        for column in dataset.raw
    ]


def _output(dataset: Dataset) -> Any:
    from mlflow.types import ColSpec

    task = tasks.of(dataset)
    ((value, *_),) = task.batch_cells(task.answer_example(dataset))
    return ColSpec(TYPES.get(type(value), "string"), "prediction")


def _metadata(name: str, dataset: Dataset) -> dict[str, Any]:
    """Return what MLmodel says about the model in its own words."""
    target = dataset.target
    about = target.description or dataset.description
    found = {
        "description": f"Predicts {target.name}" + (f": {about}" if about else ""),
        "model": name,
        "dataset": dataset.name,
        "data_version": dataset.version,
        "task": dataset.task,
        "metric": dataset.metric,
        **tasks.of(dataset).facts(target),
    }
    return {key: str(value) for key, value in found.items()}
