"""Workers on the nodes of a Ray cluster that is there already; Ray is installed by its own group.

They are actors of Ray and not a stage of Ray Data: parts come from a generator, and what is scored
already is left out by the folder of parts, which all nodes see under the same path.
"""

import os
import sys
from typing import Any, NamedTuple

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.scoring.tasks import Task
from seedling.scoring.workers import AHEAD, MOST_DEATHS, ONE_THREAD, Answer, Job, perform
from seedling.settings import ENVIRONMENT, MODELS_FOLDER, SERVED_MODELS

TOLD = (ENVIRONMENT, MODELS_FOLDER, SERVED_MODELS)  # settings that the workers need, no secret
MISSING = (
    "Ray is not installed: run init with the group `ray`, here and on each node of the cluster."
)


class _Scoring:
    """Scores tasks on a node; made there, in the folder where the verb was called."""

    def __init__(self, job: Job, identity: str, folder: str, path: list[str]) -> None:
        sys.path[:] = list(dict.fromkeys([*path, *sys.path]))
        os.chdir(folder)
        from seedling.serving.score_files import Scorer

        self.job, self.scorer = job, Scorer(Project(job.root), job.model)
        if self.scorer.identity != identity:
            raise ProjectError(
                "A node has another version of the model or of Seedling: give it this project."
            )

    def score(self, task: Task) -> Answer:
        return perform(self.scorer, task, self.job)


class _Given(NamedTuple):
    task: Task
    actor: int


class RayPool:
    """Actors, one for each processor of the cluster unless `count` says otherwise.

    It is used as `workers.Pool` is; `identity` is that of the scorer that theirs must have.

    Raises:
        ProjectError: Ray is not installed, or no cluster is found.
    """

    def __init__(self, job: Job, identity: str, count: int | None) -> None:
        self._ray, self._job, self._identity = _connected(), job, identity
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        self._actors = [self._actor() for _ in range(count or cores)]
        self._given: dict[Any, _Given] = {}
        self._deaths: dict[str, int] = {}

    def give(self, task: Task) -> bool:
        """Give a task to the actor that has the fewest; False if all have enough."""
        counts = [0] * len(self._actors)
        for each in self._given.values():
            counts[each.actor] += 1
        chosen = min(range(len(counts)), key=counts.__getitem__)
        if counts[chosen] >= AHEAD:
            return False
        self._given[self._actors[chosen].score.remote(task)] = _Given(task, chosen)
        return True

    @property
    def is_busy(self) -> bool:
        """Return whether an actor has a task."""
        return bool(self._given)

    def collect(self, seconds: float | None = 0.0) -> tuple[list[tuple[Task, Answer]], list[Task]]:
        """Return what was answered, and the tasks of actors that have died; as `Pool.collect`.

        Raises:
            ProjectError: actors die over the same task again and again, or a node cannot score.
        """
        answered: list[tuple[Task, Answer]] = []
        left: list[Task] = []
        if not self._given:
            return answered, left
        ready, _ = self._ray.wait([*self._given], num_returns=1, timeout=seconds)
        for reference in ready:
            task, actor = self._given.pop(reference)
            try:
                answered.append((task, self._ray.get(reference)))
            except self._ray.exceptions.RayTaskError as error:
                words = f"A node of Ray cannot score {task.input.file}: {error.cause}"
                raise ProjectError(words) from None
            except self._ray.exceptions.RayActorError as error:
                self._deaths[task.name] = self._deaths.get(task.name, 0) + 1
                if self._deaths[task.name] >= MOST_DEATHS or "__init__" in str(error):
                    last = str(error).strip().splitlines()[-1]
                    raise ProjectError(f"A worker of Ray has ended: {last}") from None
                self._actors[actor] = self._actor()
                left.append(task)
        return answered, left

    def close(self) -> None:
        """End the actors, and leave the cluster as it was."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._ray.shutdown()

    def _actor(self) -> Any:
        variables = ONE_THREAD | {each.name: each.get() for each in TOLD if each.is_set()}
        paths = os.pathsep.join(path for path in sys.path if path)
        made = self._ray.remote(num_cpus=1)(_Scoring).options(
            runtime_env={"env_vars": {"PYTHONPATH": paths, **variables}}
        )
        return made.remote(self._job, self._identity, os.getcwd(), list(sys.path))


def _connected() -> Any:
    """Return the module `ray`, connected to the cluster of RAY_ADDRESS or of this machine."""
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise ProjectError(MISSING) from None
    try:
        address = os.environ.get("RAY_ADDRESS") or "auto"
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ProjectError(
            f"No cluster of Ray is found ({reason}): set RAY_ADDRESS, or run ray start --head."
        ) from None
    return ray
