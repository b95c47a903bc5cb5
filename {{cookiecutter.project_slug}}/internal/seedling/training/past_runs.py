"""The runs of training that MLflow has noted, read without MLflow where they are on this machine.

To import MLflow takes seconds. Its SQLite file is read as the pinned version writes it.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.training import mlflow_names, mlflow_runs
from seedling.training.notes import Made

NOT_REGISTERED = "none"  # the tag registered_version of a run that the gate refused
SMOKE = "smoke"  # the tag of a smoke check: true
SETTING = "setting_"  # begins the tags of `settings_tags`
PLAIN = {"type", "description", "labels"}  # keys of a target that are no settings of a run
VERSION, SHA256, ROWS = "dataset_version", "dataset_sha256", "dataset_rows"
PARAMETERS = ("model", "dataset")  # of a run, beside the arguments of train_model
MOST = 50_000  # runs of a server that are read

_RUNS = """
    SELECT runs.run_uuid, runs.status, runs.start_time FROM runs
    JOIN experiments ON experiments.experiment_id = runs.experiment_id
    WHERE experiments.name = ? AND runs.lifecycle_stage = 'active'
"""
_PAIRS = "SELECT run_uuid, key, value FROM {}"


class PastRun(NamedTuple):
    """A run of the train step and those behind it.

    Attributes:
        number: from 1 on, the oldest first; of all models.
        id: MLflow's.
        status: FINISHED, RUNNING, FAILED or KILLED.
        begun: in seconds since 1970.
        parameters: model, dataset and arguments of train_model, as MLflow's texts.
        metrics: by name, such as holdout_rmse.
        tags: those of `tags_of` and `settings_tags`, and registered_version among them.
    """

    number: int
    id: str
    status: str
    begun: float
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    @property
    def model(self) -> str:
        return self.parameters["model"]

    @property
    def dataset(self) -> str:
        return self.parameters.get("dataset", "")

    @property
    def version(self) -> str:
        """Return the version that it registered; empty if there is none."""
        found = self.tags.get("registered_version", "")
        return "" if found == NOT_REGISTERED else found

    @property
    def refused(self) -> bool:
        """Return whether the gate has judged it, and kept the champion."""
        return self.tags.get("registered_version") == NOT_REGISTERED

    @property
    def is_smoke(self) -> bool:
        """Return whether it was a smoke check, whose metrics are no result."""
        return self.tags.get(SMOKE) == "true"

    @property
    def settings(self) -> dict[str, str]:
        """Return the values of `settings_tags`; empty for a run of an older version."""
        return {
            name.removeprefix(SETTING): text
            for name, text in self.tags.items()
            if name.startswith(SETTING)
        }

    @property
    def arguments(self) -> dict[str, str]:
        """Return what train_model was called with."""
        return {name: text for name, text in self.parameters.items() if name not in PARAMETERS}


def tags_of(made: Made) -> dict[str, str]:
    """Return the tags by which a run says what it was trained from."""
    return {VERSION: made.version, SHA256: made.sha256, ROWS: str(made.rows)}


def settings_tags(dataset: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags by which a run says how its metrics are to be understood.

    Args:
        dataset: the dataset as JSON values, as a registered version keeps it.
    """
    target = {key: value for key, value in dataset["target"].items() if key not in PLAIN}
    settings = {"metric": dataset["metric"], "target": target.pop("name"), **target}
    return {f"{SETTING}{key}": str(value) for key, value in settings.items() if value is not None}


def read(project: Project) -> list[PastRun]:
    """Return the project's runs, the oldest first; empty where nothing was trained yet.

    Raises:
        ProjectError: the SQLite file is of another version of MLflow, or the server does not
            respond.
    """
    store = mlflow_runs.database_of(project)
    runs = _of_server(project) if store is None else _of_file(store, project.config.slug)
    trained = sorted((run for run in runs if "model" in run.parameters), key=lambda run: run.begun)
    return [_plain(run)._replace(number=number) for number, run in enumerate(trained, 1)]


def _plain(run: PastRun) -> PastRun:
    """Return a run whose metrics and parameters have the names that they were given."""
    metrics = {mlflow_names.plain(key, run.tags): number for key, number in run.metrics.items()}
    parameters = {mlflow_names.plain(key, run.tags): text for key, text in run.parameters.items()}
    return run._replace(metrics=metrics, parameters=parameters)


def _of_file(path: Path, experiment: str) -> Iterable[PastRun]:
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as store:
            found = store.execute(_RUNS, [experiment]).fetchall()
            parameters, metrics, tags = (
                _by_run(store.execute(_PAIRS.format(table)))
                for table in ("params", "latest_metrics", "tags")
            )
    except sqlite3.Error as error:
        raise ProjectError(f"{path.name} cannot be read ({error}): see mlflow-ui.") from None
    return [
        PastRun(0, run, status, begun / 1000, parameters[run], metrics[run], tags[run])
        for run, status, begun in found
    ]


def _by_run(pairs: Iterable[tuple[str, str, Any]]) -> defaultdict[str, dict[str, Any]]:
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for run, key, value in pairs:
        found[run][key] = value
    return found


def _of_server(project: Project) -> Iterable[PastRun]:
    client = mlflow_runs.client(project)
    from mlflow.exceptions import MlflowException

    try:
        with mlflow_runs.soon():
            experiment = client.get_experiment_by_name(project.config.slug)
            if experiment is None:
                return []
            found = client.search_runs([experiment.experiment_id], max_results=MOST)
    except MlflowException as error:
        raise ProjectError(f"The tracking server did not answer: {error}") from None
    return [
        PastRun(
            0,
            run.info.run_id,
            run.info.status,
            run.info.start_time / 1000,
            run.data.params,
            run.data.metrics,
            run.data.tags,
        )
        for run in found
    ]
