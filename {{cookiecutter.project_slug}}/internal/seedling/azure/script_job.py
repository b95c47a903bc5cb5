"""A run script as a command job on Azure ML: the completed script, and what goes along with it."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import clusters, environment, workspace
from seedling.azure.clusters import Nodes
from seedling.azure.places import GROUPS, KIND, variables
from seedling.config import Project
from seedling.run_scripts import compute, experiment, shipping
from seedling.run_scripts.compute import Compute
from seedling.run_scripts.experiment import Experiment

RUN_SCRIPT = "run_script"  # the job's tag `kind`
KEPT = "kept"  # the job's output with the folder outputs/ of the script


@contextmanager
def prepared(project: Project, client: Any, folder: Path) -> Iterator[Any]:
    """Yield the job that runs the script of a run folder, ready to submit.

    Its cluster and environment are made if they are missing. The files of the job are removed
    afterwards.

    Raises:
        ProjectError: the script or a file beside it is faulty, or Azure refuses.
    """
    from azure.ai.ml import Output, command
    from azure.ai.ml.constants import InputOutputModes
    from azure.ai.ml.entities import ManagedIdentityConfiguration

    described, nodes = experiment.read(folder), compute.read(folder)
    with TemporaryDirectory() as scratch:
        shipped = shipping.copy(folder, Path(scratch) / "code" / project.config.slug)
        yield command(
            code=str(shipped.code),
            command=line(shipped),
            environment=environment_of(project, client, described),
            compute=cluster_of(project, client, nodes),
            outputs={KEPT: Output(type="uri_folder", mode=InputOutputModes.UPLOAD)},
            experiment_name=described.name,
            display_name=described.name,
            environment_variables=script_variables(),
            identity=ManagedIdentityConfiguration(),
            tags={KIND: RUN_SCRIPT, "model": described.model_name},
        )


def environment_of(project: Project, client: Any, described: Experiment) -> str:
    """Return `name:version` of a run's environment; register it if missing."""
    packages, image = described.dependencies, described.image
    return environment.register(project, client, described.env_name, GROUPS, packages, image)


def cluster_of(project: Project, client: Any, nodes: Compute) -> str:
    """Return the name of a run's cluster; create it if missing."""
    wanted = Nodes(
        nodes.compute_node_name,
        nodes.vm_size,
        nodes.max_nodes,
        nodes.idle_seconds_before_scaledown,
    )
    return clusters.ensure_nodes(project, client, wanted)


def submit(project: Project, client: Any, folder: Path) -> Any:
    """Submit the job of a run folder; return it as Azure ML has it."""
    submitting = workspace.project_errors("Submitting the run")
    with prepared(project, client, folder) as job, submitting:
        return client.jobs.create_or_update(job)


def line(shipped: shipping.Shipped) -> str:
    """Return the command, which runs the script in its folder with the project's code around.

    Azure ML keeps a folder outputs/ of the code's own folder only, and the script has it in its.
    """
    around = 'export PYTHONPATH="$PWD:$PWD/internal"'
    folder = shlex.quote(shipped.folder.as_posix())
    keep = f'if [ -d outputs ]; then cp -R outputs/. "${{{{outputs.{KEPT}}}}}"; fi'
    return f"{around} && cd {folder} && python {shlex.quote(shipped.script)} && {keep}"


def script_variables() -> dict[str, str]:
    """Return the environment variables of the job: those of a step but for its place of code."""
    return {name: value for name, value in variables().items() if name != "PYTHONPATH"}
