"""The verb `ended-training`: find a job that an earlier build has left, and that has ended.

The job's own tags hold what a later build needs: which build, commit and branch it is of, and
whether another has gone on with it. So CI needs no place to note it, and no right to write there.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from seedling.azure import jobs, training_kinds, workspace
from seedling.azure.jobs import FINAL
from seedling.azure.places import BRANCH, BUILD, COMMIT, KIND, LEFT_BY
from seedling.ci import build
from seedling.config import Project
from seedling.errors import ProjectError

CONTINUED = "continued"  # the tag of a job that a build has gone on with: its id
COMPLETED = "Completed"
LOOKED_BACK = timedelta(30)  # what was submitted before that is not deployed any more


class Ended(NamedTuple):
    """A training job that has ended, with its build, commit and branch."""

    job: str
    build_id: str
    commit: str
    branch: str

    @property
    def words(self) -> str:
        """Return a sentence about it."""
        of_branch = f" of {self.branch}" if self.branch else ""
        return f"{self.job} has ended, which build {self.build_id}{of_branch} has submitted."

    @property
    def outputs(self) -> dict[str, str]:
        """Return the outputs of the step, by name."""
        return {
            "build_id": self.build_id,
            "sha": self.commit,
            "branch": self.branch,
            "job": self.job,
        }


def look(project: Project) -> Ended | None:
    """Return the oldest job that has ended and that no build has gone on with; mark it.

    Raises:
        ProjectError: it did not succeed; it is marked all the same, so that the next look finds
            the next one. Or Azure refuses.
    """
    client = workspace.client(project)
    with workspace.project_errors("Looking for trainings"):
        found = oldest(jobs.since(client, datetime.now(UTC) - LOOKED_BACK), project.config.slug)
    if found is None:
        return None
    ended = Ended(found.name, *(str(found.tags.get(tag, "")) for tag in (BUILD, COMMIT, BRANCH)))
    _mark(client, found)
    if found.status != COMPLETED:
        run = training_kinds.find(project, ended.job)
        run.status = found.status
        raise ProjectError(f"Build {ended.build_id}: {run.problem()}")
    return ended


def oldest(listed: Iterable[Any], experiment: str) -> Any:
    """Return the job to go on with; None if there is none.

    Args:
        listed: jobs of the workspace, in any order.
        experiment: the name of the project's.
    """
    now = build.current()
    waiting = [
        job
        for job in listed
        if job.experiment_name == experiment
        and job.status in FINAL
        and (job.tags or {}).get(KIND) in training_kinds.RUNS
        and LEFT_BY in job.tags
        and CONTINUED not in job.tags
        and (now is None or job.tags[LEFT_BY] == now.system)
    ]
    return min(waiting, key=_created, default=None)


def _created(job: Any) -> datetime:
    context = job.creation_context
    moment = context.created_at if context else None
    return moment or datetime.min.replace(tzinfo=UTC)


def _mark(client: Any, job: Any) -> None:
    now = build.current()
    job.tags[CONTINUED] = (now.id if now else "") or "local"
    with workspace.project_errors(f"Marking the job {job.name}"):
        client.jobs.create_or_update(job)
