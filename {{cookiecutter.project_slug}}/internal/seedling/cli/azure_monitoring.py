"""The conversations of the verbs `monitor-in-aml` and `schedule-monitoring`."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from seedling.azure import monitoring, schedules
from seedling.azure.monitoring import Given, Watching
from seedling.ci import output
from seedling.config import Project
from seedling.monitoring import findings, verdicts
from seedling.monitoring.findings import VERDICTS, Findings

FAILED_ON = 3  # the exit code of --fail-on, as that of `monitor`


def begun(project: Project, job: str | None, given: Mapping[str, Any]) -> list[Watching]:
    """Return a job that was submitted before, or submit those that are asked for.

    Args:
        project: the project of the models.
        job: one to follow; new ones unless given.
        given: the options of the verb, None where not given.
    """
    if job:
        return [monitoring.find(project, job)]
    return [monitoring.submit(project, kind, _given(given)) for kind in _kinds(given)]


def leave(jobs: Sequence[Watching]) -> None:
    """Say how jobs that are left running are followed."""
    for job in jobs:
        click.echo(monitoring.how_to_follow(job.id))
        output.write("job", job.id)


def show(project: Project, jobs: Sequence[Watching], fail_on: str | None) -> int:
    """Wait for jobs, keep their reports as those of `monitor`, and return the exit code.

    The reports' folder is there then, also where no model has answered: CI keeps it.

    Raises:
        ProjectError: a job cannot be followed, or has failed.
    """
    worst: dict[str, Findings] = {}
    findings.folder_of(project).mkdir(parents=True, exist_ok=True)
    for job in jobs:
        job.wait(monitoring.how_to_follow(job.id))
        for found, page in monitoring.kept(project, job):
            click.echo(f"{job.watched}: {verdicts.headline(found)}")
            for sentence in (*found.reasons, *found.remarks):
                click.echo(f"  {sentence}")
            click.echo(f"  {page.relative_to(project.root).as_posix()}")
            before = worst.get(found.model, found)
            worst[found.model] = max(before, found, key=_badness)
        job.remove()
    for found in worst.values():
        findings.note_latest(project, found)
    is_bad = fail_on is not None and any(found.is_at_least(fail_on) for found in worst.values())
    return FAILED_ON if is_bad else 0


def _badness(found: Findings) -> int:
    return VERDICTS.index(found.verdict) if found.verdict in VERDICTS else -1


def schedule(project: Project, cron: str | None, given: Mapping[str, Any]) -> None:
    """Make schedules, or remove those of monitoring where there is no time."""
    if cron is None:
        names = schedules.remove(project, monitoring=True)
        click.echo(f"Removed {', '.join(names)}." if names else "There is no schedule to remove.")
        return
    for name in monitoring.schedule(project, cron, _kinds(given), _given(given)):
        click.echo(f"{name}: {cron} (UTC)")


def _kinds(given: Mapping[str, Any]) -> Sequence[str]:
    return [given["kind"]] if given["kind"] else monitoring.WATCHING


def _given(given: Mapping[str, Any]) -> Given:
    return Given(**{name: given[name] for name in Given._fields if given.get(name)})
