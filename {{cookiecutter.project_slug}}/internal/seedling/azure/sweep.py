"""The verb `sweep-model-in-aml`: hyperparameters tried on a cluster, side by side."""

import math
import uuid
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from seedling.azure import jobs, places, snapshot, training, workspace
from seedling.config import Dataset, Project, TrainedModel
from seedling.errors import ProjectError
from seedling.tasks import measuring
from seedling.training import mlflow_runs, search_space
from seedling.training.outcomes import chosen_of
from seedling.training.pipeline import Component
from seedling.training.search_space import Distribution

MOST_WHOLE = 1_000  # whole numbers of one range
STORE = "azureml://datastores/workspaceblobstore/paths"


class Trial(NamedTuple):
    """A trial's hyperparameters, and its metric; None if it failed."""

    values: Mapping[str, Any]
    metric: float | None


def sweep(project: Project, model: str, trials: int | None, concurrent: int) -> list[Trial]:
    """Train a model with other hyperparameters again and again; nothing is registered.

    Args:
        project: its model.yaml has the model's `search`.
        model: its name.
        trials: number of trials; unless given all combinations of lists of values, else 20.
        concurrent: how many at a time.

    Returns:
        The trials, the best first.

    Raises:
        ProjectError: there is nothing to search, a step failed, or Azure refuses.
    """
    entry = project.config.trained_model(model)
    if not entry.search:
        raise ProjectError(search_space.missing(entry))
    dataset = project.config.dataset(entry.dataset)
    chosen = chosen_of(project, [model]).jobs
    steps = {"prepare": chosen["prepare"].component, "train": chosen[f"train_{model}"].component}
    clash = entry.search.keys() & steps["train"].inputs.keys()
    if clash:
        raise ProjectError(f"{', '.join(sorted(clash))}: the component train has such an input.")
    client = workspace.client(project)
    (group,) = places.groups(project, client, [model], None, places.COMMAND).values()
    source, cluster, environment_name = group.shared
    folder = f"{STORE}/{project.config.slug}/sweeps/{uuid.uuid4().hex}/training"
    with TemporaryDirectory() as scratch:
        where = {
            "code": str(snapshot.take(project, Path(scratch))),
            "compute": cluster,
            "environment": environment_name,
        }
        config = training.narrowed(project, [model], dataset, Path(scratch))
        given = {"config": str(config), "datasets": source, "model": model}
        prepare = _command(project, steps["prepare"], given, {"training": folder}, where)
        _run(client, prepare, "Preparing the rows")
        given = {"config": str(config), "training": folder, "model": model}
        trial = _command(project, steps["train"], given, {}, where, entry)
        job = _sweep(project, trial, entry, dataset, cluster)
        limit = trials or search_space.trials(search_space.of(entry))
        job.set_limits(max_total_trials=limit, max_concurrent_trials=min(concurrent, limit))
        name = _run(client, job, f"Sweeping {model}")
    return _trials(project, client, name, entry, dataset)


def _command(
    project: Project,
    component: Component,
    given: Mapping[str, str],
    outputs: Mapping[str, str],
    where: Mapping[str, str],
    entry: TrainedModel | None = None,
) -> Any:
    """Make a job of a component's own command, with the searched hyperparameters."""
    from azure.ai.ml import Input, Output, command
    from azure.ai.ml.entities import ManagedIdentityConfiguration

    inputs = {
        name: Input(type=declared["type"], path=given[name])
        if declared["type"].startswith("uri_")
        else given.get(name, declared.get("default"))
        for name, declared in component.inputs.items()
    }
    searched = {name: entry.hyperparameters[name] for name in entry.search} if entry else {}
    options = [f"--set {name}=${{{{inputs.{name}}}}}" for name in searched]
    options += ["--once"] if entry else []  # a trial is compared by its first fit
    return command(
        code=where["code"],
        environment=where["environment"],
        compute=where["compute"],
        command=" ".join([component.command, *options]),
        inputs={**inputs, **searched},
        outputs={
            name: Output(type=declared["type"], path=outputs.get(name))
            for name, declared in component.outputs.items()
        },
        environment_variables=dict(places.variables()),
        identity=ManagedIdentityConfiguration(),
        experiment_name=project.config.slug,
        display_name=component.path.stem,
    )


def _sweep(
    project: Project, trial: Any, entry: TrainedModel, dataset: Dataset, compute: str
) -> Any:
    space = {name: _azures(each) for name, each in search_space.of(entry).items()}
    job = trial(**space).sweep(
        compute=compute,
        sampling_algorithm="grid" if search_space.count(search_space.of(entry)) else "random",
        primary_metric=f"test_{dataset.metric}",
        goal="minimize" if _lower_is_better(dataset) else "maximize",
        identity=trial.identity,
    )
    job.experiment_name = project.config.slug
    job.display_name = f"sweep of {entry.name}"
    return job


def _azures(wanted: Distribution) -> Any:
    """Return Azure ML's distribution of the same values; the train step makes 4.0 a 4 again."""
    from azure.ai.ml.sweep import Choice, LogUniform, QLogUniform, QUniform, Uniform

    if isinstance(wanted, search_space.Choice):
        return Choice(wanted.values)
    low, high = wanted.low, wanted.high
    if wanted.log:
        ends = math.log(low), math.log(high)
        return QLogUniform(*ends, 1) if wanted.whole else LogUniform(*ends)
    if wanted.whole:
        listed = high - low < MOST_WHOLE
        return Choice(list(range(int(low), int(high) + 1))) if listed else QUniform(low, high, 1)
    return Uniform(low, high)


def _run(client: Any, job: Any, what: str) -> str:
    """Submit a job and show what it says until its end; its name.

    Raises:
        ProjectError: it failed, was cancelled, or cannot be followed.
    """
    print(f"{what} on Azure ML.")
    with workspace.project_errors(what):
        submitted = client.jobs.create_or_update(job)
    page = submitted.studio_url
    status = jobs.follow(client, submitted.name, f"It goes on: {page}")
    if status != "Completed":
        end = "was cancelled" if status == "Canceled" else "failed"
        raise ProjectError(f"{what}: the job {submitted.name} {end}; its page says more: {page}")
    return str(submitted.name)


def _trials(
    project: Project, client: Any, job: str, entry: TrainedModel, dataset: Dataset
) -> list[Trial]:
    """Read the trials from the workspace's MLflow, the best first.

    Raises:
        ProjectError: there is none with the metric.
    """
    mlflow = mlflow_runs.mlflow()
    mlflow.set_tracking_uri(workspace.tracking_uri(client))
    runs = mlflow.search_runs(
        experiment_names=[project.config.slug],
        filter_string=f"tags.mlflow.parentRunId = '{job}'",
        output_format="list",
    )
    trials = []
    for run in runs:
        values = {name: run.data.params.get(name) for name in entry.search}
        trials.append(Trial(_typed(values), run.data.metrics.get(f"test_{dataset.metric}")))
    measured = [trial for trial in trials if trial.metric is not None]
    if not measured:
        raise ProjectError(f"No trial of {job} has logged test_{dataset.metric}.")
    sign = 1 if _lower_is_better(dataset) else -1
    failed = [trial for trial in trials if trial.metric is None]
    return [*sorted(measured, key=lambda trial: sign * (trial.metric or 0)), *failed]


def _typed(values: Mapping[str, str | None]) -> dict[str, Any]:
    """Parse MLflow's texts as YAML values."""
    from ruamel.yaml import YAML

    return {
        name: None if text is None else YAML(typ="safe", pure=True).load(text)
        for name, text in values.items()
    }


def _lower_is_better(dataset: Dataset) -> bool:
    return dataset.metric in measuring.lower_is_better(dataset)
