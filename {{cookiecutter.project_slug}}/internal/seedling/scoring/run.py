"""A run of batch scoring: what is not scored yet is scored, and the output put together of it.

The folder of parts is the only memory of a run. Whatever ends it, the same command finds the parts
that are there, scores the others, and writes the same output.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from seedling.config import Project
from seedling.data.reading import kind_of
from seedling.errors import ProjectError
from seedling.processes import attended
from seedling.scoring import assemble, chunk, database, plan, progress, tasks
from seedling.scoring.database import Table
from seedling.scoring.formats import Format
from seedling.scoring.inputs import Input
from seedling.scoring.plan import Plan
from seedling.scoring.ray_pool import RayPool
from seedling.scoring.tasks import Task
from seedling.scoring.threads import Threads
from seedling.scoring.workers import Answer, Job, Pool, perform
from seedling.serving.score_files import Scorer, are_compiled

LOCAL, RAY = "local", "ray"
WORTH_SECONDS = 1.0  # of work: with less left, other processes would start too late to help
WORTH_BYTES = 8_000_000  # of files: with more, others start at once, beside the start of this one
BY_COLUMNS = ("text", "parquet", "arrow")  # kinds of files that are read without Python's lock
ON_DISK = 1  # threads more than cores, since one waits for the disk now and then


class Wanted(NamedTuple):
    """A request for a run.

    Attributes:
        target: the file to write, or the folder.
        form: of the output.
        model: its name; the best unless given.
        strict: refuse a file with a row that has no answer.
        workers: threads or processes; as many as cores, once there is enough to do, unless given.
        table: of a database, which is written and not the target; its name stands for it here.
        backend: where it is scored: `local`, or on a cluster of `ray`.
    """

    target: Path
    form: Format
    model: str | None = None
    strict: bool = False
    workers: int | None = None
    table: Table | None = None
    backend: str = LOCAL


class Outcome(NamedTuple):
    """The end of a run.

    Attributes:
        scored, rejected: rows of the output, and rows without an answer.
        before: of both, those that a run before had scored.
        seconds: that this run took.
        problems: a message for each faulty file, of which nothing is written.
        versions: of the model, for messages.
        checksum: of the scored rows.
        copies: of text files, with what was answered in them.
        copies_path: the folder of these.
    """

    scored: int
    rejected: int
    before: int
    seconds: float
    problems: list[str]
    versions: list[str]
    checksum: str
    copies: int = 0
    copies_path: Path | None = None


class Stopped(ProjectError):
    """Say that Ctrl-C ended a run, and how far it was."""


class Run:
    """One run; `complete` does all of it.

    Args:
        project: has the model.
        wanted: what a person asks for.
        say: shows a sentence.
    """

    def __init__(self, project: Project, wanted: Wanted, say: Callable[[str], None]) -> None:
        self._project, self._wanted, self._say = project, wanted, say
        self._folder = plan.folder_of(wanted.target)
        self._job = Job(project.root, wanted.model, self._folder, wanted.form)
        self._names: dict[Input, list[str]] = {}  # of the parts of each file
        self._problems: dict[str, str] = {}  # by file
        self._before = self._rows = 0
        self._sizes: dict[Input, int] = {}
        self._spans: dict[str, float] = {}  # of a file, by the name of the task
        self._bytes = self._done_bytes = 0.0

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self._project, self._wanted.model)

    def load(self) -> None:
        """Load the model.

        Raises:
            ProjectError: there is none, or it cannot be loaded.
        """
        _ = self._scorer

    def complete(self, inputs: Sequence[Input]) -> Outcome:
        """Score what is not scored yet, and write the output; the caller holds the lock.

        Raises:
            ProjectError: no model is there, all files are faulty, or the parts are another model's.
            Stopped: Ctrl-C was pressed; the parts stay.
        """
        began = time.monotonic()
        wanted, folder = self._wanted, self._folder
        try:
            with ExitStack() as stack:
                pool = self._early(stack, inputs)
                self._refuse_copies(inputs)
                begun = plan.begin(folder, self._scorer, inputs, wanted.form)
                for remark in begun.remarks:
                    self._say(remark)
                self._score(begun, inputs, pool, stack)
        except KeyboardInterrupt:
            # Threads have ended their parts meanwhile: the folder knows all that are there.
            rows = sum(one.scored + len(one.rejects) for one in chunk.listed(folder, wanted.form))
            raise Stopped(f"Stopped after {rows:,} rows: the same command goes on.") from None
        plan.refuse_changed(begun, inputs, folder, wanted.form)
        if wanted.strict:
            self._refuse_rejects()
        good = {each: self._names[each] for each in inputs if each.file not in self._problems}
        if not good:
            plan.clear(folder)
            raise ProjectError(" ".join(self._problems.values()))
        outcome = self._write(begun, good, began)
        plan.clear(folder)
        return outcome

    def _copied(self, inputs: Iterable[Input]) -> list[Input]:
        """Return the files that get a copy: those that are one row each."""
        needed = self._scorer.needed
        return [each for each in inputs if needed.copied and needed.is_whole(each.path)]

    def _refuse_copies(self, inputs: Sequence[Input]) -> None:
        if copied := self._copied(inputs):
            assemble.refuse_copies(self._wanted.target, self._scorer.needed.copied, copied)

    @property
    def _others_count(self) -> int:
        return (self._wanted.workers or os.cpu_count() or 1) - 1  # this process scores too

    def _early(self, stack: ExitStack, inputs: Sequence[Input]) -> Pool | Threads | None:
        """Start what scores beside this thread where it is sure to help."""
        wanted = self._wanted
        if wanted.backend == RAY or not self._others_count:
            return None
        size = sum(each.path.stat().st_size for each in inputs)
        return self._beside(stack, inputs) if wanted.workers or size > WORTH_BYTES else None

    def _beside(self, stack: ExitStack, inputs: Sequence[Input]) -> Pool | Threads:
        """Start threads, or processes where Python runs for each cell.

        A compiled model is loaded before, to see which. Processes load another one while this one
        does.
        """
        by_columns = all(kind_of(each.path) in BY_COLUMNS for each in inputs)
        compiled = by_columns and are_compiled(self._project, self._wanted.model)
        if compiled and self._scorer.is_by_arrays:
            threads = Threads(self._scorer, self._job, self._others_count + ON_DISK)
            stack.callback(threads.close)
            return threads
        return self._others(stack)

    def _score(
        self,
        begun: Plan,
        inputs: Sequence[Input],
        early: Pool | Threads | None,
        stack: ExitStack,
    ) -> None:
        """Score every task that has no part yet, here and in other threads or processes."""
        self._names = {each: [] for each in inputs}
        self._sizes = {each: max(1, begun.inputs[str(each.path)].size) for each in inputs}
        self._bytes = sum(self._sizes.values())
        left: list[Task] = []
        began = time.monotonic()
        pool: Pool | RayPool | Threads | None = early
        with progress.shown() as show:
            if self._wanted.backend == RAY:
                pool = stack.enter_context(self._nodes())
            elif isinstance(early, Pool):
                early.identity = self._scorer.identity
            for task in self._tasks(begun, inputs):
                if pool:
                    left += self._take(pool, 0.0)
                    given = pool.give(task)
                    while not given and self._wanted.backend == RAY:
                        left += self._take(pool, None)
                        show(self._share(), self._rows)
                        given = pool.give(task)
                    if given:
                        continue
                self._note(task, perform(self._scorer, task, self._job))
                show(self._share(), self._rows)
                if not pool and self._others_count and self._worth(time.monotonic() - began):
                    pool = self._beside(stack, inputs)
                    if isinstance(pool, Pool):
                        pool.identity = self._scorer.identity
            while pool and (pool.is_busy or left):
                for task in left:
                    self._note(task, perform(self._scorer, task, self._job))
                left = self._take(pool, None if pool.is_busy else 0.0)
                show(self._share(), self._rows)

    def _others(self, stack: ExitStack) -> Pool:
        """Start other processes that score; they end with the stack, or with this process."""
        stack.enter_context(attended.family())
        pool = Pool(self._job, self._others_count)
        stack.callback(pool.close)
        return pool

    @contextmanager
    def _nodes(self) -> Iterator[RayPool]:
        """Yield the workers of a cluster of Ray; they end with the block."""
        pool = RayPool(self._job, self._scorer.identity, self._wanted.workers)
        try:
            yield pool
        finally:
            pool.close()

    def _tasks(self, begun: Plan, inputs: Sequence[Input]) -> Iterator[Task]:
        """Yield the tasks without a part, file by file; a file that is faulty has no more."""
        said = False
        for each in inputs:
            source, read = begun.inputs[str(each.path)].sha256, 0.0
            found = tasks.of(self._scorer, self._wanted.form, each, source, tasks.PART_ROWS)
            try:
                for task in found:
                    if each.file in self._problems:
                        break
                    self._names[each].append(task.name)
                    self._spans[task.name], read = task.read - read, task.read
                    done = chunk.finished(self._folder, task.name, self._wanted.form)
                    if done:
                        self._before += done.scored + len(done.rejects)
                        self._count(task)
                        continue
                    if self._before and not said:
                        said = True
                        self._say(f"Goes on after {self._before:,} rows.")
                    yield task
            except ProjectError as error:
                self._problems.setdefault(each.file, str(error))

    def _take(self, pool: Pool | RayPool | Threads, seconds: float | None) -> list[Task]:
        """Note what workers have answered; return the tasks of those that were killed."""
        answered, left = pool.collect(seconds)
        for task, answer in answered:
            self._note(task, answer)
        return left

    def _note(self, task: Task, answer: Answer) -> None:
        if answer.fault:
            self._problems.setdefault(task.input.file, answer.fault)
        self._rows += answer.scored + answer.rejected
        self._count(task)

    def _count(self, task: Task) -> None:
        self._done_bytes += self._sizes[task.input] * self._spans[task.name]

    def _share(self) -> float:
        """Return the share of the bytes of all files that is scored."""
        return self._done_bytes / self._bytes

    def _worth(self, seconds: float) -> bool:
        share = self._share()
        return share > 0 and seconds * (1 - share) / share > WORTH_SECONDS

    def _refuse_rejects(self) -> None:
        """Make a problem of the first row without an answer of each file."""
        for each, names in self._names.items():
            for name in names:
                done = chunk.finished(self._folder, name, self._wanted.form)
                if done and done.rejects:
                    error = done.rejects[0].error(Path(each.file))
                    self._problems.setdefault(each.file, str(error))

    def _write(self, begun: Plan, good: dict[Input, list[str]], began: float) -> Outcome:
        """Write copies, output, rejects and manifest, in this order."""
        wanted, folder, form = self._wanted, self._folder, self._wanted.form
        parts = assemble.verified(folder, form, good)
        copies, copies_path = 0, None
        if copied := {each.file for each in self._copied(good)}:
            copies_path = assemble.copies_path(wanted.target, self._scorer.needed.copied)
            own = [each for each in parts if each.file in copied]
            copies = assemble.write_copies(folder, own, copies_path)
        if wanted.table:
            database.write(self._project, wanted.table, folder, parts, self._scorer.schema)
        else:
            assemble.write(folder, form, parts, self._scorer.schema, wanted.target)
        rejects = assemble.rejects_path(wanted.target)
        rejected = assemble.write_rejects(folder, parts, form, rejects)
        scored, total = sum(each.scored for each in parts), assemble.sum_of(parts)
        facts = {
            "versions": begun.versions,
            "identity": begun.identity,
            "inputs": [[each.file, *begun.inputs[str(each.path)]] for each in good],
            "rows": scored,
            "rejected": rejected,
            "checksum": total,
        }
        manifest = assemble.manifest_path(wanted.target)
        assemble.record(folder, manifest, begun.run, facts, parts)
        seconds = time.monotonic() - began
        problems = [*self._problems.values()]
        rows = (scored, rejected, self._before)
        found = Outcome(*rows, seconds, problems, begun.versions, total)
        return found._replace(copies=copies, copies_path=copies_path)
