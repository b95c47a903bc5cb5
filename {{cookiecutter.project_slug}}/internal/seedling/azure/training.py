"""Runs the training pipeline on Azure ML: the YAML that runs here is what is submitted.

It is submitted as a pipeline job, whose steps are jobs of their own, as one command job, or with
steps that many nodes share.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from seedling.azure import command_job, data, jobs, places, snapshot, workspace
from seedling.azure.places import (
    COMMAND,
    LEFT_BY,
    MODELS,
    PARALLEL,
    PIPELINE,
    Group,
    variables,
)
from seedling.azure.registry import AzureRegistry
from seedling.ci import build
from seedling.config import Dataset, Project, keep_models
from seedling.errors import ProjectError
from seedling.registry.protocol import RegisteredVersion
from seedling.training import local_run
from seedling.training.notes import Registration
from seedling.training.outcomes import chosen_of
from seedling.training.pipeline import Pipeline


class AzureRun:
    """A training job on Azure ML, whose outputs are downloaded to local_assets/runs/<job>/."""

    kind: ClassVar[str] = PIPELINE

    def __init__(self, project: Project, client: Any, job: str, models: Sequence[str]) -> None:
        self.project, self.client, self.id, self.models = project, client, job, models
        self.folder = project.assets / "runs" / job
        self.status = ""

    @classmethod
    def start(
        cls, project: Project, models: Sequence[str], source: str | None = None, left: bool = False
    ) -> "list[AzureRun]":
        """Submit a job for each dataset that the models are trained on; see `submit`."""
        client = workspace.client(project)
        submitted = submit(project, models, source, cls.kind, left)
        return [cls(project, client, job, its) for job, its in submitted.items()]

    def wait(self, again: str = "") -> None:
        """Print the job's log until it ends.

        Args:
            again: a sentence on how to follow it again; the verb's unless given.

        Raises:
            ProjectError: it cannot be followed, or Ctrl-C; it goes on.
        """
        self.status = jobs.follow(self.client, self.id, again or how_to_follow(self.id))

    @cached_property
    def steps(self) -> Mapping[str, Any]:
        """Return the ended job's steps, by their names in the pipeline."""
        with workspace.project_errors(f"Listing the steps of {self.id}"):
            steps = self.client.jobs.list(parent_job_name=self.id)
            return {step.display_name: step for step in steps}

    def output(self, job: str, name: str) -> Path:
        """Return the folder of a step's output, downloaded if the step has succeeded."""
        folder = self.folder / job / name
        step = self.steps.get(job)
        if step and step.status == "Completed" and not folder.exists():
            command_job.download(self.client, step.name, name, folder)
        return folder

    def fetch(self, registered: Iterable[Registration]) -> None:
        """Download the champions' files, so that this machine can serve them."""
        registry = AzureRegistry(self.project)
        for one in registered:
            if one.serving:
                folder = registry.root / one.name / one.serving.version
                files = (one.serving.version, folder, one.serving.sha256)
                registry.fetch(RegisteredVersion(one.name, *files))

    def problem(self) -> str:
        """Return the step that failed and its last line; empty if the job has succeeded."""
        if self.status == "Canceled":
            return f"The job {self.id} was cancelled."
        return "" if self.status == "Completed" else f"The job {self.id} failed: {self.failure()}"

    def remove(self) -> None:
        """Remove the downloaded outputs."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def failure(self) -> str:
        """Return the step that failed, and the last line of its log."""
        failed = next((name for name, one in self.steps.items() if one.status == "Failed"), None)
        if failed is None:
            return "no step failed; the job's own page says more"
        return self.last_words(failed, self.steps[failed].name)

    def last_words(self, step: str, job: str) -> str:
        """Return the last line of the log of a step that failed; `job` is what it is in Azure."""
        with TemporaryDirectory() as scratch:
            with workspace.project_errors(f"Downloading the log of {step}"):
                self.client.jobs.download(job, download_path=scratch)
            logs = sorted(Path(scratch).rglob("std_log.txt"))
            if not logs:
                return f"{step} failed and has left no log"
            log = self.folder / step / "log.txt"
            log.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(logs[0], log)
        words = local_run.last_line(log).removeprefix("Error: ")
        return f"{step} failed: {words} (log: {log.as_posix()})"


def submit(
    project: Project,
    models: Sequence[str],
    source: str | None = None,
    kind: str = PIPELINE,
    left: bool = False,
) -> dict[str, list[str]]:
    """Submit the training of these models, or of all: one job for each dataset.

    Args:
        project: the project of the models.
        models: folders of models/.
        source: the URI of the folder with the dataset's file, instead of the registered dataset.
        kind: PIPELINE, COMMAND or PARALLEL.
        left: as `begun` has it.

    Returns:
        The models by the name of the job that trains them.

    Raises:
        ProjectError: the pipeline is invalid, a dataset is not registered as it is
            here, or Azure refuses.
    """
    client = workspace.client(project)
    names = {}
    with prepared(project, client, models, source, kind) as ready:
        for job in ready.values():
            names[begun(client, job, left)] = job.tags[MODELS].split()
    return names


def begun(client: Any, job: Any, left: bool = False) -> str:
    """Submit a training job, print what it trains and its page, and return its name.

    Args:
        client: of the workspace.
        job: the job.
        left: whether this build ends before the job, and a later one goes on with it.
    """
    now = build.current()
    if left and now:
        job.tags[LEFT_BY] = now.system
    with workspace.project_errors("Submitting the training"):
        submitted = client.jobs.create_or_update(job)
    print(f"Submitted {submitted.name}, which trains {job.tags[MODELS]}.", flush=True)
    print(submitted.studio_url, flush=True)
    return str(submitted.name)


@contextmanager
def prepared(
    project: Project,
    client: Any,
    models: Sequence[str],
    source: str | None = None,
    kind: str = PIPELINE,
) -> Iterator[dict[str, Any]]:
    """Yield jobs ready to submit, by dataset; their files are removed afterwards. See `submit`.

    Args:
        kind: PIPELINE, COMMAND or PARALLEL.
    """
    chosen = chosen_of(project, models)
    if source and not (data.URI.fullmatch(source) or data.ASSET.fullmatch(source)):
        raise ProjectError(
            f"{source!r:.80} names no folder in Azure: azureml://datastores/NAME/paths/FOLDER/, or "
            "azureml:NAME:VERSION."
        )
    groups = places.groups(project, client, chosen.models, source, kind)
    with TemporaryDirectory() as scratch:
        ready, code = {}, snapshot.take(project, Path(scratch))
        for name, group in groups.items():
            config = narrowed(project, group.models, group.dataset, Path(scratch) / name)
            make = _maker(kind)
            ready[name] = make(project, chosen.only(group.models), group, config, code)
        yield ready


def _maker(kind: str) -> Callable[[Project, Pipeline, Group, Path, Path], Any]:
    """Return the function that makes a job of this kind."""
    from seedling.azure import parallel_job  # which loads and places jobs as this module does

    return {PIPELINE: _pipeline, COMMAND: command_job.of, PARALLEL: parallel_job.of}[kind]


def how_to_follow(job: str) -> str:
    """Return a sentence with the command that follows a job."""
    return f"It goes on. Follow it: python -m seedling train-model-in-aml --follow {job}"


def _pipeline(project: Project, chosen: Pipeline, group: Group, config: Path, code: Path) -> Any:
    """Return the pipeline job that trains the chosen models."""
    shared = group.shared
    inputs = {"inputs.config.path": str(config), "inputs.datasets.path": shared.source}
    job = loaded(project, chosen, {**inputs, "tags": group.tags(PIPELINE)})
    place(job, code, shared.cluster, shared.environment)
    for name, step in chosen.jobs.items():
        own = group.places.get(str(step.inputs.get("model", "")), shared)
        if own.cluster != shared.cluster:
            job.jobs[name].compute = own.cluster
        job.jobs[name].component.environment = own.environment
    return job


def loaded(project: Project, chosen: Pipeline, changes: Mapping[str, Any]) -> Any:
    """Load the job that a pipeline's YAML describes.

    Args:
        project: the project of the experiment.
        chosen: the pipeline; jobs of the YAML that it does not have are left out.
        changes: values by their keys in the YAML, with dots between.
    """
    from azure.ai.ml import load_job

    overrides = [
        {key: value} for key, value in {"experiment_name": project.config.slug, **changes}.items()
    ]
    job: Any = load_job(chosen.path, params_override=overrides)
    for name in job.jobs.keys() - chosen.jobs.keys():
        del job.jobs[name]
    return job


def place(job: Any, code: Path, cluster: str, environment_name: str) -> None:
    """Set code, cluster, environment and identity of a job's steps."""
    from azure.ai.ml.constants import InputOutputModes
    from azure.ai.ml.entities import ManagedIdentityConfiguration

    job.settings.default_compute = cluster
    for name, step in job.jobs.items():
        step.display_name = name  # what it is found by afterwards; else it is the component's
        for output in step.component.outputs:
            step.outputs[output].mode = InputOutputModes.UPLOAD  # a mount knows no renaming
        step.component.code = str(code)
        step.component.environment = environment_name
        step.environment_variables = variables()
        step.identity = ManagedIdentityConfiguration()


def narrowed(project: Project, models: Sequence[str], dataset: Dataset, folder: Path) -> Path:
    """Write a model.yaml with these models and their dataset only, for one job; return its path."""
    folder.mkdir(exist_ok=True)
    shutil.copy(project.config_path, folder)
    copy = Project(folder)

    def narrow(document: Any) -> None:
        trained = document["training"]
        trained["models"] = [entry for entry in trained["models"] if entry["name"] in models]
        kept = [entry for entry in document["datasets"] if entry["name"] == dataset.name]
        document["datasets"] = kept
        keep_models(document, models)

    copy.edit(narrow)
    return copy.config_path
