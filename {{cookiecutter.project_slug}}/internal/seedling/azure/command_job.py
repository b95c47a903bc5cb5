"""A training as one command job on Azure ML: the steps of the pipeline, one after the other."""

import re
import shlex
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import workspace
from seedling.azure.places import COMMAND, Group, variables
from seedling.config import Project
from seedling.training.pipeline import REFERENCE, Job, Pipeline, order, reference

BETWEEN = "__"  # a step and its output, in the name of an output of the job
# Without it all models would log into the one run of MLflow that Azure ML makes for a job.
OWN_RUNS = "export MLFLOW_RUN_ID="


def of(project: Project, chosen: Pipeline, group: Group, config: Path, code: Path) -> Any:
    """Return the command job that trains the models of a group.

    Args:
        project: the project of the experiment.
        chosen: the pipeline of these models.
        group: the models, and where the job runs.
        config: the model.yaml of the job.
        code: the folder of its code.
    """
    from azure.ai.ml import Input, Output, command
    from azure.ai.ml.constants import InputOutputModes
    from azure.ai.ml.entities import ManagedIdentityConfiguration

    given = {"config": str(config), "datasets": group.shared.source}
    return command(
        code=str(code),
        command=line(chosen),
        environment=group.shared.environment,
        compute=group.shared.cluster,
        inputs={
            name: Input(type=declared["type"], path=given[name])
            for name, declared in chosen.inputs.items()
        },
        outputs={
            output_name(job.name, name): Output(type=declared["type"], mode=InputOutputModes.UPLOAD)
            for job in chosen.jobs.values()
            for name, declared in job.component.outputs.items()
        },
        environment_variables=dict(variables()),
        identity=ManagedIdentityConfiguration(),
        experiment_name=project.config.slug,
        display_name=f"training of {', '.join(group.models)}",
        tags=group.tags(COMMAND),
    )


def line(chosen: Pipeline) -> str:
    """Return the commands of a pipeline's steps as one line, each after those it needs."""
    commands = [_filled(chosen.jobs[name]) for name in order(chosen).static_order()]
    return " && ".join([OWN_RUNS, *commands] if len(chosen.models) > 1 else commands)


def output_name(job: str, output: str) -> str:
    """Return the job's name for an output of a step."""
    return f"{job}{BETWEEN}{output}"


def download(client: Any, job: str, name: str, folder: Path) -> None:
    """Download an output of a completed job into a new folder."""
    with TemporaryDirectory() as scratch:
        with workspace.project_errors(f"Downloading what {job} has left"):
            client.jobs.download(job, output_name=name, download_path=scratch)
        shutil.copytree(Path(scratch, "named-outputs", name), folder)


def _filled(job: Job) -> str:
    """Return the command of a step with inputs and outputs of the whole job in it."""

    def value(match: re.Match[str]) -> str:
        kind, _, name = match[1].partition(".")
        if kind == "outputs":
            return _bound("outputs", output_name(job.name, name))
        given: Any = job.inputs.get(name, job.component.inputs[name].get("default"))
        match reference(given):
            case ["parent", "inputs", source]:
                return _bound("inputs", source)
            case ["parent", "jobs", other, "outputs", output]:
                return _bound("outputs", output_name(other, output))
        return shlex.quote(str(given))

    return REFERENCE.sub(value, " ".join(job.component.command.split()))


def _bound(kind: str, name: str) -> str:
    return f"${{{{{kind}.{name}}}}}"
