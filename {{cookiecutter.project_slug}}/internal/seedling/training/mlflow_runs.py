"""MLflow's runs: in a SQLite file of this machine, or on the server of MLFLOW_TRACKING_URI."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from subprocess import PIPE, STDOUT
from types import ModuleType
from typing import Any

from seedling.config import Project
from seedling.errors import ProjectError, Unavailable
from seedling.files import first
from seedling.processes import end_soon, interrupted
from seedling.settings import MLFLOW_TRACKING_URI
from seedling.training import mlflow_names

GIVEN = "MLFLOW_RUN_ID"
PIPELINE = "SEEDLING_PIPELINE"  # the run of a pipeline on this machine that a run belongs to
PIPELINE_TAG = "pipeline_run"
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
MOST_METRICS, MOST_PARAMETERS = 1000, 100  # that MLflow takes at once


def quiet() -> None:
    """Turn mlflow's telemetry off and its log down; mlflow reads these variables on import."""
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")


def mlflow() -> ModuleType:
    """Import mlflow without telemetry, as late as possible: the import takes seconds."""
    quiet()
    import mlflow

    return mlflow


@contextmanager
def tracked_by(server: str) -> Iterator[ModuleType]:
    """Yield mlflow with another tracking server, which it hands to this process's children too."""
    tracking, before = mlflow(), os.environ.get(MLFLOW_TRACKING_URI.name)
    tracking.set_tracking_uri(server)
    try:
        yield tracking
    finally:
        tracking.set_tracking_uri(before or "")
        os.environ.pop(MLFLOW_TRACKING_URI.name, None)
        if before is not None:
            os.environ[MLFLOW_TRACKING_URI.name] = before


def uri(project: Project) -> str:
    """Return the tracking server's URI: MLFLOW_TRACKING_URI, else a SQLite file's."""
    return MLFLOW_TRACKING_URI.get() or _sqlite(_database(project))


def database_of(project: Project) -> Path | None:
    """Return the SQLite file of the project's runs; None where a server keeps them."""
    path = _database(project)
    return path if uri(project) == _sqlite(path) else None


def client(project: Project) -> Any:
    """Return a client of the project's runs and registry; create the SQLite file on first use."""
    project.assets.mkdir(parents=True, exist_ok=True)
    tracking = mlflow()
    tracking.set_tracking_uri(uri(project))
    return tracking.MlflowClient()


@contextmanager
def soon() -> Iterator[None]:
    """Let MLflow ask a server that does not answer once more only; it would try for minutes."""
    before = os.environ.get(RETRIES)
    os.environ.setdefault(RETRIES, "1")
    try:
        yield
    finally:
        if before is None:
            del os.environ[RETRIES]


def prepare(project: Project) -> None:
    """Create the database and the experiment, before steps in parallel processes need them."""
    if uri(project) == _sqlite(_database(project)):
        _create_database(project)
    else:
        quiet()
        try:
            with soon():
                _create_experiment(uri(project), _artifacts(project), project.config.slug)
        except Exception as error:  # of MLflow, of SQLAlchemy or of requests
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise Unavailable(
                f"The server of MLFLOW_TRACKING_URI does not answer: {reason}"
            ) from None


def _create_database(project: Project) -> None:
    """Create the SQLite file with the experiment, unless it is there or a server is used.

    A process of its own writes it under another name first: if that is killed, no half-migrated
    file is left.
    """
    database = _database(project)
    if uri(project) == _sqlite(database) and not database.exists():
        with first(database) as aside:
            made = [_sqlite(aside), _artifacts(project), project.config.slug]
            command = [sys.executable, "-m", "seedling.training.mlflow_runs", *made]
            with interrupted.unheard():
                process = subprocess.Popen(command, stdout=PIPE, stderr=STDOUT, text=True)
            try:
                said, _ = process.communicate()
            finally:
                process.kill()
            if process.returncode:
                raise ProjectError(f"{database.name} cannot be made: {last_error(said)}")
    elif uri(project) == _sqlite(database):
        _follow(database, project.config.slug, _artifacts(project))


def _follow(database: Path, experiment: str, artifacts: str) -> None:
    """Note where the files of the runs are by now: MLflow has their folder's absolute path.

    It would make the old folder anew, once the project is moved, and write there.
    """
    with closing(sqlite3.connect(database)) as store, store:
        query = "SELECT artifact_location FROM experiments WHERE name = ?"
        for (before,) in store.execute(query, [experiment]).fetchall():
            if before == artifacts:
                continue
            change = "UPDATE experiments SET artifact_location = ? WHERE name = ?"
            store.execute(change, [artifacts, experiment])
            store.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
                "WHERE substr(artifact_uri, 1, ?) = ?",
                [artifacts, len(before) + 1, len(before) + 1, f"{before}/"],
            )


def _create_experiment(store: str, artifacts: str, experiment: str) -> None:
    """Create the experiment unless it is there: two models that train at once both look for it."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=store)
    if client.get_experiment_by_name(experiment) is None:
        try:
            client.create_experiment(experiment, artifact_location=artifacts)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def _database(project: Project) -> Path:
    return project.assets / "mlflow.db"


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"


def _artifacts(project: Project) -> str:
    return (project.assets / "artifacts").as_uri()


@contextmanager
def run(
    project: Project, name: str, run_id: str | None = None, experiment: str = ""
) -> Iterator[Any]:
    """Yield an active run of the project's experiment: a new one, or the one with this id.

    If MLFLOW_RUN_ID is set, as Azure ML does for a job, it is that run.

    Args:
        project: the project.
        name: of a new run.
        run_id: of one that is there.
        experiment: the name of another experiment than the project's.
    """
    if os.environ.get(GIVEN):
        with mlflow().start_run() as active:
            yield active
        return
    _create_database(project)
    tracking = mlflow()
    tracking.set_tracking_uri(uri(project))
    chosen = experiment or project.config.slug
    _create_experiment(uri(project), _artifacts(project), chosen)  # the database may be another's
    tracking.set_experiment(chosen)
    with tracking.start_run(run_id=run_id, run_name=None if run_id else name) as active:
        if os.environ.get(PIPELINE):
            tracking.set_tag(PIPELINE_TAG, os.environ[PIPELINE])
        yield active


def end_killed(project: Project, pipelines: Sequence[str]) -> None:
    """End the runs that still count as going on, of runs of a pipeline that were killed."""
    if not pipelines or (database_of(project) and not _database(project).exists()):
        return
    store = client(project)
    experiment = store.get_experiment_by_name(project.config.slug)
    for name in pipelines if experiment else []:
        query = f"attributes.status = 'RUNNING' and tags.{PIPELINE_TAG} = '{name}'"
        for each in store.search_runs([experiment.experiment_id], query):
            store.set_terminated(each.info.run_id, "KILLED")


def last_error(text: str) -> str:
    """Return the last line of a program's output that names an exception, else its last line."""
    lines = text.strip().splitlines()
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return [*(lines or ["it printed nothing"]), *errors][-1]


def log_metrics(prefix: str, metrics: Mapping[str, float]) -> None:
    """Log metrics, whose names may hold what the data hold, a batch at a time."""
    named = {f"{prefix}{name}": value for name, value in metrics.items()}
    for batch in _batches(named, MOST_METRICS):
        mlflow().log_metrics({mlflow_names.escaped(name): batch[name] for name in batch})
    _set_tags(named)


def log_params(parameters: Mapping[str, Any]) -> None:
    """Log parameters, a batch at a time."""
    for batch in _batches(parameters, MOST_PARAMETERS):
        mlflow().log_params({mlflow_names.escaped(name): batch[name] for name in batch})
    _set_tags(parameters)


def _set_tags(names: Mapping[str, Any]) -> None:
    for batch in _batches(mlflow_names.tags(names), MOST_PARAMETERS):
        mlflow().set_tags(batch)


def _batches(values: Mapping[str, Any], most: int) -> Iterator[dict[str, Any]]:
    items = iter(values.items())
    while batch := dict(islice(items, most)):
        yield batch


if __name__ == "__main__":
    end_soon()
    quiet()
    _create_experiment(*sys.argv[1:])
