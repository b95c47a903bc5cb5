"""Jobs on Azure ML, followed to their end."""

from contextlib import suppress
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
