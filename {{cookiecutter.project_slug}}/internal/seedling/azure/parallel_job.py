"""A training whose rows are summed up by many nodes at a time.

It is the training pipeline with a parallel step for each model: its mini-batches are the files
that `prepare` has written, and the train step adds up what they leave.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from seedling.azure import environment, places, training, workspace
from seedling.azure.places import PARALLEL, Group
from seedling.config import Dataset, Project, read_text
from seedling.data import large_sides, large_table
from seedling.errors import ProjectError
from seedling.training.fits import SEED
from seedling.training.pipeline import Pipeline

SCRIPT = "internal/seedling/azure/sums_entry.py"
REQUIRED = ("azureml-core",)  # by what calls the entry script
SUMS = "sums"  # the step's output, and an input of the train step
FILES = "1"  # in a mini-batch
INPUTS = {"rows": "uri_folder", "training": "uri_folder", "config": "uri_file"}
ARGUMENTS = """--config ${{{{inputs.config}}}} --training ${{{{inputs.training}}}}
--output ${{{{outputs.sums}}}} --model {model} --seed {seed}"""


def of(project: Project, chosen: Pipeline, group: Group, config: Path, code: Path) -> Any:
    """Return the pipeline job that trains the models of a group.

    Args:
        project: the project of the experiment.
        chosen: the pipeline of these models.
        group: the models, and where the job runs.
        config: the model.yaml of the job, in a folder of its own.
        code: the folder of its code.
    """
    shared = group.shared
    written = Pipeline(_written(chosen, config.parent), chosen.inputs, chosen.jobs)
    inputs = {"inputs.config.path": str(config), "inputs.datasets.path": shared.source}
    job = training.loaded(project, written, {**inputs, "tags": group.tags(PARALLEL)})
    training.place(job, code, shared.cluster, shared.environment)
    client = workspace.client(project)
    for model in group.models:
        trained = chosen.jobs[f"train_{model}"]
        seed = trained.inputs.get("seed", trained.component.inputs.get("seed", {}).get("default"))
        step = _step(project, client, model, seed or SEED, group, code)
        step.inputs.rows = step.inputs.training = trained.inputs["training"]
        step.inputs.config = trained.inputs["config"]
        job.jobs[_name(model)] = step
    return job


def refuse_unfit(project: Project, dataset: Dataset, source: str | None) -> None:
    """Refuse a dataset that is not to be summed up, as far as this machine knows.

    Args:
        project: the project of the dataset.
        dataset: what would be trained on.
        source: the URI of its rows, where they are not those of the file here.

    Raises:
        ProjectError: its rows have no groups, or fit into memory.
    """
    if not dataset.groups:
        raise ProjectError(
            f"JOB=parallel adds up sums of rows by group, and {dataset.name} has no `groups` in "
            "model.yaml: train it with JOB=command."
        )
    path = project.dataset_path(dataset)
    if source is None and path.exists():
        limit = project.config.training.rows_in_memory
        large_sides.refuse_small(dataset, large_table.row_count(path), limit)


def _name(model: str) -> str:
    return f"sum_{model}"


def _written(chosen: Pipeline, folder: Path) -> Path:
    """Write the pipeline with parts and sums; return its path. Its other components stay."""
    yaml = YAML(typ="safe", pure=True)
    document: Any = yaml.load(read_text(chosen.path))
    for name, job in document["jobs"].items():
        path = (chosen.path.parent / job["component"]).resolve()
        model = str((job.get("inputs") or {}).get("model", ""))
        changed: Any = yaml.load(read_text(path))
        if name == "prepare":
            changed["command"] += " --parts"
        elif name == f"train_{model}":
            changed["command"] += f" --sums ${{{{inputs.{SUMS}}}}}"
            changed["inputs"][SUMS] = {"type": "uri_folder"}
            job["inputs"][SUMS] = f"${{{{parent.jobs.{_name(model)}.outputs.{SUMS}}}}}"
        path = folder / f"{name}.yml"
        changed["code"] = str(folder)  # until it is given its own
        yaml.dump(changed, path)
        job["component"] = f"./{path.name}"
    target = folder / chosen.path.name
    yaml.dump(document, target)
    return target


def _step(project: Project, client: Any, model: str, seed: int, group: Group, code: Path) -> Any:
    """Return the step that sums up for a model; its inputs are bound by the caller."""
    from azure.ai.ml import Input, Output
    from azure.ai.ml.constants import InputOutputModes
    from azure.ai.ml.entities import ManagedIdentityConfiguration
    from azure.ai.ml.parallel import RunFunction, parallel_run_function

    settings = workspace.settings(project, model)
    # The SDK takes no object of the class that it annotates here.
    retries: Any = {
        "max_retries": settings.batch.max_retries,
        "timeout": settings.batch.retry_timeout,
    }
    return parallel_run_function(
        name=_name(model),
        display_name=_name(model),
        compute=group.shared.cluster,
        inputs={name: Input(type=kind) for name, kind in INPUTS.items()},
        outputs={SUMS: Output(type="uri_folder", mode=InputOutputModes.RW_MOUNT)},
        input_data="${{inputs.rows}}",
        mini_batch_size=FILES,
        instance_count=settings.compute.max_nodes,
        max_concurrency_per_instance=settings.batch.max_concurrency_per_instance,
        retry_settings=retries,
        mini_batch_error_threshold=0,
        error_threshold=0,
        environment_variables=dict(places.variables()),
        identity=ManagedIdentityConfiguration(),
        task=RunFunction(
            code=str(code),
            entry_script=SCRIPT,
            program_arguments=" ".join(ARGUMENTS.format(model=model, seed=seed).split()),
            environment=_environment(project, client, model, group),
        ),
    )


def _environment(project: Project, client: Any, model: str, group: Group) -> str:
    wanted = workspace.settings(project, model).training
    if wanted.aml_env_name is not None or wanted.conda_path is not None:
        return group.shared.environment
    name = f"{project.config.slug}-parallel"
    return environment.register(project, client, name, places.GROUPS, packages=REQUIRED)
