"""What happens to a repository, and what comes of it: words that the runners of both systems share.

A runner reads a project's workflows or pipelines, and executes the steps of every job that an event
starts on machines of a `World` (world.py): github_actions.py, azure_pipelines.py.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

Result = Literal["success", "failure", "skipped", "cancelled"]
Answer = Literal["approve", "reject", "time out"]
NO_ANSWERS: Mapping[str, Answer] = MappingProxyType({})


@dataclass(frozen=True)
class Event:
    """One thing that happens.

    Attributes:
        name: dispatch is a run that a person starts, or another workflow.
        branch: the one pushed to, the pull request's own, or the one that a schedule runs on.
        base: the branch that a pull request is to be merged into.
        fork: whether the pull request comes from a fork: its jobs get no secrets, no identity, and
            a token that may only read.
        file: the only workflow or pipeline that is meant, by its file's name without the folder.
        inputs: what a person gives to a dispatched run; a pipeline's parameters.
    """

    name: Literal["pull_request", "push", "schedule", "dispatch"]
    branch: str
    base: str = ""
    fork: bool = False
    file: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Step:
    """One step of a job.

    Attributes:
        name: as the system shows it: its own, or what it runs.
        log: what it printed, commands to the system included.
        outputs: as later steps see them.
    """

    name: str
    result: Result
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Job:
    """One job, of one run of a workflow or pipeline.

    Attributes:
        name: its display name: the same for the same work in both systems.
        file: the workflow or pipeline, by its file's name.
        outputs: as later jobs see them; in Azure Pipelines `step.NAME`.
        log: what its steps printed, one after the other.
        stage: the display name of its stage, in Azure Pipelines.
    """

    name: str
    file: str
    result: Result
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    steps: list[Step] = field(default_factory=list)
    stage: str = ""


@dataclass
class Run:
    """All that one event has started.

    Attributes:
        jobs: by `file/job`, with the matrix's values in parentheses: `ci.yml/check (3.11)`;
            in Azure Pipelines `file/Stage.Job`; `release.yml/deploy/web` for a called workflow.
    """

    jobs: dict[str, Job] = field(default_factory=dict)

    def job(self, name: str) -> Job:
        """The one job of this display name, or of a stage that is called so and has one job."""
        found = [job for job in self.jobs.values() if name in (job.name, job.stage)]
        if len(found) != 1:
            known = sorted({job.name for job in self.jobs.values()})
            raise LookupError(f"{len(found)} jobs are called {name}; there are {known}")
        return found[0]

    @property
    def results(self) -> dict[str, Result]:
        """How each job ended."""
        return {key: job.result for key, job in self.jobs.items()}

    @property
    def log(self) -> str:
        """What all jobs printed."""
        return "\n".join(job.log for job in self.jobs.values())

    @property
    def failures(self) -> str:
        """What the steps that failed have printed."""
        return "\n".join(
            f"== {key}: {step.name}\n{step.log}"
            for key, job in self.jobs.items()
            for step in job.steps
            if step.result == "failure"
        )


def succeeded(run: Run, *skipped: str) -> None:
    """Assert that all jobs have succeeded, but for those of these names, which were skipped."""
    for key, job in run.jobs.items():
        expected = "skipped" if job.name in skipped else "success"
        assert job.result == expected, f"{key}\n{run.failures}"


class Runner(Protocol):
    """Executes jobs as one CI system does."""

    def run(self, event: Event, answers: Mapping[str, Answer] = NO_ANSWERS) -> Run:
        """Execute every workflow or pipeline that the event starts.

        Args:
            event: what happens.
            answers: what a person says to each job that waits for one, by the display name of the
                job or of its stage ("Approve the model"); a job without one waits until it times
                out.
        """
        ...


class Machine(Protocol):
    """What one job runs on: empty folders, and programs that are found on PATH.

    Attributes:
        work: where the job's checkout goes, empty before that.
        home: the home folder of its user.
        scratch: for files of the runner's own: outputs, scripts, events.
        variables: the environment of a process there, before the job's own; nothing of this
            process's environment but what a hosted machine has.
    """

    work: Path
    home: Path
    scratch: Path
    variables: dict[str, str]

    def check_out(
        self, commit: str, folder: str = ".", *, whole: bool = False, persist: bool = False
    ) -> Path:
        """Clone the repository below `work` and check a commit out; return where.

        Args:
            commit: its hash.
            folder: below `work`.
            whole: whether all branches and their past come with it, as with a depth of 0.
            persist: whether later steps may fetch and push, as git keeps the credentials.
        """
        ...

    def log_in(self, client: str, tenant: str, subscription: str) -> None:
        """Let `az` answer tokens from now on, as the identity with this id."""
        ...

    def log_out(self) -> None:
        """Let `az` refuse again, as before."""
        ...

    def run(
        self, command: list[str], folder: Path, variables: Mapping[str, str], limit: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command with `variables` and nothing else; both streams in stdout.

        Raises:
            subprocess.TimeoutExpired: it took longer than the limit, and was killed.
        """
        ...


class World(Protocol):
    """One repository, its clouds, and the machines that its jobs get.

    Attributes:
        variables: the repository's variables (`vars`), or those that a pipeline has been given.
        secrets: the repository's secrets.
        artifacts: where a run's artifacts are kept: a folder `RUN/NAME` for each.
        now: the time, for schedules.
        build: the number of the last run; a runner adds one for each that it starts.
    """

    variables: dict[str, str]
    secrets: dict[str, str]
    artifacts: Path
    now: datetime
    build: int

    def commit_of(self, branch: str) -> str:
        """The last commit of a branch."""
        ...

    def merge_of(self, branch: str, base: str) -> str:
        """The commit that a pull request's jobs check out: the branch merged into its base."""
        ...

    def read(self, commit: str, folder: str) -> dict[str, str]:
        """The texts of a commit's files directly or deeper in a folder, by their whole paths."""
        ...

    def changed(self, commit: str, base: str) -> list[str]:
        """The paths that differ between two commits: for filters by path."""
        ...

    def machine(self) -> Machine:
        """A new machine; it is removed with the world."""
        ...
