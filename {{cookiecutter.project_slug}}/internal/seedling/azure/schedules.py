"""The verb `schedule-training`: Azure ML trains by the clock, or asks by the clock for new data."""

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import clusters, environment, places, snapshot, training, workspace
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.training import pipeline

LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
PART = r"(\*|\d+(-\d+)?)(/[1-9]\d*)?"
CRON_FIELD = re.compile(f"{PART}(,{PART})*", re.ASCII)
REFRESH = Path("mlops/pipelines/refresh.yml")


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
    _refuse_nonsense(cron)
    client = workspace.client(project)
    if on_new_data:
        with TemporaryDirectory() as scratch:
            job = _refreshing(project, client, snapshot.take(project, Path(scratch)))
            return [_put(project, client, REFRESH.stem, cron, job)]
    with training.prepared(project, client, models) as jobs:
        part = "-".join(["", *models])  # a schedule of some models leaves that of all in place
        return [
            _put(project, client, f"{dataset}{part}", cron, job) for dataset, job in jobs.items()
        ]


def _refuse_nonsense(cron: str) -> None:
    """Refuse what is no time, before anything is made in Azure for it."""
    fields = cron.split()
    if len(fields) != len(LIMITS) or not all(map(_is_within, fields, LIMITS)):
        raise ProjectError(
            f"{cron!r:.80} is no time: give minute, hour, day of the month, month and day of the "
            'week, such as "0 3 * * 1".'
        )


def _is_within(field: str, limits: tuple[int, int]) -> bool:
    """Check that a field of a cron expression is `*`, numbers, or ranges within the limits."""
    if not CRON_FIELD.fullmatch(field):
        return False
    numbers = [int(number) for number in re.findall(r"(?<!/)\b\d+", field)]
    return all(limits[0] <= number <= limits[1] for number in numbers)


def remove(project: Project) -> list[str]:
    """Disable and delete the project's schedules; their names."""
    client = workspace.client(project)
    with workspace.project_errors("Removing the schedules"):
        names = [
            one.name
            for one in client.schedules.list()
            if one.tags.get("project") == project.config.slug
        ]
        for name in names:
            client.schedules.begin_disable(name).result()
            client.schedules.begin_delete(name).result()
    return names


def _put(project: Project, client: Any, subject: str, cron: str, job: Any) -> str:
    """Make a schedule, or replace the one of the same name; its name."""
    from azure.ai.ml.entities import CronTrigger, JobSchedule

    name = f"{project.config.slug}-{subject}"
    trigger = CronTrigger(expression=cron, time_zone="UTC")
    made = JobSchedule(
        name=name, trigger=trigger, create_job=job, tags={"project": project.config.slug}
    )
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
