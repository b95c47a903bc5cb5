"""Monitoring on Azure ML: pipelines of drift and of performance, run once or by the clock.

A pipeline of both asks the rules by which models are trained again. Their steps are command-line
scripts that call what `monitor` calls here. A prediction log in Cosmos DB is read by the first of
them; another log is read on this machine, and goes with the job. A last kind, `collect`, copies
the log to where Azure's own monitors read.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from seedling.azure import (
    clusters,
    collecting,
    data,
    environment,
    jobs,
    places,
    schedules,
    snapshot,
    workspace,
)
from seedling.azure.training import AzureRun, loaded, place
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import copy, read_json
from seedling.monitoring import findings, log_file, report
from seedling.monitoring.findings import Findings
from seedling.serving.stores import log_settings
from seedling.settings import APPLICATIONINSIGHTS_KEY_VAULT_SECRET, ENVIRONMENT
from seedling.steps.watching import MODELS
from seedling.training import pipeline
from seedling.training.pipeline import Pipeline

DRIFT, PERFORMANCE, COLLECT = "drift", "performance", "collect"
WATCHING = (DRIFT, PERFORMANCE)
PREDICTIONS, RETRAIN = "predictions", "retrain"  # jobs of pipelines beside the kind's own
KINDS = (*WATCHING, RETRAIN, COLLECT)
TAG = schedules.MONITORING  # says which kind a job or a schedule is of
GROUPS = (*places.GROUPS, "azure")  # of pyproject.toml: the log may be in Cosmos DB


class Given(NamedTuple):
    """The input of a pipeline, and what it is to do with its findings.

    Attributes:
        model: a folder of models/; every model that has answered if empty.
        since: from when on the log is read: a day, or as long ago as 30d.
        log: the URI or asset of a folder with a file of the log, instead of the log itself.
        truth: the URI or asset of a folder of truth, instead of the newest that is registered.
        retrain: whether the models for which a rule of model.yaml says so are trained again.
    """

    model: str = ""
    since: str = ""
    log: str = ""
    truth: str = ""
    retrain: bool = False


class Watching(AzureRun):
    """A job of one of the two pipelines."""

    def __init__(self, project: Project, client: Any, job: str, watched: str) -> None:
        super().__init__(project, client, job, [])
        self.watched = watched

    def findings(self) -> dict[str, Path]:
        """Return the folders of what the job has found, downloaded, by drift and performance.

        Raises:
            ProjectError: it has failed or was cancelled, or Azure refuses.
        """
        problem = self.problem()
        if problem:
            raise ProjectError(problem)
        parts = WATCHING if self.watched == RETRAIN else {*WATCHING} & {self.watched}
        return {part: self.output(part, "findings") for part in parts}


def submit(project: Project, kind: str, given: Given) -> Watching:
    """Submit one of the two pipelines, print its page, and return its job.

    Raises:
        ProjectError: what is given names nothing in Azure, there is nothing to look at, or Azure
            refuses.
    """
    client = workspace.client(project)
    with (
        _prepared(project, client, kind, given, is_once=True) as job,
        workspace.project_errors(f"Submitting the monitoring of {kind}"),
    ):
        submitted = client.jobs.create_or_update(job)
    print(f"Submitted {submitted.name}, which looks at {kind}.", flush=True)
    print(submitted.studio_url, flush=True)
    return Watching(project, client, str(submitted.name), kind)


def find(project: Project, job: str) -> Watching:
    """Return a job that was submitted before.

    Raises:
        ProjectError: there is no job of this name, or it is no monitoring of this project.
    """
    client = workspace.client(project)
    tags = jobs.tags_of(client, job, TAG, KINDS, "monitoring")
    return Watching(project, client, job, tags[TAG])


def schedule(project: Project, cron: str, kinds: Sequence[str], given: Given) -> list[str]:
    """Have pipelines of these kinds run by the clock.

    Returns:
        The schedules' names. One of the same name is replaced.

    Raises:
        ProjectError: `cron` is no time, the log is where no job reaches it, or Azure refuses.
    """
    schedules.refuse_nonsense(cron)
    client = workspace.client(project)
    made = []
    for kind in kinds:
        with _prepared(project, client, kind, given, is_once=False) as job:
            subject = "-".join(filter(None, (f"monitor-{kind}", given.model)))
            made.append(schedules.put(project, client, subject, cron, job, {TAG: kind}))
    return made


def kept(project: Project, job: Watching) -> Iterator[tuple[Findings, Path]]:
    """Keep the reports of a job that has ended as `monitor` keeps its own; yield what they say.

    Yields:
        The findings about each model, and their page.

    Raises:
        ProjectError: the job has failed or was cancelled, or Azure refuses.
    """
    for part, folder in job.findings().items():
        for model in read_json(folder / MODELS):
            found = findings.read(folder / model / findings.FILE)
            place = findings.new_folder(project, found)
            place = place.with_name(f"{place.name}-{part}")
            copy(folder / model, place)
            yield found, place / report.PAGE


def how_to_follow(job: str) -> str:
    """Return a sentence with the command that follows a job."""
    return f"It goes on. Follow it: python -m seedling monitor-in-aml --follow {job}"


@contextmanager
def _prepared(
    project: Project, client: Any, kind: str, given: Given, is_once: bool
) -> Iterator[Any]:
    """Yield a job that is ready to be submitted; its files are removed afterwards."""
    for source in filter(None, (given.log, given.truth)):
        if not (data.URI.fullmatch(source) or data.ASSET.fullmatch(source)):
            raise ProjectError(
                f"{source!r:.80} names no folder in Azure: azureml://datastores/NAME/paths/FOLDER/,"
                " or azureml:NAME:VERSION."
            )
    if kind == COLLECT and (given.log or given.truth or given.retrain):
        raise ProjectError("collect reads the prediction log: give it --model and --since only.")
    if given.model:
        project.config.trained_model(given.model)
    with TemporaryDirectory() as scratch:
        log = given.log or _log_of_this_machine(
            project, given, Path(scratch) / "log", is_once and kind != COLLECT
        )
        code = snapshot.take(project, Path(scratch))
        name = f"{project.config.slug}-monitor"
        made = environment.register(project, client, name, GROUPS)
        where = clusters.ensure(project, client), made
        # What is passed on has no secret in it: the address of one at most.
        passed = (ENVIRONMENT, APPLICATIONINSIGHTS_KEY_VAULT_SECRET)
        given_here = {each.name: each.get() for each in passed if each.is_set()}
        variables = {**places.variables(), **given_here}
        if kind == COLLECT:
            job = collecting.job(project, given.model, given.since, code, where, variables)
            job.tags = _tags(project, kind)
        else:
            job = _pipeline(project, kind, given, log)
            place(job, code, *where)
            for step in job.jobs.values():
                step.environment_variables = variables
        yield job


def _pipeline(project: Project, kind: str, given: Given, log: str) -> Any:
    """Return the job of a pipeline's YAML, without the steps that are not asked for.

    Args:
        project: of the pipeline.
        kind: drift or performance.
        given: the input of its steps.
        log: a folder with a file of the prediction log; a step reads the log itself if empty.
    """
    described = pipeline.load(project.root / "mlops" / "pipelines" / f"monitor_{kind}.yml")
    asks_rules = given.retrain or kind == RETRAIN
    left_out = ({PREDICTIONS} if log else set()) | (set() if asks_rules else {RETRAIN})
    steps = {name: one for name, one in described.jobs.items() if name not in left_out}
    chosen = Pipeline(described.path, described.inputs, steps)
    changes = {"inputs.config.path": str(project.config_path), "tags": _tags(project, kind)}
    job = loaded(project, chosen, changes)
    _fill(job, kind, given, log)
    return job


def _fill(job: Any, kind: str, given: Given, log: str) -> None:
    """Give a job's steps what was given: the model, the time, the log's file, the truth."""
    from azure.ai.ml import Input

    for step in job.jobs.values():
        for name, value in (("model", given.model), ("since", given.since)):
            if value and name in step.component.inputs:
                setattr(step.inputs, name, value)
    for name in WATCHING:
        if log and name in job.jobs:
            job.jobs[name].inputs.source = Input(type="uri_folder", path=log)
    if given.truth and PERFORMANCE in job.jobs:
        job.jobs[PERFORMANCE].inputs.truth = Input(type="uri_folder", path=given.truth)


def _log_of_this_machine(project: Project, given: Given, folder: Path, is_once: bool) -> str:
    """Copy a log that only this machine reaches to a folder; empty where the job reads Cosmos DB.

    Raises:
        ProjectError: the log is off, or a schedule would have to read it.
    """
    settings = log_settings(project.config)
    if settings is not None and settings.endpoint:
        return ""
    if not is_once:
        raise ProjectError(
            "A job by the clock, or one that collects, reads the prediction log in Cosmos DB: set "
            "ENVIRONMENT to production and serving.prediction_log in model.yaml; or give --log a "
            "folder with a file of it."
        )
    log_file.write(project, given.since or log_file.SINCE, folder)
    return str(folder)


def _tags(project: Project, kind: str) -> Mapping[str, str]:
    return {"project": project.config.slug, TAG: kind}
