"""Threads that score tasks: for models whose answers are made by columns, outside of Python's lock.

They share the loaded model, start at once and hand over no rows. While one waits until its part is
on the disk, the others go on.
"""

from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from seedling.scoring.tasks import Task
from seedling.scoring.workers import AHEAD, Answer, Job, perform

LOOK_SECONDS = 0.2  # between two looks for Ctrl-C, which Windows does not see while it waits


class Threads:
    """Some threads, which are given tasks and answer them in any order; used as `Pool` is."""

    def __init__(self, scorer: Any, job: Job, count: int) -> None:
        self._scorer, self._job = scorer, job
        self._given: SimpleQueue[Task | None] = SimpleQueue()
        self._found: SimpleQueue[tuple[Task, Answer] | BaseException] = SimpleQueue()
        self._open = 0  # tasks that were given and not collected
        self._closed = False
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(count)]
        for each in self._threads:
            each.start()

    def give(self, task: Task) -> bool:
        """Give a task to the thread that is free first; False if all have enough."""
        if self._open >= AHEAD * len(self._threads):
            return False
        self._open += 1
        self._given.put(task)
        return True

    @property
    def is_busy(self) -> bool:
        """Return whether a thread has a task."""
        return self._open > 0

    def collect(self, seconds: float | None = 0.0) -> tuple[list[tuple[Task, Answer]], list[Task]]:
        """Return what was answered; no thread is ever killed by itself.

        Args:
            seconds: to wait for something: 0, or None for as long as it takes.

        Raises:
            BaseException: what a thread raised.
        """
        answered = list[tuple[Task, Answer]]()
        while not (answered and self._found.empty()):
            try:
                found = self._found.get(timeout=LOOK_SECONDS if seconds is None else 0)
            except Empty:
                if seconds is None:
                    continue
                break
            if isinstance(found, BaseException):
                raise found
            self._open -= 1
            answered.append(found)
        return answered, []

    def close(self) -> None:
        """End the threads after the parts that they score."""
        self._closed = True
        for _ in self._threads:
            self._given.put(None)
        for each in self._threads:
            each.join()

    def _work(self) -> None:
        while (task := self._given.get()) and not self._closed:
            try:
                self._found.put((task, perform(self._scorer, task, self._job)))
            except BaseException as error:  # it is raised in the main thread
                self._found.put(error)
