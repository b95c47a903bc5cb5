"""Runs the training pipeline on Azure ML: the YAML that runs here is what is submitted."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import clusters, data, environment, jobs, snapshot, workspace
from seedling.azure.registry import AzureRegistry
from seedling.config import Dataset, Project
from seedling.errors import ProjectError
from seedling.registry.open import WORKSPACE
from seedling.registry.protocol import RegisteredVersion
from seedling.settings import MODEL_REGISTRY
from seedling.training import local_run
from seedling.training.notes import Registration
from seedling.training.outcomes import build_id, chosen_of
from seedling.training.pipeline import Pipeline

GROUPS = ("train", "aml")
MODELS = "models"  # the tag of a job that says which models it trains


class AzureRun:
    """A training job on Azure ML, whose outputs are downloaded to local_assets/runs/<job>/."""

    def __init__(self, project: Project, client: Any, job: str, models: Sequence[str]) -> None:
        self.project, self.client, self.id, self.models = project, client, job, models
        self.folder = project.assets / "runs" / job
        self.status = ""

    @classmethod
    def start(
        cls, project: Project, models: Sequence[str], source: str | None = None
    ) -> "list[AzureRun]":
        """Submit a job for each dataset that the models are trained on; see `submit`."""
        return [cls.of(project, job) for job in submit(project, models, source)]

    @classmethod
    def of(cls, project: Project, job: str) -> "AzureRun":
        """Return a training job that was submitted before.

        Raises:
            ProjectError: there is no job of this name, or it is no training of this project.
        """
        client = workspace.client(project)
        with workspace.project_errors(f"Looking for the job {job}"):
            tags = client.jobs.get(job).tags
        if MODELS not in tags:
            raise ProjectError(f"The job {job} is no training of this project.")
        return cls(project, client, job, tags[MODELS].split())

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
            with TemporaryDirectory() as scratch:
                with workspace.project_errors(f"Downloading what {job} has left"):
                    self.client.jobs.download(step.name, output_name=name, download_path=scratch)
                shutil.copytree(Path(scratch, "named-outputs", name), folder)
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
        return "" if self.status == "Completed" else f"The job {self.id} failed: {self._failure()}"

    def remove(self) -> None:
        """Remove the downloaded outputs."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _failure(self) -> str:
        """Return the step that failed, and the last line of its log."""
        failed = next((name for name, one in self.steps.items() if one.status == "Failed"), None)
        if failed is None:
            return "no step failed; the job's own page says more"
        with TemporaryDirectory() as scratch:
            with workspace.project_errors(f"Downloading the log of {failed}"):
                self.client.jobs.download(self.steps[failed].name, download_path=scratch)
            logs = sorted(Path(scratch).rglob("std_log.txt"))
            if not logs:
                return f"{failed} failed and has left no log"
            log = self.folder / failed / "log.txt"
            log.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(logs[0], log)
        words = local_run.last_line(log).removeprefix("Error: ")
        return f"{failed} failed: {words} (log: {log.as_posix()})"


def submit(project: Project, models: Sequence[str], source: str | None = None) -> list[str]:
    """Submit the training of these models, or of all: one job for each dataset.

    Args:
        project: the project of the models.
        models: folders of models/.
        source: the URI of the folder with the dataset's file, instead of the registered dataset.

    Returns:
        The jobs' names.

    Raises:
        ProjectError: the pipeline is invalid, a dataset is not registered as it is
            here, or Azure refuses.
    """
    client = workspace.client(project)
    names = []
    with prepared(project, client, models, source) as ready:
        for job in ready.values():
            with workspace.project_errors("Submitting the training"):
                submitted = client.jobs.create_or_update(job)
            print(f"Submitted {submitted.name}, which trains {job.tags[MODELS]}.", flush=True)
            print(submitted.studio_url, flush=True)
            names.append(str(submitted.name))
    return names


@contextmanager
def prepared(
    project: Project, client: Any, models: Sequence[str], source: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield jobs ready to submit, by dataset; their files are removed afterwards. See `submit`."""
    chosen = chosen_of(project, models)
    if source and not (data.URI.fullmatch(source) or data.ASSET.fullmatch(source)):
        raise ProjectError(
            f"{source!r:.80} names no folder in Azure: azureml://datastores/NAME/paths/FOLDER/, or "
            "azureml:NAME:VERSION."
        )
    learned: dict[str, list[str]] = {}
    for model in chosen.models:
        learned.setdefault(project.config.trained_model(model).dataset, []).append(model)
    inputs = {
        name: source or data.registered(project, client, project.config.dataset(name))
        for name in learned
    }
    cluster = clusters.ensure(project, client)
    environment_name = environment.register(project, client, project.config.slug, GROUPS)
    with TemporaryDirectory() as scratch:
        ready, code = {}, snapshot.take(project, Path(scratch))
        for name, its in learned.items():
            dataset = project.config.dataset(name)
            config = narrowed(project, its, dataset, Path(scratch) / name)
            ready[name] = _job(project, chosen.only(its), dataset, config, inputs[name])
            place(ready[name], code, cluster, environment_name)
        yield ready


def how_to_follow(job: str) -> str:
    """Return a sentence with the command that follows a job."""
    return f"It goes on. Follow it: python -m seedling train-model-in-aml --follow {job}"


def _job(project: Project, chosen: Pipeline, dataset: Dataset, config: Path, uri: str) -> Any:
    """Return the job that trains the chosen models."""
    tags = {
        MODELS: " ".join(chosen.models),
        "data": f"{dataset.name}:{dataset.version}",
        "build_id": build_id(),
    }
    inputs = {"inputs.config.path": str(config), "inputs.datasets.path": uri}
    return loaded(project, chosen, {**inputs, "tags": tags})


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


def variables() -> Mapping[str, str]:
    """Return the environment variables of a step."""
    return {
        "PYTHONPATH": "internal",
        "BUILD_ID": build_id(),
        MODEL_REGISTRY.name: WORKSPACE,
    }


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

    copy.edit(narrow)
    return copy.config_path
