"""Runs and versions as the verb `runs` lists them: metrics, data, age, and which one is best."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from seedling import tasks
from seedling.config import Dataset, Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.files import read_json
from seedling.serving import unnamed
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
        metric: the name of the dataset's metric; where that was not measured, of the one by which
            the gate judged it, or else of the task's first that was.
        value: that metric on the holdout; None if it was not measured.
        validated: its cross-validated mean, and how far it is uncertain; None without.
        metrics: all that were noted, by MLflow's names.
        arguments: of train_model, as texts.
        data: version, sha256 and rows of the dataset's file, as far as they were noted.
        features: their names, where the version's files are on this machine.
        settings: of dataset and target, by which the metrics are to be understood, as texts.
        smoke: whether it was a smoke check, whose metrics are no result.
        refused: whether the gate has kept the champion instead.
        best_by: the metric by which it is the best of its dataset's runs; empty if it is not.
        pipeline: the id of the run of the pipeline, which names the folder of its reports here;
            empty where that is not known.
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
    settings: Mapping[str, str]
    smoke: bool = False
    refused: bool = False
    best_by: str = ""
    pipeline: str = ""

    @property
    def is_best(self) -> bool:
        return bool(self.best_by)

    def measured(self, metric: str) -> float | None:
        """Return a metric on the holdout; None if it was not measured."""
        return self.metrics.get(_key(metric))


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
    shown = {**one._asdict(), "is_best": one.is_best}
    return shown | {"begun": begun and begun.isoformat(timespec="seconds")}


def _name(one: Listed) -> str:
    """Return the name under which a run of this machine registers."""
    return f"{one.dataset}-{one.model}"


def _of_run(
    project: Project, run: PastRun, served: Mapping[tuple[str, str], RegisteredModel]
) -> Listed:
    name = f"{run.dataset}-{run.model}"
    entry = served.get((name, run.version))
    schema = _schema(project, name, run.version)
    settings = run.settings or _settings(schema)
    metric = _shown(_dataset(project, run.dataset), settings, run.metrics)
    mean, half = (run.metrics.get(f"{VALIDATED}{metric}{end}") for end in ("", INTERVAL))
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
        run.metrics.get(_key(metric)),
        None if mean is None or half is None else (mean, half),
        run.metrics,
        run.arguments,
        {name: run.tags[key] for name, key in keys.items() if key in run.tags},
        _features(schema),
        settings,
        run.is_smoke,
        run.refused or run.is_smoke,
        pipeline=run.tags.get(mlflow_runs.PIPELINE_TAG, ""),
    )


def _of_version(project: Project, entry: RegisteredModel) -> Listed:
    dataset = _dataset(project, project.config.trained_model(entry.model).dataset)
    assert dataset
    path = project.model_path(entry) / notes.MEASURED
    noted = notes.read(path, Measured).metrics if path.is_file() else {}
    metrics = {_key(name): value for name, value in noted.items()}
    schema = _schema(project, entry.name, entry.version)
    metric = _shown(dataset, _settings(schema), metrics)
    return Listed(
        None,
        "",
        entry.model,
        dataset.name,
        entry.version,
        _role(entry),
        "elsewhere",
        None,
        metric,
        metrics.get(_key(metric)),
        None,
        metrics,
        {},
        {},
        _features(schema),
        _settings(schema),
    )


def _with_best(project: Project, found: Sequence[Listed]) -> list[Listed]:
    """Mark the best of each dataset that the gate has not refused; of equals the first.

    It is the best by the metric that decides among the champions of the service.
    """
    served = [*unnamed.on_disk(project, project.config).values()]
    best: dict[int, str] = {}
    for dataset in project.config.datasets:
        champions = [one for one in served if one.dataset.name == dataset.name and one.metrics]
        metric = unnamed.deciding(dataset.metric, champions) or dataset.metric
        values = {
            at: value
            for at, each in enumerate(found)
            if each.dataset == dataset.name and not each.refused
            if (value := each.measured(metric)) is not None
        }
        if values:
            lower = (
                measuring.lower_is_better(dataset)
                if metric == dataset.metric
                else unnamed.lower_is_better(dataset, champions)
            )
            choose = min if metric in lower else max
            best[choose(values, key=lambda at: values[at])] = metric
    return [each._replace(best_by=best.get(at, "")) for at, each in enumerate(found)]


def _shown(
    dataset: Dataset | None, settings: Mapping[str, str], metrics: Mapping[str, float]
) -> str:
    """Return the metric to show of a run, the first of them that was measured on the holdout."""
    wanted = [dataset.metric] if dataset else []
    judged_by = [settings["metric"]] if "metric" in settings else []
    names = [*wanted, *judged_by, *(tasks.of(dataset).metrics if dataset else ())]
    return next((name for name in names if _key(name) in metrics), next(iter(names), ""))


def _key(metric: str) -> str:
    return f"{HOLDOUT}{metric}"


def _dataset(project: Project, name: str) -> Dataset | None:
    """Return a dataset of model.yaml; None if it has been removed there."""
    return next((each for each in project.config.datasets if each.name == name), None)


def _role(entry: RegisteredModel | None) -> str:
    if entry is None:
        return ""
    if entry.shadow:
        return "shadow"
    return "champion" if entry.is_champion else f"challenger, {entry.share:.0%}"


def _schema(project: Project, name: str, version: str) -> Mapping[str, Any]:
    """Return the dataset that a version learned, as JSON values; {} where there is none."""
    path = project.models_folder / name / version / SCHEMA
    if not version or not path.is_file():
        return {}
    try:
        found: Mapping[str, Any] = read_json(path)["dataset"]
        _features(found), _settings(found)
    except (ValueError, KeyError, TypeError):
        raise ProjectError(f"{path} is not what training wrote: train again.") from None
    return found


def _features(schema: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in schema["features"]] if schema else []


def _settings(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that runs note, of a version whose run is not here or did not."""
    tags = past_runs.settings_tags(schema) if schema else {}
    return {name.removeprefix(past_runs.SETTING): text for name, text in tags.items()}
