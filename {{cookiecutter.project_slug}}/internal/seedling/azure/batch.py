"""The verbs `deploy-batch` and `batch-score-in-aml`: files scored by a cluster."""

import csv
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import (
    batch_endpoint,
    clusters,
    data,
    endpoints,
    environment,
    jobs,
    online_code,
    workspace,
)
from seedling.azure.endpoints import Stopped
from seedling.config import Project, RegisteredModel
from seedling.containers import images
from seedling.data import instances
from seedling.data.reading import is_table
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.scoring import inputs
from seedling.serving import assets, unnamed
from seedling.settings import ENVIRONMENT, FILES, SCORED, SERVED_MODELS

GROUPS = ("serve", "plain", "train")
REQUIRED = ("azureml-core",)  # by what calls the scoring script
OUTPUT = "score"  # what Azure ML calls the output of a scoring job
MARK = "file,row,"  # how the line of column names begins


def deploy(project: Project, model: str | None) -> str:
    """Deploy a registered model for files, try it, and let it answer from then on.

    Args:
        project: its model.yaml names the model's versions.
        model: its name; the best champion unless given.

    Returns:
        What answers now, in a sentence.

    Raises:
        ProjectError: something failed; the endpoint answers as before.
    """
    registered = _registered(project, model)
    client = workspace.client(project)
    name_of_model = registered.model
    cluster = clusters.ensure(project, client, name_of_model)
    environment_name = environment.register(
        project, client, f"{project.config.slug}-batch", GROUPS, packages=REQUIRED
    )
    endpoint = batch_endpoint.find(project, client, name_of_model)
    endpoint = endpoint or batch_endpoint.create(project, client, name_of_model)
    name = _free_name(project, client, endpoint.name, name_of_model)
    print(f"Deploying {registered.model}, version {registered.version}, to {endpoint.name}.")
    with TemporaryDirectory() as folder:
        images.stage(project, Path(folder))
        deployment = _deployment(project, registered, Path(folder))
        script = deployment.code_configuration.scoring_script
        online_code.refuse_missing(Path(folder), script, "batch")
        deployment.name, deployment.endpoint_name = name, endpoint.name
        deployment.compute, deployment.environment = cluster, environment_name
        deployment.model = _model(project, client, registered)
        begin = client.batch_deployments.begin_create_or_update
        try:
            endpoints.finish(lambda: begin(deployment), f"Creating the deployment {name}")
            _try(project, client, endpoint.name, name, registered.model)
        except Stopped:
            raise
        except BaseException as error:
            _remove(client, endpoint.name, name)
            if not isinstance(error, ProjectError):
                raise
            raise ProjectError(f"{error} The deployment {name} is removed.") from None
    endpoint.defaults = {"deployment_name": name}
    endpoint.description = batch_endpoint.description(project, name_of_model)
    begin = client.batch_endpoints.begin_create_or_update
    endpoints.finish(lambda: begin(endpoint), f"Making {name} the default")
    return f"{name} of {endpoint.name} scores files now: {registered.model}, " + (
        f"version {registered.version}."
    )


def submit(project: Project, source: str, target: Path, model: str | None = None) -> str:
    """Have the endpoint score files; the job's name.

    Args:
        project: the project of the endpoint.
        source: a file or a folder here, which is uploaded, or a URI or data asset of Azure ML.
        target: where the predictions will be written here.
        model: the model whose endpoint is asked; the best champion unless given.

    Raises:
        ProjectError: there is nothing to score, the target is a folder or one of the files to
            score, there is no endpoint, or Azure refuses.
    """
    _refuse_folder(target)
    there = data.URI.fullmatch(source) or data.ASSET.fullmatch(source)
    given = source if there else str(_local(Path(source), target))
    client = workspace.client(project)
    name = model or unnamed.here(project, project.config) or ""
    endpoint = batch_endpoint.existing(project, client, name)
    return _invoke(client, endpoint.name, batch_endpoint.default_of(endpoint), given)


def fetch(project: Project, job: str, target: Path) -> tuple[int, list[str]]:
    """Wait for a scoring job's end, and write its predictions as `batch-score` does.

    Returns:
        How many rows there are, and what is wrong with the files that were not scored.

    Raises:
        ProjectError: the target is a folder, or the job failed, or it cannot be followed; it goes
            on then.
    """
    _refuse_folder(target)
    client = workspace.client(project)
    with TemporaryDirectory() as scratch:
        found = _download(client, job, Path(scratch), how_to_follow(job, target))
        with replacing(target) as aside:
            rows = _in_order(found, aside)
        return rows, _errors(found)


def how_to_follow(job: str, target: Path | str) -> str:
    verb = "python -m seedling batch-score-in-aml"
    return f"It goes on. Follow it: {verb} --follow {job} --output {target}"


def _registered(project: Project, model: str | None) -> RegisteredModel:
    """Find the champion that is to be deployed."""
    champions = [entry for entry in project.config.models if entry.is_champion]
    if not champions:
        raise ProjectError("No model is registered: run train.")
    model = model or unnamed.here(project, project.config)
    for entry in champions:
        if entry.model == model:
            assets.refuse_missing(project, [entry])
            return entry
    known = ", ".join(entry.model for entry in champions)
    raise ProjectError(f"There is no registered model {model!r}; there are: {known}.")


def _deployment(project: Project, registered: RegisteredModel, code: Path) -> Any:
    from azure.ai.ml.entities import (
        BatchRetrySettings,
        CodeConfiguration,
        ModelBatchDeployment,
        ModelBatchDeploymentSettings,
    )

    wanted = workspace.settings(project, registered.model).batch
    script = wanted.score_file_name or online_code.SCRIPT
    settings = ModelBatchDeploymentSettings(
        mini_batch_size=wanted.mini_batch_size,
        instance_count=wanted.deployment_instance_count,
        max_concurrency_per_instance=wanted.max_concurrency_per_instance,
        output_action="append_row",
        output_file_name=wanted.output_file_name,
        retry_settings=BatchRetrySettings(
            max_retries=wanted.max_retries, timeout=wanted.retry_timeout
        ),
        error_threshold=wanted.error_threshold,
        environment_variables={
            SERVED_MODELS.name: registered.model,
            ENVIRONMENT.name: "",
            SCORED.name: FILES,
        },
    )
    return ModelBatchDeployment(
        name="new",
        code_configuration=CodeConfiguration(code=str(code), scoring_script=script),
        settings=settings,
        tags={"model": registered.model, "version": registered.version},
    )


def _model(project: Project, client: Any, registered: RegisteredModel) -> Any:
    """Return the model of the deployment: the workspace's, or one made of these files."""
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Model
    from azure.core.exceptions import ResourceNotFoundError

    with workspace.project_errors(f"Looking for {registered.name}"):
        try:
            known = client.models.get(registered.name, registered.version)
            if known.tags.get("sha256") == registered.sha256:
                return f"azureml:{known.name}:{known.version}"
        except ResourceNotFoundError:
            pass
    return Model(path=str(project.model_path(registered)), type=AssetTypes.CUSTOM_MODEL)


def _free_name(project: Project, client: Any, endpoint: str, model: str) -> str:
    """Choose a name for the next deployment: `batch-1`, `batch-2` and so on."""
    start = workspace.settings(project, model).batch.deployment_name or "batch"
    with workspace.project_errors(f"Looking at the deployments of {endpoint}"):
        there = {deployment.name for deployment in client.batch_deployments.list(endpoint)}
    return next(name for number in range(1, 10_000) if (name := f"{start}-{number}") not in there)


def _try(project: Project, client: Any, endpoint: str, deployment: str, model: str) -> None:
    """Have a new deployment score the model's test instances.

    Raises:
        ProjectError: it does not answer each of them.
    """
    print(f"Trying {deployment} with {model}'s test instances.")
    with TemporaryDirectory() as scratch:
        table, answers = Path(scratch) / "try.csv", Path(scratch) / "answers.csv"
        sent = _write_instances(project, model, table)
        job = _invoke(client, endpoint, deployment, str(table))
        again = f"The deployment {deployment} is not tried yet."
        answered = _in_order(_download(client, job, Path(scratch) / "found", again), answers)
        if answered != sent:
            raise ProjectError(f"{deployment} answered {answered} of {sent} test instances.")


def _write_instances(project: Project, model: str, path: Path) -> int:
    """Write the model's test instances as a table; how many there are."""
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    file = workspace.settings(project, model).batch.test_file_path
    rows = instances.read(project, model, file)["payload"]["instances"]
    names = [column.name for column in dataset.raw]
    named = [row if isinstance(row, dict) else dict(zip(names, row, strict=True)) for row in rows]
    with path.open("w", encoding="utf-8", newline="") as stream:
        columns = [*dict.fromkeys([*dataset.entity_key, *names])]  # a group may be in both
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(named)
    return len(named)


def _refuse_folder(target: Path) -> None:
    """Refuse a folder as the file of predictions, which would be written in its place."""
    if target.is_dir():
        raise ProjectError(f"{target} is a folder: give --output the name of a file.")


def _local(source: Path, target: Path) -> Path:
    """Check a file or folder of this machine, so that it is not refused on the cluster later."""
    inputs.find(str(source))
    if left := inputs.left_out(str(source)):
        raise ProjectError(f"{left[0]} is not scored, and a cluster gets all of {source}: move it.")
    inputs.refuse_target(str(source), target)
    return source.resolve()


def _invoke(client: Any, endpoint: str, deployment: str, source: str) -> str:
    from azure.ai.ml import Input
    from azure.ai.ml.constants import AssetTypes

    with workspace.project_errors(f"Asking {endpoint}"):
        is_file = is_table(Path(source))
        kind = AssetTypes.URI_FILE if is_file else AssetTypes.URI_FOLDER
        asset = data.ASSET.fullmatch(source)
        if asset:
            latest = {"label": "latest"} if asset["version"] is None else {}
            kind = client.data.get(asset["name"], asset["version"], **latest).type
        job = client.batch_endpoints.invoke(
            endpoint_name=endpoint,
            deployment_name=deployment,
            inputs={"data": Input(type=kind, path=source)},
        )
    return str(job.name)


def _download(client: Any, job: str, folder: Path, again: str) -> Path:
    """Wait for a scoring job's end; the folder with what it has left."""
    status = jobs.follow(client, job, again)
    with workspace.project_errors(f"Listing the steps of {job}"):
        steps = list(client.jobs.list(parent_job_name=job))
    with workspace.project_errors(f"Downloading what {job} has left"):
        for step in steps:
            client.jobs.download(step.name, download_path=folder, all=status == "Completed")
    if status == "Canceled":
        raise ProjectError(f"The job {job} was cancelled.")
    if status != "Completed":
        told = " ".join(_errors(folder)) or "its own page says why."
        raise ProjectError(f"The job {job} failed: {told}")
    return folder


def _errors(folder: Path) -> list[str]:
    """Collect the scoring script's errors about faulty files from the job's logs."""
    found: dict[str, None] = {}
    for log in sorted(folder.rglob("*.txt")):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Error: "):
                found[line.removeprefix("Error: ")] = None
    return list(found)


def _in_order(folder: Path, target: Path) -> int:
    """Write one table of all that a job has left, its files by name; the number of rows.

    What the cluster appends is in the order in which it was done, and each file's lines begin
    with the column names. Azure ML may deliver a mini-batch twice: a file's lines are then there
    twice, and are taken once.

    Raises:
        ProjectError: nothing was left, or a file was scored twice with different answers.
    """
    outputs = folder / "named-outputs" / OUTPUT
    found = sorted(path for path in outputs.rglob("*") if path.is_file())
    places: list[tuple[str, Path, int, int]] = []
    for path in found:
        places += _blocks(path)
    rows, before = 0, ("", "")
    with target.open("wb") as stream:
        for number, (name, path, start, end) in enumerate(sorted(places)):
            digest = _digest(path, start, end)
            if name and name == before[0]:
                if digest != before[1]:
                    raise ProjectError(
                        f"{name} was scored twice, by different versions: ask for it again."
                    )
                continue
            before = name, digest
            with path.open("rb") as source:
                source.seek(start)
                heading = source.readline()
                if number == 0:
                    stream.write(heading.rstrip(b"\r\n") + b"\n")
                while source.tell() < end:
                    line = source.readline().rstrip(b"\r\n")
                    if line:
                        stream.write(line + b"\n")
                        rows += 1
    if not places:
        raise ProjectError("The job has left no predictions.")
    return rows


def _digest(path: Path, start: int, end: int) -> str:
    """Return a hash of the lines of a stretch of a file."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        stream.seek(start)
        while stream.tell() < end:
            line = stream.readline().rstrip(b"\r\n")
            found.update(line + b"\n" if line else b"")
    return found.hexdigest()


def _blocks(path: Path) -> Iterator[tuple[str, Path, int, int]]:
    """Locate each scored file in an output: its name, first and last line."""
    with path.open("rb") as stream:
        name, start, at = "", -1, 0
        for line in stream:
            if line.startswith(MARK.encode()):
                if start >= 0:
                    yield name, path, start, at
                name, start = "", at
            elif not name and line.strip():
                name = next(csv.reader([line.decode()]))[0]
            at += len(line)
        if start >= 0:
            yield name, path, start, at


def _remove(client: Any, endpoint: str, deployment: str) -> None:
    """Delete a deployment that is not to answer, as far as it is there."""
    from azure.core.exceptions import ResourceNotFoundError

    begin = client.batch_deployments.begin_delete
    with suppress(ResourceNotFoundError):
        endpoints.finish(
            lambda: begin(name=deployment, endpoint_name=endpoint), f"Deleting {deployment}"
        )
