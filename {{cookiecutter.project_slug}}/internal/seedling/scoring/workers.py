"""Processes that score tasks. They end with this one, and any of them may be killed meanwhile."""

import os
import signal
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.processes import interrupted
from seedling.scoring.chunk import score_part
from seedling.scoring.formats import Format
from seedling.scoring.tasks import Task

AHEAD = 2  # tasks of a worker: the one that it scores, and the next
MOST_DEATHS = 2  # of workers over the same task
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Job(NamedTuple):
    """The settings that all workers are started with."""

    root: Path  # of the project
    model: str | None
    folder: Path  # of the parts
    form: Format


class Answer(NamedTuple):
    """The end of a task: the rows that were scored and rejected, or why its file is faulty."""

    name: str
    scored: int = 0
    rejected: int = 0
    fault: str = ""


def perform(scorer: Any, task: Task, job: Job) -> Answer:
    """Score a task; an input that cannot be read is an answer too."""
    try:
        part = task.rows(scorer)
        done = score_part(scorer, part, job.folder, task.name, job.form)
    except ProjectError as error:
        return Answer(task.name, fault=str(error))
    return Answer(task.name, done.scored, len(done.rejects))


class _Worker:
    """A process, its end of a pipe, and the tasks that it has, the first of which it scores."""

    def __init__(self, job: Job) -> None:
        spawn = get_context("spawn")
        self.pipe, other = spawn.Pipe()
        self.process = spawn.Process(target=_work, args=(other, job), daemon=True)
        with interrupted.unheard(), _environment(ONE_THREAD):
            self.process.start()
        other.close()
        self.tasks: deque[Task] = deque()
        self.is_ready = False


class Pool:
    """Some workers, which are given tasks and answer them in any order.

    Attributes:
        identity: of the scorer that theirs must have; set before the first `collect`.
    """

    def __init__(self, job: Job, count: int) -> None:
        self.identity = ""
        self._job, self._deaths = job, dict[str, int]()
        self._workers = [_Worker(job) for _ in range(count)]

    def give(self, task: Task) -> bool:
        """Give a task to the worker that has the fewest; False if all have enough."""
        ready = [each for each in self._workers if each.is_ready and len(each.tasks) < AHEAD]
        if not ready:
            return False
        chosen = min(ready, key=lambda each: len(each.tasks))
        chosen.tasks.append(task)
        with suppress(OSError):  # it has ended: `collect` finds its tasks
            chosen.pipe.send(task)
        return True

    @property
    def is_busy(self) -> bool:
        """Return whether a worker has a task."""
        return any(each.tasks for each in self._workers)

    def collect(self, seconds: float | None = 0.0) -> tuple[list[tuple[Task, Answer]], list[Task]]:
        """Return what was answered, and the tasks of workers that were killed.

        Args:
            seconds: to wait for something; None for as long as it takes.

        Raises:
            ProjectError: workers are killed over the same task again and again, or answer by
                another model.
            Exception: what a worker raised.
        """
        answered: list[tuple[Task, Answer]] = []
        left: list[Task] = []
        by_pipe = {each.pipe: each for each in self._workers}
        for pipe in connection.wait([*by_pipe], seconds):
            worker = by_pipe[pipe]  # type: ignore[index]
            try:
                found = worker.pipe.recv()
            except (EOFError, OSError):
                left += worker.tasks
                self._replace(worker)
                continue
            if isinstance(found, BaseException):
                raise found
            if isinstance(found, str):
                self._refuse_another(found)
                worker.is_ready = True
            else:
                answered.append((worker.tasks.popleft(), found))
        return answered, left

    def _refuse_another(self, identity: str) -> None:
        if identity != self.identity:
            raise ProjectError(
                "Another version was registered meanwhile: run the same command again."
            )

    def _replace(self, worker: _Worker) -> None:
        """Start another worker for one that has ended."""
        worker.process.join()
        name = worker.tasks[0].name if worker.tasks else ""
        self._deaths[name] = self._deaths.get(name, 0) + 1
        if self._deaths[name] >= MOST_DEATHS and (worker.tasks or not worker.is_ready):
            where = f" over {worker.tasks[0].input.file}" if worker.tasks else ""
            raise ProjectError(
                f"Processes that score were ended{where} (exit code {worker.process.exitcode}), as "
                "they are where memory is short: the same command goes on, with --workers 1 "
                "(WORKERS=1) in less memory."
            )
        at = self._workers.index(worker)
        worker.pipe.close()
        self._workers[at] = _Worker(self._job)

    def close(self) -> None:
        """End the workers, whatever they do: the part that one writes stays half-written aside."""
        for each in self._workers:
            each.pipe.close()
            each.process.kill()
        for each in self._workers:
            each.process.join()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables of the environment that have no value, for processes that start meanwhile."""
    new = [name for name in values if name not in os.environ]
    os.environ.update({name: values[name] for name in new})
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]


def _work(pipe: Any, job: Job) -> None:
    """Score what comes through the pipe until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks: SimpleQueue[Task | None] = SimpleQueue()

    def read() -> None:
        """Take tasks out of the pipe at once: the parent must never wait for this process."""
        with suppress(EOFError, OSError):
            while True:
                tasks.put(pipe.recv())
        tasks.put(None)

    try:
        from seedling.serving.score_files import Scorer

        scorer = Scorer(Project(job.root), job.model)
        Thread(target=read, daemon=True).start()
        pipe.send(scorer.identity)
        while task := tasks.get():
            pipe.send(perform(scorer, task, job))
    except (BrokenPipeError, ConnectionResetError):
        return
    except Exception as error:
        error.add_note(traceback.format_exc())
        with suppress(Exception):
            pipe.send(error)
