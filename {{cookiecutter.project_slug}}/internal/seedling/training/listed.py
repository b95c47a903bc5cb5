"""Runs and versions as the verb `runs` lists them: metrics, data, age, and which one is best."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from seedling.config import Dataset, Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.files import read_json
from seedling.tasks import measuring
from seedling.training import mlflow_runs, notes, past_runs
from seedling.training.notes import Measured
from seedling.training.past_runs import PastRun

HOLDOUT, VALIDATED, INTERVAL = "holdout_", "cv_", "_interval"
SCHEMA = "schema.json"  # of a registered version's folder


class Listed(NamedTuple):
    """A run, or a registered version whose run was elsewhere.

    Attributes:
        run: its number; None for a version without a run here.
        id: MLflow's; empty without a run.
        model, dataset: their names.
        version: that it registered; empty if there is none.
        role: champion, challenger or shadow of the service; else empty.
        status: of the run; `elsewhere` without one.
        begun: in seconds since 1970; None if that is unknown.
        metric: the name of the dataset's metric.
        value: that metric on the holdout; None if it was not measured.
        validated: its cross-validated mean, and how far it is uncertain; None without.
        metrics: all that were noted, by MLflow's names.
        arguments: of train_model, as texts.
        data: version, sha256 and rows of the dataset's file, as far as they were noted.
        features: their names, where the version's files are on this machine.
        is_best: whether its metric is the best of its dataset's runs.
    """

    run: int | None
    id: str
    model: str
    dataset: str
    version: str
    role: str
    status: str
    begun: float | None
    metric: str
    value: float | None
    validated: tuple[float, float] | None
    metrics: Mapping[str, float]
    arguments: Mapping[str, str]
    data: Mapping[str, str]
    features: Sequence[str]
    is_best: bool = False


def of_project(project: Project, model: str | None = None) -> list[Listed]:
    """List runs and versions, the oldest first.

    Args:
        project: its runs, and the versions that its service answers with.
        model: only those of this model.

    Raises:
        ProjectError: the runs cannot be read, or there is no such model.
    """
    if model:
        project.config.trained_model(model)
    served = {(entry.name, entry.version): entry for entry in project.config.models}
    found = []
    for run in past_runs.read(project):
        found.append(_of_run(project, run, served))
    listed = {(_name(each), each.version) for each in found if each.version}
    others = [entry for key, entry in served.items() if key not in listed]
    found = [*(_of_version(project, entry) for entry in others), *found]
    return [each for each in _with_best(project, found) if model in (None, each.model)]


def age(begun: float | None) -> str:
    """Return how long ago a time was: `5 min`, `3 h`, `2 d`."""
    if begun is None:
        return "-"
    minutes = max(0, time.time() - begun) / 60
    if minutes < 60:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"


def as_json(one: Listed) -> dict[str, Any]:
    """Return a run as values of JSON, its time as text."""
    begun = None if one.begun is None else datetime.fromtimestamp(one.begun, UTC)
    return {**one._asdict(), "begun": begun and begun.isoformat(timespec="seconds")}


def _name(one: Listed) -> str:
    """Return the name under which a run of this machine registers."""
    return f"{one.dataset}-{one.model}"


def _of_run(
    project: Project, run: PastRun, served: Mapping[tuple[str, str], RegisteredModel]
) -> Listed:
    name = f"{run.dataset}-{run.model}"
    entry = served.get((name, run.version))
    dataset = _dataset(project, run.dataset)
    metric = dataset.metric if dataset else ""
    key = mlflow_runs.metric_name("", metric)
    mean, half = (run.metrics.get(f"{VALIDATED}{key}{end}") for end in ("", INTERVAL))
    keys = {"version": past_runs.VERSION, "sha256": past_runs.SHA256, "rows": past_runs.ROWS}
    return Listed(
        run.number,
        run.id,
        run.model,
        run.dataset,
        run.version,
        _role(entry),
        run.status,
        run.begun,
        metric,
        run.metrics.get(f"{HOLDOUT}{key}"),
        None if mean is None or half is None else (mean, half),
        run.metrics,
        run.arguments,
        {name: run.tags[key] for name, key in keys.items() if key in run.tags},
        _features(project, name, run.version),
    )


def _of_version(project: Project, entry: RegisteredModel) -> Listed:
    dataset = _dataset(project, project.config.trained_model(entry.model).dataset)
    assert dataset
    path = project.model_path(entry) / notes.MEASURED
    measured = notes.read(path, Measured).metrics if path.is_file() else {}
    return Listed(
        None,
        "",
        entry.model,
        dataset.name,
        entry.version,
        _role(entry),
        "elsewhere",
        None,
        dataset.metric,
        measured.get(dataset.metric),
        None,
        {f"{HOLDOUT}{name}": value for name, value in measured.items()},
        {},
        {},
        _features(project, entry.name, entry.version),
    )


def _with_best(project: Project, found: Sequence[Listed]) -> list[Listed]:
    """Mark the best of each dataset by its metric; of equals the first."""
    best = []
    for name in dict.fromkeys(each.dataset for each in found):
        dataset = _dataset(project, name)
        measured = [each for each in found if each.dataset == name and each.value is not None]
        if dataset and measured:
            lower = dataset.metric in measuring.lower_is_better(dataset)
            choose = min if lower else max
            best.append(choose(measured, key=lambda each: each.value or 0.0))
    return [each._replace(is_best=any(each is one for one in best)) for each in found]


def _dataset(project: Project, name: str) -> Dataset | None:
    """Return a dataset of model.yaml; None if it has been removed there."""
    return next((each for each in project.config.datasets if each.name == name), None)


def _role(entry: RegisteredModel | None) -> str:
    if entry is None:
        return ""
    if entry.shadow:
        return "shadow"
    return "champion" if entry.is_champion else f"challenger, {entry.share:.0%}"


def _features(project: Project, name: str, version: str) -> list[str]:
    """Return the names of a version's features; none where its files are not on this machine."""
    path = project.models_folder / name / version / SCHEMA
    if not version or not path.is_file():
        return []
    try:
        return [each["name"] for each in read_json(path)["dataset"]["features"]]
    except (ValueError, KeyError, TypeError):
        raise ProjectError(f"{path} is not what training wrote: train again.") from None
