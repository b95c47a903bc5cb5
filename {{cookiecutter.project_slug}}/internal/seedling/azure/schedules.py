"""The verb `schedule-training`: Azure ML trains by the clock, or asks by the clock for new data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from seedling.azure import clusters, environment, places, snapshot, training, workspace
from seedling.config import Project, cron
from seedling.errors import ProjectError
from seedling.training import pipeline

REFRESH = Path("mlops/pipelines/refresh.yml")
MONITORING = "monitoring"  # the tag of schedules and jobs of monitoring


def schedule(project: Project, cron: str, models: Sequence[str], on_new_data: bool) -> list[str]:
    """Have the training run by the clock.

    Args:
        project: the project of the models.
        cron: five fields, in UTC.
        models: folders of models/; all unless given.
        on_new_data: create the datasets each time, and train only if they have changed.

    Returns:
        The schedules' names. One of the same name is replaced.

    Raises:
        ProjectError: as for the training itself, or Azure refuses the schedule.
    """
    refuse_nonsense(cron)
    client = workspace.client(project)
    if on_new_data:
        with TemporaryDirectory() as scratch:
            job = _refreshing(project, client, snapshot.take(project, Path(scratch)))
            return [put(project, client, REFRESH.stem, cron, job)]
    with training.prepared(project, client, models) as jobs:
        part = "-".join(["", *models])  # a schedule of some models leaves that of all in place
        return [
            put(project, client, f"{dataset}{part}", cron, job) for dataset, job in jobs.items()
        ]


def refuse_nonsense(given: str) -> None:
    """Refuse what is no time, before anything is made in Azure for it."""
    try:
        cron(given)
    except ValueError as error:
        raise ProjectError(f"{error}.") from None


def remove(project: Project, monitoring: bool = False) -> list[str]:
    """Delete the project's schedules of training, or those of monitoring; their names."""
    client = workspace.client(project)
    with workspace.project_errors("Removing the schedules"):
        names = [
            one.name
            for one in client.schedules.list()
            if one.tags.get("project") == project.config.slug
            and (MONITORING in one.tags) == monitoring
        ]
        for name in names:
            delete(client, name)
    return names


def delete(client: Any, name: str) -> None:
    """Delete a schedule, which Azure wants to have disabled first."""
    client.schedules.begin_disable(name).result()
    client.schedules.begin_delete(name).result()


def put(
    project: Project,
    client: Any,
    subject: str,
    cron: str,
    job: Any,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Make a schedule, or replace the one of the same name; its name.

    Args:
        project: named in the schedule's name and tags.
        client: of the workspace.
        subject: the rest of its name.
        cron: five fields, in UTC.
        job: what is to run.
        tags: of the schedule, beside that of the project.
    """
    from azure.ai.ml.entities import CronTrigger, JobSchedule

    name = f"{project.config.slug}-{subject}"
    trigger = CronTrigger(expression=cron, time_zone="UTC")
    marks = {"project": project.config.slug, **tags}
    made = JobSchedule(name=name, trigger=trigger, create_job=job, tags=marks)
    with workspace.project_errors(f"Making the schedule {name}"):
        client.schedules.begin_create_or_update(made).result()
    return name


def _refreshing(project: Project, client: Any, code: Path) -> Any:
    """Make the job that looks for new data and submits the training if there is some."""
    groups = [*places.GROUPS]
    if project.config.feature_store.server:
        groups.append("azure")  # it is entered with a token
    job = training.loaded(project, pipeline.load(project.root / REFRESH), {})
    training.place(
        job,
        code,
        clusters.ensure(project, client),
        environment.register(project, client, f"{project.config.slug}-refresh", groups),
    )
    return job
