"""The verb `train-groups-in-aml`: groups fitted by a cluster, many at a time."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from seedling.azure import clusters, environment, places, snapshot, training, workspace
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.training import grouped_regression, groups
from seedling.wording import counted

SCRIPT = "internal/seedling/azure/groups_entry.py"
GROUPS = ("train",)
REQUIRED = ("azureml-core",)  # by what calls the entry script
STEP = "fit_groups"
FOUND = "found"  # the step's output
FILES = 4  # parts a node
PARTS = "parts"  # their folder


def train(
    project: Project, by: Sequence[str], name: str | None, files: int | None
) -> tuple[Path, grouped_regression.Fitted]:
    """Fit the groups on the cluster; write coefficient.csv and rmse.csv as `groups.train` does.

    Args:
        project: the project of the dataset.
        by: the columns that make a group.
        name: the dataset's; the first unless given.
        files: number of parts for the groups, at most; four a node unless given.

    Returns:
        The folder of the files, and the fit of the groups.

    Raises:
        ProjectError: the columns do not make groups, none could be fitted, the job failed, or it
            cannot be followed.
    """
    work = groups.work(project, by, name)
    whole = grouped_regression.complete(*work)
    keys = whole[work.by].drop_duplicates()
    client = workspace.client(project)
    with TemporaryDirectory() as scratch:
        parts = Path(scratch) / PARTS
        parts.mkdir()
        count = _write_parts(whole, work, parts, files or FILES * _nodes(project))
        job = _submit(client, _job(project, client, work, Path(scratch), count))
    print(f"{counted(len(keys), 'group')} in {counted(count, 'file')}.", flush=True)
    table = _followed(project, client, job, work)
    if len(table) != len(keys):
        whole_count = counted(len(keys), "group")
        raise ProjectError(f"The job {job} has results for {len(table):,} of {whole_count}.")
    fitted = _fitted(table, work, grouped_regression.left_out(work.rows[work.by], keys))
    return groups.write(project, fitted), fitted


def _nodes(project: Project) -> int:
    return workspace.settings(project).compute.max_nodes


def _write_parts(whole: pd.DataFrame, work: groups.Work, folder: Path, most: int) -> int:
    """Write Parquet files whose names are in the groups' order; how many there are."""
    count = 0
    for part in grouped_regression.parts(whole, work.by, most):
        part.to_parquet(folder / f"part-{count:06}.parquet", index=False)
        count += 1
    return count


def _job(project: Project, client: Any, work: groups.Work, folder: Path, files: int) -> Any:
    """Make a pipeline whose only step calls the entry script for each file."""
    from azure.ai.ml import Input, Output
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import ManagedIdentityConfiguration, PipelineJob
    from azure.ai.ml.parallel import RunFunction, parallel_run_function

    cluster = clusters.ensure(project, client)
    environment_name = environment.register(
        project, client, f"{project.config.slug}-groups", GROUPS, packages=REQUIRED
    )
    wanted = workspace.settings(project).batch
    # The SDK takes no object of the class that it annotates here.
    retries: Any = {"max_retries": wanted.max_retries, "timeout": wanted.retry_timeout}
    step = parallel_run_function(
        name=STEP,
        display_name=STEP,
        compute=cluster,
        inputs={"rows": Input(type=AssetTypes.URI_FOLDER, path=str(folder / PARTS))},
        outputs={FOUND: Output(type=AssetTypes.URI_FILE)},
        input_data="${{inputs.rows}}",
        mini_batch_size="1",
        instance_count=min(_nodes(project), files),
        max_concurrency_per_instance=wanted.max_concurrency_per_instance,
        retry_settings=retries,
        mini_batch_error_threshold=0,
        error_threshold=0,
        environment_variables=dict(places.variables()),
        identity=ManagedIdentityConfiguration(),
        task=RunFunction(
            code=str(snapshot.take(project, folder)),
            entry_script=SCRIPT,
            program_arguments=f"--keys {len(work.by)}",
            append_row_to=f"${{{{outputs.{FOUND}}}}}",
            environment=environment_name,
        ),
    )
    return PipelineJob(
        jobs={STEP: step},
        experiment_name=project.config.slug,
        display_name=f"groups by {', '.join(work.by)}",
    )


def _submit(client: Any, job: Any) -> Any:
    """Submit the job, which uploads the files; what Azure ML says of it."""
    with workspace.project_errors("Submitting the groups"):
        submitted = client.jobs.create_or_update(job)
    print(f"Submitted {submitted.name}.", flush=True)
    print(submitted.studio_url, flush=True)
    return submitted


def _followed(project: Project, client: Any, job: Any, work: groups.Work) -> pd.DataFrame:
    """Read the job's output lines, in the order of the groups.

    Raises:
        ProjectError: it did not end well, or cannot be followed.
    """
    run = training.AzureRun(project, client, job.name, [])
    run.wait(f"It goes on: {job.studio_url}")
    if problem := run.problem():
        raise ProjectError(problem)
    text = "".join(_texts(run.output(STEP, FOUND)))
    run.remove()
    table = pd.read_csv(io.StringIO(text), header=None, dtype=str, keep_default_na=False)
    return table.sort_values(0, kind="stable", ignore_index=True)


def _texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as stream:
                yield stream.read()


def _fitted(
    table: pd.DataFrame, work: groups.Work, left_out: list[str]
) -> grouped_regression.Fitted:
    """Turn the job's lines into the result of `grouped_regression.fit`; numbers stay text."""
    keys = len(work.by)
    failed = table.iloc[:, -1] != ""
    values = table[~failed].iloc[:, 1:-1]  # the group, rows, rmse, intercept, the features
    rmse = values.iloc[:, : keys + 2].set_axis([*work.by, "rows", "rmse"], axis=1)
    coefficients = values.drop(columns=[keys + 1, keys + 2])
    return grouped_regression.Fitted(
        coefficients.set_axis([*work.by, "intercept", *work.features], axis=1),
        rmse,
        [*table[failed].iloc[:, -1], *left_out],
    )
