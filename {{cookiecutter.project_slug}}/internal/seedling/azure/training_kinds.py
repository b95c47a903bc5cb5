"""The kinds of training jobs on Azure ML, and the class of the runs of each."""

from collections.abc import Sequence

from seedling.azure import jobs, workspace
from seedling.azure.automl_run import AutoMlRun
from seedling.azure.command_run import CommandRun
from seedling.azure.parallel_run import ParallelRun
from seedling.azure.places import KIND, MODELS
from seedling.azure.training import AzureRun
from seedling.config import Project

KINDS = (AzureRun, CommandRun, AutoMlRun, ParallelRun)
RUNS: dict[str, type[AzureRun]] = {run.kind: run for run in KINDS}


def start(
    project: Project, kind: str, models: Sequence[str], source: str | None, left: bool = False
) -> list[AzureRun]:
    """Submit jobs that train these models, or all.

    Args:
        project: the project of the models.
        kind: a key of RUNS.
        models: folders of models/.
        source: the URI of the folder with the dataset's file, instead of the registered dataset.
        left: whether this build ends before the jobs, and a later one goes on with them.
    """
    return RUNS[kind].start(project, models, source, left)


def find(project: Project, job: str) -> AzureRun:
    """Return a training job that was submitted before.

    Raises:
        ProjectError: there is no job of this name, or it is no training of this project.
    """
    client = workspace.client(project)
    tags = jobs.tags_of(client, job, KIND, RUNS, "training")
    return RUNS[tags[KIND]](project, client, job, tags[MODELS].split())
