"""Runs the training pipeline on Azure ML: the YAML that runs here is what is submitted."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import clusters, data, environment, jobs, snapshot, workspace
from seedling.azure.registry import AzureRegistry
from seedling.config import Dataset, Project
from seedling.errors import ProjectError
from seedling.registry.registries import Version
from seedling.settings import MODEL_REGISTRY
from seedling.steps import register
from seedling.training import local_run, train
from seedling.training.pipeline import Pipeline

GROUPS = ("train", "aml")
MODELS = "models"  # the tag of a job that says which models it trains


class AzureRun:
    """A job that has ended: what its steps have left, on this machine."""

    def __init__(self, client: Any, job: str, runs: Path) -> None:
        self.client, self.id = client, job
        self.folder = runs / job
        with workspace.in_words(f"Listing the steps of {job}"):
            steps = client.jobs.list(parent_job_name=job)
            self.steps = {step.display_name: step for step in steps}

    def output(self, job: str, name: str) -> Path:
        """The folder of a step's output, downloaded if the step has ended well."""
        folder = self.folder / job / name
        step = self.steps.get(job)
        if step and step.status == "Completed" and not folder.exists():
            with TemporaryDirectory() as scratch:
                with workspace.in_words(f"Downloading what {job} has left"):
                    self.client.jobs.download(step.name, output_name=name, download_path=scratch)
                shutil.copytree(Path(scratch, "named-outputs", name), folder)
        return folder

    def failure(self) -> str:
        """Which step failed, and its last words."""
        failed = next((name for name, one in self.steps.items() if one.status == "Failed"), None)
        if failed is None:
            return "no step failed; the job's own page tells more"
        with TemporaryDirectory() as scratch:
            with workspace.in_words(f"Downloading the log of {failed}"):
                self.client.jobs.download(self.steps[failed].name, download_path=scratch)
            logs = sorted(Path(scratch).rglob("std_log.txt"))
            if not logs:
                return f"{failed} failed and has left no log"
            log = self.folder / failed / "log.txt"
            log.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(logs[0], log)
        words = local_run.last_line(log).removeprefix("Error: ")
        return f"{failed} failed: {words} (log: {log.as_posix()})"


def train_there(
    project: Project, models: Sequence[str], source: str | None = None
) -> list[dict[str, Any]]:
    """Submit the pipeline and follow it to its end: the outcome of each model.

    Raises:
        ProjectError: as `submit` and `follow`.
    """
    names = submit(project, models, source)
    return [outcome for job in names for outcome in follow(project, job)]


def submit(project: Project, models: Sequence[str], source: str | None = None) -> list[str]:
    """Submit the training of these models, or of all: one job for each dataset.

    Args:
        project: whose models they are.
        models: folders of models/.
        source: the URI of the folder with the dataset's file, instead of the registered dataset.

    Returns:
        The jobs' names.

    Raises:
        ProjectError: the pipeline does not hold together, a dataset is not registered as it is
            here, or Azure refuses.
    """
    client = workspace.client(project)
    names = []
    with prepared(project, client, models, source) as ready:
        for job in ready.values():
            with workspace.in_words("Submitting the training"):
                submitted = client.jobs.create_or_update(job)
            print(f"Submitted {submitted.name}, which trains {job.tags[MODELS]}.", flush=True)
            print(submitted.studio_url, flush=True)
            names.append(str(submitted.name))
    return names


@contextmanager
def prepared(
    project: Project, client: Any, models: Sequence[str], source: str | None = None
) -> Iterator[dict[str, Any]]:
    """Jobs as they can be submitted, by dataset, while their files are there: as for `submit`."""
    chosen = train.chosen_of(project, list(models))
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


def follow(project: Project, job: str) -> list[dict[str, Any]]:
    """Show what a training job says until it ends; the outcome of each of its models.

    What was registered is noted in model.yaml, and its files are fetched.

    Raises:
        ProjectError: the job failed, or it cannot be followed; it goes on then.
    """
    client = workspace.client(project)
    with workspace.in_words(f"Looking for the job {job}"):
        tags = client.jobs.get(job).tags
    if MODELS not in tags:
        raise ProjectError(f"The job {job} is no training of this project.")
    status = jobs.follow(client, job, how_to_follow(job))
    run = AzureRun(client, job, project.assets / "runs")
    found = [train.collect(project, run, model) for model in tags[MODELS].split()]
    outcomes = [outcome for outcome in found if outcome]
    train.note(project, outcomes)
    _fetch(project, outcomes)
    if status == "Canceled":
        raise ProjectError(f"The job {job} was cancelled.")
    if status != "Completed":
        raise ProjectError(f"The job {job} failed: {run.failure()}")
    shutil.rmtree(run.folder)
    return outcomes


def how_to_follow(job: str) -> str:
    return f"It goes on. Follow it: python -m seedling train-model-in-aml --follow {job}"


def _job(project: Project, chosen: Pipeline, dataset: Dataset, config: Path, uri: str) -> Any:
    """The job that trains the chosen models."""
    tags = {
        MODELS: " ".join(chosen.models),
        "data": f"{dataset.name}:{dataset.version}",
        "build_id": register.build_id(),
    }
    inputs = {"inputs.config.path": str(config), "inputs.datasets.path": uri}
    return loaded(project, chosen, {**inputs, "tags": tags})


def loaded(project: Project, chosen: Pipeline, changes: Mapping[str, Any]) -> Any:
    """The job that a pipeline's YAML describes.

    Args:
        project: whose experiment it belongs to.
        chosen: the pipeline; jobs that it has not any more are left out.
        changes: values by their keys in the YAML, dots between.
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
    """Say what code a job's steps run, where, in which environment, and as whom."""
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
    """What a step finds in its environment, where only its code and what it requires are."""
    return {
        "PYTHONPATH": "internal",
        "BUILD_ID": register.build_id(),
        MODEL_REGISTRY.name: "azure ml registry",
    }


def narrowed(project: Project, models: Sequence[str], dataset: Dataset, folder: Path) -> Path:
    """A model.yaml with these models and their dataset only: what one job is about."""
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


def _fetch(project: Project, outcomes: Sequence[Mapping[str, Any]]) -> None:
    """Bring the champions' files here, so that this machine can serve them."""
    registry = AzureRegistry(project)
    for outcome in outcomes:
        version, digest = outcome["serving"]["version"], outcome["serving"]["sha256"]
        folder = registry.root / outcome["name"] / version
        registry.fetch(Version(outcome["name"], version, folder, digest))
