"""Training by rule on Azure ML: submitted by a job, one at a time, and with a cool-down."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from seedling.azure import data, jobs, refresh, training, workspace
from seedling.azure.places import MODELS
from seedling.config import Project, span
from seedling.data import datasets
from seedling.errors import ProjectError

RETRAINED, LONGEST = "retrained", 250  # the tag of a job with the reasons, and its characters


def train_again(project: Project, why: Mapping[str, Sequence[str]]) -> list[str]:
    """Submit the training of models for which a rule gives a reason, unless one was lately.

    A dataset of an Azure SQL is created anew, and registered if it has other rows. Others are
    trained on at their newest registered version.

    Args:
        project: the project of the models; its model.yaml may be edited.
        why: the reasons, by model.

    Returns:
        The names of the jobs; none where one of these models is being trained by rule, or was
        within `monitoring.retrain.cool_down`.

    Raises:
        ProjectError: no version of a dataset is registered, or Azure refuses.
    """
    client = workspace.client(project)
    busy = _busy(project, client)
    due = [model for model in why if model not in busy]
    for model in why.keys() - due:
        click.echo(f"{model} waits: {busy[model]}.")
    by_dataset: dict[str, list[str]] = {}
    for model in due:
        by_dataset.setdefault(project.config.trained_model(model).dataset, []).append(model)
    started = []
    for name, models in by_dataset.items():
        source = _newest(project, client, name)
        with training.prepared(project, client, models, source) as ready:
            for job in ready.values():
                reasons = "; ".join(reason for one in models for reason in why[one])
                job.tags[RETRAINED] = reasons[:LONGEST]
                started.append(training.begun(client, job))
    return started


def _busy(project: Project, client: Any) -> dict[str, str]:
    """Return why models are not to be trained by rule now, by model."""
    cool_down = project.config.monitoring.retrain.cool_down
    since = datetime.now(UTC) - span(cool_down)
    found: dict[str, str] = {}
    with workspace.project_errors("Looking for trainings"):
        for job in jobs.since(client, since):
            tags = job.tags or {}
            if RETRAINED in tags and job.experiment_name == project.config.slug:
                ended = job.status in jobs.FINAL
                words = f"was trained by rule less than {cool_down} ago" if ended else "still runs"
                for model in tags.get(MODELS, "").split():
                    found.setdefault(model, f"{job.name} {words}")
    return found


def _newest(project: Project, client: Any, name: str) -> str:
    """Return the URI of the newest rows of a dataset, and note their version in model.yaml."""
    if project.config.feature_store.server:  # it is entered with the job's token
        datasets.create(project, project.config.dataset(name))
        refresh.publish(project, [name])
        return f"azureml:{name}:{project.config.dataset(name).version}"
    known = data.versions(client, name)
    if not known:
        raise ProjectError(f"{name} is not registered: run register-datasets-in-aml.")
    newest = str(max(int(one.version) for one in known))

    def change(document: Any) -> None:
        for entry in document["datasets"]:
            if entry["name"] == name:
                entry["version"] = newest

    if newest != project.config.dataset(name).version:
        project.edit(change)
    return f"azureml:{name}:{newest}"
