"""A search by Azure's AutoML: the job, what it learns from, and its best model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from seedling import tasks
from seedling.azure import workspace
from seedling.azure.places import AUTOML, Group
from seedling.config import AutoMl, Dataset, Project
from seedling.data.dataset_files import verified
from seedling.data.sides import of_file
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.training import handed_over, mlflow_runs

ROWS = "rows.parquet"
MLTABLE = f"""type: mltable
paths:
  - file: ./{ROWS}
transformations:
  - read_parquet
"""
DIGEST = "rows"  # the tag with the hash of the rows that the job learns from
# The tag that names the best trial, and the place of the model among the trial's files.
BEST_CHILD, MODEL = "automl_best_child_run_id", "outputs/mlflow-model"


def job(project: Project, group: Group, rows: Path, digest: str) -> Any:
    """Return the job that searches a model for the dataset of a group of one model.

    Args:
        project: the project of the experiment.
        group: the model whose place the best one is to take, and where the job runs.
        rows: the folder with the rows to learn from, as `write_rows` leaves it.
        digest: their hash.

    Raises:
        ProjectError: AutoML has no such task, or no such metric.
    """
    from azure.ai.ml import Input, automl
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import ManagedIdentityConfiguration

    (model,) = group.models
    wanted, dataset = workspace.settings(project, model).automl, group.dataset
    task, metric = _task(dataset, wanted)
    try:
        made: Any = getattr(automl, task)(
            training_data=Input(type=AssetTypes.MLTABLE, path=str(rows)),
            target_column_name=dataset.target.name,
            primary_metric=metric,
            compute=group.shared.cluster,
            experiment_name=project.config.slug,
            display_name=f"search for {model}",
            tags={**group.tags(AUTOML), DIGEST: digest},
        )
    except KeyError:
        raise ProjectError(
            f"automl.primary_metric of model.yaml: AutoML has no metric {metric!r:.80} for {task}."
        ) from None
    made.identity = ManagedIdentityConfiguration()
    made.set_limits(
        max_trials=wanted.max_trials,
        max_concurrent_trials=min(wanted.max_concurrent_trials, wanted.max_trials),
        timeout_minutes=wanted.timeout_minutes,
        trial_timeout_minutes=wanted.trial_timeout_minutes,
        enable_early_termination=True,
    )
    if wanted.allowed_training_algorithms:
        made.set_training(allowed_training_algorithms=wanted.allowed_training_algorithms)
    return made


def training_rows(project: Project, dataset: Dataset) -> pd.DataFrame:
    """Return the dataset's rows that are not held out, as models take them.

    Raises:
        ProjectError: its file is missing, or cannot be trained from.
    """
    verified(project, dataset)
    share = project.config.holdout(dataset)
    found = of_file(project.dataset_path(dataset), project.root, dataset, share)
    return handed_over.table(found.training, found.dataset)


def write_rows(table: pd.DataFrame, folder: Path) -> None:
    """Write a table into a new folder in the form that AutoML reads: Parquet and an MLTable."""
    folder.mkdir()
    table.to_parquet(folder / ROWS, index=False)
    write_text(folder / "MLTable", MLTABLE)


def download(client: Any, name: str, folder: Path) -> None:
    """Download the best model of a completed search into a new folder.

    The search is a run of the workspace's MLflow. A tag of it names the best trial, which is a run
    too, and has the model among its files.

    Raises:
        ProjectError: there is none, or Azure refuses.
    """
    what = f"Downloading the best model of {name}"
    with mlflow_runs.tracked_by(workspace.tracking_uri(client)) as mlflow:
        try:
            with workspace.project_errors(what):
                trial = mlflow.MlflowClient().get_run(name).data.tags.get(BEST_CHILD)
                if trial is None:
                    raise ProjectError(f"{what}: it has none; its page in Azure ML says more.")
                mlflow.artifacts.download_artifacts(
                    run_id=trial, artifact_path=MODEL, dst_path=str(folder)
                )
        except mlflow.MlflowException as error:
            words = (str(error).splitlines() or [type(error).__name__])[0]
            raise ProjectError(f"{what}: {words}") from None


def _task(dataset: Dataset, wanted: AutoMl) -> tuple[str, str]:
    """Return the names that AutoML has for the dataset's task and metric.

    Raises:
        ProjectError: it has no such task.
    """
    found = tasks.of(dataset).training.automl(dataset.metric)
    if found is None:
        raise ProjectError(f"Azure's AutoML has no task {dataset.task}: train {dataset.name} here.")
    task, metric = found
    return task, wanted.primary_metric or metric


def learned_from(tags: Mapping[str, str]) -> str:
    """Return the hash of the rows that a search has learned from."""
    return tags.get(DIGEST, "")
