"""Azure ML's own monitors of a model, as YAML that `az ml schedule create` takes.

Azure has them for the tasks that its AutoML knows. They read what the job `collect` copies
from the prediction log, and compare it with the rows that are trained on.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from seedling import tasks
from seedling.azure import automl, collecting, workspace
from seedling.config import Dataset, Project
from seedling.data.dataset_files import verified
from seedling.data.sides import of_file
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.monitoring.collected import INPUTS

SCHEMA = "http://azureml/sdk-2-0/Schedule.json"
FILE, REFERENCE = "monitor.yml", "reference"
COMPUTE = {"instance_type": "standard_e4s_v3", "runtime_version": "3.4"}
WINDOW = {"lookback_window_size": "P7D", "lookback_window_offset": "P0D"}
NUMBERS, TEXTS = "numerical", "categorical"
HEAD = """\
# Azure ML's own monitor of {model}. Create it: az ml schedule create -f {path}
# It has no correction for many features: an alert of one is no verdict, which `make monitor` gives.
"""


def write(project: Project, model: str) -> Path:
    """Write the monitor of a model, with the rows to compare with, and have the SDK check it.

    Returns:
        The YAML file's path.

    Raises:
        ProjectError: Azure has no monitor of the model's task, the dataset is missing, or the SDK
            refuses the file.
    """
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    task = _task(dataset)
    verified(project, dataset)
    rows = of_file(
        project.dataset_path(dataset), project.root, dataset, project.config.holdout(dataset)
    ).training
    folder = project.assets / "azure_monitors" / model
    names = [column.name for column in dataset.raw]
    with replacing(folder / REFERENCE) as aside:
        automl.write_rows(rows[names], aside)
    path, yaml = folder / FILE, YAML()
    yaml.width = 120
    yaml.representer.ignore_aliases = lambda *_: True
    with path.open("w", encoding="utf-8") as stream:
        stream.write(HEAD.format(model=model, path=path.relative_to(project.root).as_posix()))
        yaml.dump(_described(project, model, dataset, task), stream)
    loaded(path)
    return path


def loaded(path: Path) -> Any:
    """Load a monitor by the SDK, which checks it.

    Raises:
        ProjectError: the SDK is not installed, or refuses the file.
    """
    if not workspace.has_sdk():
        raise ProjectError("Azure ML needs its SDK: run init with the group `aml`.")
    from azure.ai.ml.entities._load_functions import load_schedule

    with workspace.project_errors(f"Loading {path.name}"):
        return load_schedule(path)


def _task(dataset: Dataset) -> str:
    """Return what Azure calls the dataset's task.

    Raises:
        ProjectError: it has no monitor of it.
    """
    found = tasks.of(dataset).training.automl(dataset.metric)
    if found is None:
        raise ProjectError(
            f"Azure has no monitor of the task {dataset.task}: monitor-in-aml looks at "
            f"{dataset.name} all the same."
        )
    return found[0]


def _described(project: Project, model: str, dataset: Dataset, task: str) -> dict[str, Any]:
    """Return the document of the YAML file."""
    kinds = {
        column.name: NUMBERS if column.profiled == "numbers" else TEXTS for column in dataset.raw
    }
    drift = project.config.monitoring.drift
    data: dict[str, Any] = {
        "production_data": {
            "input_data": {
                "path": f"{collecting.folder_uri(project)}{model}/{INPUTS}/",
                "type": "uri_folder",
            },
            "data_context": INPUTS,
            "data_window": WINDOW,
        },
        "reference_data": {
            "input_data": {"path": f"./{REFERENCE}", "type": "mltable"},
            "data_context": "training",
        },
        "features": list(kinds),
        "feature_type_override": kinds,
    }
    distances = {
        NUMBERS: {"normalized_wasserstein_distance": drift.severe},
        TEXTS: {"jensen_shannon_distance": drift.severe},
    }
    rates = {"null_value_rate": 0.1, "out_of_bounds_rate": 0.1, "data_type_error_rate": 0.1}
    used = set(kinds.values())
    signals = {
        "drift": {"type": "data_drift"} | data | {"metric_thresholds": _of(distances, used)},
        "quality": {"type": "data_quality"}
        | data
        | {"metric_thresholds": _of({NUMBERS: rates, TEXTS: dict(rates)}, used)},
    }
    return {
        "$schema": SCHEMA,
        "name": f"{project.config.slug}-{model}-by-azure",
        "display_name": f"{model}, Azure's own monitor",
        "trigger": {
            "type": "recurrence",
            "frequency": "day",
            "interval": 1,
            "schedule": {"hours": [5], "minutes": [0]},
        },
        "create_monitor": {
            "compute": COMPUTE,
            "monitoring_target": {"ml_task": task},
            "monitoring_signals": signals,
        },
    }


def _of(by_kind: dict[str, dict[str, float]], used: set[str]) -> dict[str, dict[str, float]]:
    return {kind: values for kind, values in by_kind.items() if kind in used}
