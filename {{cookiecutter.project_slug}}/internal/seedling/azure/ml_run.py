"""The workspace's side of an AzureMLRun: set up, train, follow, deploy, ask."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from seedling.azure import (
    command_job,
    environment,
    jobs,
    online_code,
    rollout,
    run_endpoint,
    score_run,
    script_job,
    snapshot,
    workspace,
)
from seedling.azure.online_endpoint import Endpoint
from seedling.azure.rollout import Say
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.registry import model_files
from seedling.run_scripts import compute, experiment
from seedling.training import local_run

GROUPS = ("train",)  # a model needs what it was trained with
OWN_SCRIPT = "score.py"  # of the run folder
SAMPLE = "example_inputs.json"
_registered = re.compile(r"Registered as (\S+), version (\S+)\.")


class Fetched(NamedTuple):
    """The files that a job has left.

    Attributes:
        model: the folder of its MLflow model.
        sample: rows to try it with, by column name.
    """

    model: Path
    sample: list[dict[str, Any]]


class Deployed(NamedTuple):
    """An endpoint, the deployment of it that answers, and the address."""

    endpoint: str
    deployment: str
    address: str


class MlRun:
    """The workspace of a run folder.

    Attributes:
        project: around the folder.
        folder: with train.py, `<experiment>.yml` and azure-compute-config.json.
        client: of the workspace, as AzureConfig opens it.
    """

    def __init__(self, project: Project, folder: Path, client: Any) -> None:
        self.project, self.folder, self.client = project, folder, client

    @cached_property
    def workspace(self) -> str:
        """Return the workspace's name, once it was entered.

        Raises:
            ProjectError: it is not there, or refuses this credential.
        """
        name = str(self.client.workspace_name)
        with workspace.project_errors(f"Entering the workspace {name}"):
            self.client.workspaces.get(name)
        return name

    def environment(self) -> str:
        """Return `name:version` of the job's environment; register it if missing."""
        return script_job.environment_of(self.project, self.client, experiment.read(self.folder))

    def cluster(self) -> str:
        """Return the name of the job's cluster; create it if missing."""
        return script_job.cluster_of(self.project, self.client, compute.read(self.folder))

    def submit(self) -> tuple[str, str]:
        """Submit the completed script; return the job's name and the address of its page."""
        job = script_job.submit(self.project, self.client, self.folder)
        return str(job.name), str(job.studio_url)

    def follow(self, job: str) -> str:
        """Print the log of a job until it ends; return its status."""
        status = jobs.follow(self.client, job, "It goes on: follow() follows it again.")
        return next(each for each in jobs.FINAL if each == status)  # not as the SDK's own kind

    def failure(self, job: str) -> str:
        """Return the last line of the log of a job that failed, and where all of it is."""
        log = self._log(job)
        if not log.is_file():
            return "it has left no log; its page says more"
        return f"{local_run.last_line(log).removeprefix('Error: ')} (log: {log.as_posix()})"

    def version(self, job: str) -> str:
        """Return the version that a job has registered its model under; empty where it has not."""
        log = self._log(job)
        found = _registered.search(log.read_text("utf-8", "replace")) if log.is_file() else None
        return found[2] if found else ""

    def fetch(self, job: str) -> Fetched:
        """Download what a job has left, unless it is here already.

        Raises:
            ProjectError: it has saved no model, or no example of its input.
        """
        folder = self._kept(job) / script_job.KEPT
        if not folder.is_dir():
            command_job.download(self.client, job, script_job.KEPT, folder)
        models = sorted(path.parent for path in folder.rglob("MLmodel"))
        samples = sorted(folder.rglob(SAMPLE))
        if not models or not samples:
            what = "model" if not models else SAMPLE
            raise ProjectError(f"The job {job} has left no {what}: its script skips that section.")
        sample = json.loads(samples[0].read_text(encoding="utf-8"))["instances"]
        return Fetched(models[0], sample)

    def stage(self, fetched: Fetched, folder: Path) -> tuple[Path, str]:
        """Copy what a deployment runs below a folder; return its code and its scoring script."""
        code = snapshot.take(self.project, folder)
        shutil.copytree(fetched.model, code / score_run.MODEL)
        own = self.folder / OWN_SCRIPT
        if not own.is_file():
            return code, online_code.SCRIPT.replace("score.py", "score_run.py")
        shutil.copy(own, code / OWN_SCRIPT)  # not in run/, which an upload of the code leaves out
        return code, OWN_SCRIPT

    def answers_here(self, code: Path, script: str, sample: list[dict[str, Any]]) -> list[Any]:
        """Answer a sample on this machine, in a process that does what a deployment does.

        Raises:
            ProjectError: the script does not start, or does not answer.
        """
        with TemporaryDirectory() as scratch:
            body = Path(scratch) / "body.json"
            body.write_text(json.dumps({"instances": sample}), encoding="utf-8")
            (said,) = online_code.scored(code, script, [body], {})
        if said["status"] != 200:
            raise ProjectError(f"{script} answers {said['status']} here: {said['answer']}")
        return _predictions(said["answer"], script)

    def deploy(self, job: str, say: Say) -> Deployed:
        """Deploy the model of a job beside the present deployment, and route requests to it.

        Raises:
            ProjectError: something failed, or the job was a smoke check; the endpoint answers as
                before.
        """
        described, wanted = experiment.read(self.folder), compute.read(self.folder)
        fetched = self.fetch(job)
        _refuse_smoke(fetched.model, job)
        with TemporaryDirectory() as scratch:
            code, script = self.stage(fetched, Path(scratch))
            say("Trying on this machine what is to be deployed")
            expected = self.answers_here(code, script, fetched.sample)
            context = Path(scratch) / "environment"
            online_code.write_context(self.project, context, GROUPS, described.dependencies)
            content = _content(code, context, wanted)
            name = f"{described.env_name}-serving"
            made = environment.register_context(
                self.project, self.client, name, context, online_code.ROUTES
            )
            name = wanted.deploy_dns_name or described.service_name
            found = run_endpoint.find(self.project, self.client, name, described.name, wanted)
            colour = rollout.choose(found, content)
            endpoint = found or run_endpoint.create(
                self.project, self.client, name, described.name, wanted
            )

            def test(endpoint: Endpoint, deployment: str) -> None:
                answered = self.ask(endpoint.name, fetched.sample, deployment)
                _compare(expected, answered, endpoint.name)
                say(f"{deployment or endpoint.name} answers {len(answered)} rows as here")

            if colour.is_there:
                say(f"{colour.name} of {endpoint.name} has this model already")
                test(endpoint, colour.name)
            else:
                tags = {rollout.CONTENT: content, "job": job, "model": described.model_name}
                deployment = run_endpoint.deployment(
                    endpoint, colour.name, wanted, (code, script, made), tags
                )
                rollout.create(endpoint, deployment, test, say)
            rollout.route(endpoint, {colour.name: 100}, colour.name, test, described.name)
        say(rollout.state_of(endpoint))
        return Deployed(endpoint.name, colour.name, str(endpoint.document().scoring_uri))

    def health(self, endpoint: str, deployment: str) -> str:
        """Return Healthy, Unhealthy or Transitioning of a deployment."""
        return Endpoint(self.client, endpoint).health(deployment)

    def ask(self, endpoint: str, sample: list[dict[str, Any]], deployment: str = "") -> list[Any]:
        """Return the answers of an endpoint to rows by column name."""
        answer = Endpoint(self.client, endpoint).ask({"instances": sample}, deployment)
        return _predictions(answer, endpoint)

    def _log(self, job: str) -> Path:
        """Return the path of a job's log, downloaded if it has one."""
        kept = self._kept(job) / "log.txt"
        with TemporaryDirectory() as scratch:
            with workspace.project_errors(f"Downloading the log of {job}"):
                self.client.jobs.download(job, download_path=scratch)
            for log in sorted(Path(scratch).rglob("std_log.txt"))[:1]:
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(log, kept)
        return kept

    def _kept(self, job: str) -> Path:
        return self.project.assets / "azure_runs" / job


def _refuse_smoke(model: Path, job: str) -> None:
    described = YAML(typ="safe", pure=True).load(model / "MLmodel") or {}
    if (described.get("metadata") or {}).get(model_files.SMOKE):
        raise ProjectError(
            f"The job {job} was a smoke check, which is no result: it is not deployed. Take "
            'params["smoke"] out of the script, and train again.'
        )


def _predictions(answer: Any, who: str) -> list[Any]:
    """Return the answers of a scoring script, which may be a team's own."""
    found = answer.get("predictions") if isinstance(answer, Mapping) else answer
    if not isinstance(found, list):
        raise ProjectError(f'{who} answers neither a list nor {{"predictions": [...]}}.')
    return found


def _compare(expected: list[Any], answered: list[Any], name: str) -> None:
    """Refuse answers that are others than on this machine.

    Raises:
        ProjectError: with the first row that differs.
    """
    if len(expected) != len(answered):
        raise ProjectError(f"{name} answers {len(answered)} rows, and {len(expected)} were sent.")
    for row, (here, there) in enumerate(zip(expected, answered, strict=True), 1):
        if not _alike(here, there):
            raise ProjectError(f"{name} answers row {row} with {there}, and this machine {here}.")


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-6 * max(1.0, abs(one))
    return bool(one == other)


def _content(code: Path, context: Path, wanted: compute.Compute) -> str:
    """Return a hash of a deployment's files, environment and machines."""
    made_of = f"{sha256(code)} {sha256(context)} {run_endpoint.made_on(wanted)}"
    return hashlib.sha256(made_of.encode()).hexdigest()[:12]
