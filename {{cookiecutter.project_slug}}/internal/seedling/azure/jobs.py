"""Jobs on Azure ML, followed to their end."""

from collections.abc import Container, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from seedling.azure import workspace
from seedling.errors import ProjectError

FINAL = ("Completed", "Failed", "Canceled")


def follow(client: Any, job: str, again: str) -> str:
    """Print what a job says until it ends; returns its status, one of `FINAL`.

    Args:
        client: of the workspace.
        job: its name.
        again: how it is followed again, in a sentence.

    Raises:
        ProjectError: it cannot be followed, or Ctrl-C; it goes on.
    """
    from azure.ai.ml.exceptions import JobException

    try:
        with workspace.project_errors(f"The job {job} cannot be followed"):
            with suppress(JobException):  # it failed, or Ctrl-C: the status says which
                client.jobs.stream(job)
            status: str = client.jobs.get(job).status
    except ProjectError as error:
        raise ProjectError(f"{error} {again}") from None
    if status not in FINAL:
        raise ProjectError(f"The job {job} is not followed any more. {again}")
    return status


def since(client: Any, moment: datetime) -> Iterator[Any]:
    """Yield the jobs of the workspace that were made since then, the newest first."""
    for job in client.jobs.list():
        made = job.creation_context.created_at if job.creation_context else None
        if made is not None and made.replace(tzinfo=made.tzinfo or UTC) < moment:
            return
        yield job


def tags_of(client: Any, job: str, tag: str, known: Container[str], what: str) -> dict[str, str]:
    """Return the tags of a job that was submitted before.

    Args:
        client: of the workspace.
        job: its name.
        tag: the one that says which kind of job it is.
        known: the values of this tag.
        what: a noun for such jobs.

    Raises:
        ProjectError: there is no job of this name, or it is none of these.
    """
    with workspace.project_errors(f"Looking for the job {job}"):
        tags = dict(client.jobs.get(job).tags or {})
    if tags.get(tag) not in known:
        raise ProjectError(f"The job {job} is no {what} of this project.")
    return tags
