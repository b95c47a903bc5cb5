"""Run a pipeline on this machine: its jobs in worker processes, in parallel where they can be.

A worker's imports serve its next job too; importing is most of a short job's time.
"""

import os
import re
import runpy
import shlex
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seedling.config import DATASETS, Project
from seedling.data.dataset_files import verified
from seedling.errors import ProjectError
from seedling.masking import mask_output, masked
from seedling.processes import attended, interrupted
from seedling.training import killed, mlflow_runs
from seedling.training.notes import Registration
from seedling.training.outcomes import chosen_of
from seedling.training.pipeline import REFERENCE, Job, Pipeline, order, reference

Outcome = tuple[int, float]  # a job's exit code, and its seconds


def _nothing() -> None:
    """Do nothing."""


class LocalRun:
    """One run of a pipeline: every job's outputs and log stand in a folder of its own."""

    def __init__(
        self,
        pipeline: Pipeline,
        root: Path,
        runs: Path,
        variables: Mapping[str, str] = MappingProxyType({}),
        meanwhile: Callable[[], object] = _nothing,
    ) -> None:
        """
        Args:
            pipeline: the jobs.
            root: their working folder.
            runs: the folder in which the run's own folder is made.
            variables: set in the environment of the jobs' processes, beside this process's own.
            meanwhile: called by `wait` as by `execute`.
        """
        self.pipeline = pipeline
        self.root = root
        self.variables, self.meanwhile = variables, meanwhile
        self.id = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]
        self.folder = runs / self.id
        self.failed: dict[str, str] = {}
        self._problem = ""

    @classmethod
    def start(
        cls,
        project: Project,
        models: Sequence[str],
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> "list[LocalRun]":
        """Prepare the run that trains these models, or all; `wait` runs its jobs.

        Args:
            project: the project of the pipeline.
            models: folders of models/.
            variables: set in the environment of the steps' processes.

        Raises:
            ProjectError: the pipeline is invalid, or a dataset is missing.
        """
        chosen = chosen_of(project, models)
        for name in {project.config.trained_model(model).dataset for model in chosen.models}:
            verified(project, project.config.dataset(name))
        killed.remove(project)
        (project.root / DATASETS).mkdir(parents=True, exist_ok=True)  # the pipeline's input
        runs = project.assets / "runs"
        meanwhile = partial(mlflow_runs.prepare, project)
        return [cls(chosen, project.root, runs, variables, meanwhile)]

    @property
    def models(self) -> Sequence[str]:
        """Return the names of the models that the pipeline trains."""
        return self.pipeline.models

    def wait(self) -> None:
        """Run every job; `problem` has the first failure."""
        try:
            with killed.held(self.folder):
                self.execute(self.meanwhile)
        except ProjectError as error:
            self._problem = str(error)

    def problem(self) -> str:
        """Return the failed job, the last line of its log and the log's path; empty if none did."""
        return self._problem

    def fetch(self, registered: Iterable[Registration]) -> None:
        """Do nothing: versions registered on this machine have their files here."""

    def execute(self, meanwhile: Callable[[], object]) -> None:
        """Run every job after those it needs; skip the jobs that need a failed one.

        Args:
            meanwhile: called here while the first jobs run; the next ones wait for it.

        Raises:
            ProjectError: a job failed; the message has its name, its last line and its log's path.
        """
        waiting = order(self.pipeline)
        waiting.prepare()
        running: dict[Future[Outcome], str] = {}
        with _progress() as progress, self._pool() as pool, attended.family():
            while waiting.is_active():
                for name in waiting.get_ready():
                    if self.pipeline.jobs[name].needs & self.failed.keys():
                        self.failed[name] = "left out"
                        waiting.done(name)
                    else:
                        progress.add_task(name)
                        running[self._start(name, pool)] = name
                meanwhile()
                meanwhile = _nothing
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    name = running.pop(future)
                    self._finish(name, future, progress)
                    waiting.done(name)
            pool.shutdown()  # what is left of the family when its block ends is killed
        if self.failed:
            name, words = next(iter(self.failed.items()))
            log = self.log(name).relative_to(self.root).as_posix()
            raise ProjectError(f"{name} failed: {words.removeprefix('Error: ')} (log: {log})")

    def output(self, job: str, name: str) -> Path:
        return self.folder / job / name

    def log(self, job: str) -> Path:
        return self.folder / job / "log.txt"

    def remove(self) -> None:
        """Remove the run's folder; `collect` has copied the reports."""
        shutil.rmtree(self.folder)

    def _pool(self) -> ProcessPoolExecutor:
        """Return a pool of one worker a core, each with its share of the cores as threads.

        More threads than cores make every model slow.
        """
        cores = os.cpu_count() or 1
        threads = max(1, cores // max(1, len(self.pipeline.models)))
        spawn, variables = get_context("spawn"), {**self.variables, mlflow_runs.PIPELINE: self.id}
        return ProcessPoolExecutor(
            cores, spawn, initializer=prepare_worker, initargs=(threads, variables)
        )

    def _start(self, name: str, pool: ProcessPoolExecutor) -> "Future[Outcome]":
        log = self.log(name)
        log.parent.mkdir(parents=True)
        with interrupted.unheard():  # it may start a worker
            return pool.submit(perform, self._command(self.pipeline.jobs[name]), self.root, log)

    def _finish(self, name: str, future: "Future[Outcome]", progress: Progress) -> None:
        try:
            code, seconds = future.result()
        except BrokenProcessPool:
            raise ProjectError(
                f"{name}: its process was killed; was there too little memory?"
            ) from None
        if code:
            self.failed[name] = last_line(self.log(name))
        task = next(task for task in progress.tasks if task.description == name)
        progress.remove_task(task.id)
        words = "failed" if code else "done"
        progress.console.print(f"{name:32} {words} in {seconds:.1f} s", highlight=False)

    def _command(self, job: Job) -> list[str]:
        """Return the component's command line for this job."""
        line = " ".join(job.component.command.split())
        # Without its spaces a reference is one word.
        line = re.sub(r"\{\s+|\s+\}", lambda match: match[0].strip(), line)
        return [self._filled(word, job) for word in shlex.split(line)]

    def _filled(self, word: str, job: Job) -> str:
        def value(match: re.Match[str]) -> str:
            kind, _, name = match[1].partition(".")
            if kind == "outputs":
                return str(self.output(job.name, name))
            return self._input(job, name)

        return REFERENCE.sub(value, word)

    def _input(self, job: Job, name: str) -> str:
        given: Any = job.inputs.get(name, job.component.inputs[name].get("default"))
        match reference(given):
            case ["parent", "inputs", source]:
                return self._pipeline_input(self.pipeline.inputs[source])
            case ["parent", "jobs", other, "outputs", output]:
                return str(self.output(other, output))
        return str(given)

    def _pipeline_input(self, value: Mapping[str, Any]) -> str:
        if "path" not in value:
            return str(value["default"])
        return str((self.pipeline.path.parent / value["path"]).resolve())


def prepare_worker(threads: int, variables: Mapping[str, str]) -> None:
    """Set this worker's variables, and its threads before it loads a library that starts them.

    Ctrl-C is its parent's.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ.update(variables)
    mask_output()


def perform(command: list[str], root: Path, log: Path) -> Outcome:
    """Run one command in this worker, its output in a log; return exit code and seconds."""
    os.chdir(root)
    started = time.monotonic()
    with _output_to(log):
        if command[:2] == ["python", "-m"]:
            code = _run_module(command[2], command[3:])
        else:
            code = attended.call_command(command, root)
    return code, time.monotonic() - started


def _run_module(module: str, arguments: list[str]) -> int:
    """Run a module in this process as `python -m MODULE ...` would; return its exit code."""
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception:
        print(masked(traceback.format_exc()), end="", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Redirect stdout and stderr of this process and its libraries to a file."""
    kept = [os.dup(1), os.dup(2)]
    with log.open("wb") as stream:
        try:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in enumerate(kept, start=1):
                os.dup2(original, number)
                os.close(original)


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=Console(), transient=True)


def last_line(log: Path) -> str:
    """Return the last line of a log that names an exception, else its last line."""
    return mlflow_runs.last_error(log.read_text(encoding="utf-8", errors="replace"))
