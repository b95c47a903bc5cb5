"""The job that copies the prediction log to where Azure ML's own monitors read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedling.config import Project

DATASTORE = "workspaceblobstore"  # each workspace has it


def folder_uri(project: Project) -> str:
    """Return the URI of the folder that the prediction log is copied to."""
    return f"azureml://datastores/{DATASTORE}/paths/{project.config.slug}/collected/"


def job(
    project: Project,
    model: str,
    since: str,
    code: Path,
    where: tuple[str, str],
    variables: Mapping[str, str],
) -> Any:
    """Return a pipeline job of the one step monitor_collect: a schedule takes no command job.

    Args:
        project: of the log.
        model: a folder of models/; every model if empty.
        since: how long ago the first predictions were that are copied; the step's default if empty.
        code: the folder of its code.
        where: cluster and environment.
        variables: the environment variables of the step.
    """
    from azure.ai.ml import Input, Output, command
    from azure.ai.ml.constants import InputOutputModes
    from azure.ai.ml.entities import ManagedIdentityConfiguration, PipelineJob

    options = {"--model": model, "--since": since}
    words = [word for name, value in options.items() if value for word in (name, value)]
    line = ["python -m seedling.steps.monitor_collect --config ${{inputs.config}}", *words]
    cluster, environment = where
    step = command(
        name="collect",
        code=str(code),
        command=" ".join([*line, "--output ${{outputs.collected}}"]),
        environment=environment,
        compute=cluster,
        inputs={"config": Input(type="uri_file", path=str(project.config_path))},
        outputs={
            "collected": Output(
                type="uri_folder", mode=InputOutputModes.UPLOAD, path=folder_uri(project)
            )
        },
        identity=ManagedIdentityConfiguration(),
        environment_variables=dict(variables),
    )
    return PipelineJob(
        jobs={"collect": step},
        experiment_name=project.config.slug,
        display_name="monitor_collect",
    )
