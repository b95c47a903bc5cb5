"""A training script on Azure ML from a notebook, from the first step to the last: `AzureMLRun`.

    run = AzureMLRun("run")
    run.setup_run()
    run.train_model()
    run.follow()
    run.deploy_locally()
    run.deploy_model()
    run.test()
    run.clean_up()

What was done is noted below local_assets/azure_runs/, so that another notebook goes on there.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling import implementations
from seedling.config import Project
from seedling.credentials import AZURE_PREFIX, AzureConfig
from seedling.errors import ProjectError
from seedling.files import read_json, write_json
from seedling.run_scripts import completed, compute
from seedling.run_scripts.settings_files import YamlConfig, set_dns_name
from seedling.run_scripts.shipping import BASE
from seedling.wording import counted

__all__ = ["AzureMLRun"]

COMPLETED, HEALTHY = "Completed", "Healthy"


@dataclass
class State:
    """The steps that a run has done; a text is empty before its step.

    Attributes:
        environment, cluster: that the job runs in and on.
        job, status, url: its name, its status and its page.
        version: under which the job has registered its model.
        tried: how many rows were answered on this machine.
        endpoint, deployment, address, health: what answers.
    """

    environment: str = ""
    cluster: str = ""
    job: str = ""
    status: str = ""
    url: str = ""
    version: str = ""
    tried: int = 0
    endpoint: str = ""
    deployment: str = ""
    address: str = ""
    health: str = ""


class AzureMLRun:
    """The run of a folder's base script on Azure ML, and the deployment of its model.

    Attributes:
        folder: has train.py, `<experiment>.yml` and azure-compute-config.json, and may have
            azure-config.json.
        project: around the folder.
        yaml_config: the values of `<experiment>.yml`; setkeyvalue changes one.
        state: how far it is; printing the run shows it.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] = "run",
        register_model: str | None = None,
        prefix: str = AZURE_PREFIX,
    ) -> None:
        """Read the files of a run folder; nothing is asked of Azure yet.

        Args:
            folder: seen from the working folder, or from the project's.
            register_model: the flavour of MLflow that the model is saved in, such as `spacy`; that
                of `<experiment>.yml` unless given, where it is written otherwise.
            prefix: of the environment variables with the credentials.

        Raises:
            ProjectError: there is no such folder, or a file of it is invalid: with line and key.
        """
        self.folder = _found(Path(folder))
        self.project = Project.find(self.folder)
        self.yaml_config = YamlConfig(self.folder)
        if register_model is not None:
            self.yaml_config.setkeyvalue("mlflow_model_type", register_model)
        compute.read(self.folder)
        completed(self.folder / BASE)
        self._prefix = prefix
        self.state = self._noted()

    @cached_property
    def config(self) -> AzureConfig:
        """Return what names and opens the workspace; its values are not shown."""
        return AzureConfig(self.folder, prefix=self._prefix)

    @cached_property
    def workspace(self) -> Any:
        """Return the SDK's client for the workspace."""
        return self.config.workspace

    def setup_run(self) -> None:
        """Enter the workspace, register the environment and create the cluster, where missing.

        Raises:
            ProjectError: a credential is missing or refused, or Azure refuses a step.
        """
        print(f"The workspace {self._azure.workspace} is entered.", flush=True)
        environment = self._azure.environment()
        print(f"The environment is {environment}.", flush=True)
        cluster = self._azure.cluster()
        print(f"The cluster is {cluster}.", flush=True)
        self._note(environment=environment, cluster=cluster)

    def train_model(self) -> None:
        """Submit the completed script as a job; `follow` waits for it.

        Raises:
            ProjectError: the script is faulty, or Azure refuses.
        """
        job, url = self._azure.submit()
        endpoint = {name: getattr(self.state, name) for name in ("endpoint", "deployment")}
        kept = {**endpoint, "address": self.state.address, "health": self.state.health}
        self.state = State(self.state.environment, self.state.cluster, **kept)
        self._note(job=job, url=url, status="Submitted")
        print(f"Submitted {job}.", url, sep="\n", flush=True)

    def follow(self) -> None:
        """Show the log of the job until it is Completed.

        Raises:
            ProjectError: it has Failed or was Canceled, with its last line; or nothing was
                submitted.
        """
        job = self._job()
        status = self._azure.follow(job)
        self._note(status=status)
        if status != COMPLETED:
            why = f": {self._azure.failure(job)}" if status == "Failed" else ""
            raise ProjectError(f"The job {job} is {status}{why}")
        self._note(version=self._azure.version(job))
        print(f"The job {job} is {status}.", flush=True)

    def deploy_locally(self) -> list[Any]:
        """Answer the example rows of the job on this machine, as a deployment would; a smoke check.

        Returns:
            The answers.

        Raises:
            ProjectError: the job is not Completed, or the scoring script does not answer.
        """
        job = self._completed_job()
        fetched = self._azure.fetch(job)
        with TemporaryDirectory() as scratch:
            code, script = self._azure.stage(fetched, Path(scratch))
            found: list[Any] = self._azure.answers_here(code, script, fetched.sample)
        print(f"{script} answers {counted(len(found), 'row')} on this machine.", flush=True)
        self._note(tried=len(found))
        return found

    def deploy_model(self) -> None:
        """Deploy the model of the job, follow it until it is Healthy, and give it the requests.

        It is tried on this machine first. If the name of the endpoint is taken, the number at its
        end is raised, and written into the file that has it. After a failure the log of the
        container is shown, and what answered before goes on.

        Raises:
            ProjectError: it does not answer here, is Unhealthy, or answers badly.
        """
        job = self._completed_job()
        self._note(health="Transitioning")
        try:
            made = self._azure.deploy(job, print)
        except BaseException:
            self._note(health=self.state.endpoint and self._health())
            raise
        self._note_name(made.endpoint)
        found = {"endpoint": made.endpoint, "deployment": made.deployment, "address": made.address}
        self._note(**found, health=HEALTHY)

    def test(self, rows: Sequence[dict[str, Any]] | None = None) -> list[Any]:
        """Ask the endpoint.

        Args:
            rows: by column name; the example rows of the job unless given.

        Returns:
            The answer to each row.

        Raises:
            ProjectError: nothing is deployed, or it answers with an error.
        """
        if not self.state.endpoint:
            raise ProjectError("Nothing is deployed yet: call deploy_model().")
        job = self._completed_job()
        sent = self._azure.fetch(job).sample if rows is None else [*rows]
        found: list[Any] = self._azure.ask(self.state.endpoint, sent)
        return found

    def clean_up(self, yes: bool = False) -> None:
        """List the endpoint of this run, and remove it where that is wished.

        The verb clean-up does it for all that the project has made: schedules, clusters and
        environments too.

        Args:
            yes: remove it.

        Raises:
            ProjectError: Azure refuses.
        """
        find = implementations.find("azure things")
        made = find(self.project, self.workspace, run=self.yaml_config["name"])
        for one in made:
            print(f"{one.kind} {one.name} ({one.about})")
        if not made:
            print("Nothing of this run is deployed.")
        elif yes:
            implementations.find("azure things, removed")(made, print)
            self._note(endpoint="", deployment="", address="", health="")
        else:
            print("clean_up(yes=True) removes it.")

    def __repr__(self) -> str:
        rows = self._rows()
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {text}" for name, text in rows]
        return "\n  ".join([f"AzureMLRun {self.yaml_config['name']} in {self.folder}", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for name, text in self._rows()
        )
        title = f"AzureMLRun <b>{escape(self.yaml_config['name'])}</b>"
        return f"<table><caption>{title}</caption>{rows}</table>"

    def _rows(self) -> list[tuple[str, str]]:
        """Return what there is to say of the state, as pairs of a name and a text."""
        state = self.state
        model = f"{self.yaml_config['model_name']} ({self.yaml_config['mlflow_model_type']})"
        tried = counted(state.tried, "row") if state.tried else "not tried yet"
        health = f"{state.endpoint}: {state.health}, {state.address}"
        return [
            ("environment", state.environment or "not set up yet"),
            ("cluster", state.cluster or "not set up yet"),
            ("job", f"{state.job}: {state.status}" if state.job else "not submitted yet"),
            ("model", f"{model}, version {state.version}" if state.version else model),
            ("on this machine", tried),
            ("endpoint", health if state.endpoint else "not deployed yet"),
            ("next", self._next()),
        ]

    def _next(self) -> str:
        """Return the step that comes next."""
        state = self.state
        steps = [
            ("setup_run()", bool(state.environment and state.cluster)),
            ("train_model()", bool(state.job) and state.status not in ("Failed", "Canceled")),
            ("follow()", state.status == COMPLETED),
            ("deploy_locally()", state.tried > 0),
            ("deploy_model()", state.health == HEALTHY),
        ]
        return next((name for name, is_done in steps if not is_done), "test(), then clean_up()")

    @cached_property
    def _azure(self) -> Any:
        run = implementations.find("run of a script on azure ml")
        return run(self.project, self.folder, self.workspace)

    def _health(self) -> str:
        return str(self._azure.health(self.state.endpoint, self.state.deployment))

    def _job(self) -> str:
        if not self.state.job:
            raise ProjectError("No job was submitted yet: call train_model().")
        return self.state.job

    def _completed_job(self) -> str:
        job = self._job()
        if self.state.status != COMPLETED:
            raise ProjectError(f"The job {job} is {self.state.status}: call follow().")
        return job

    def _note_name(self, endpoint: str) -> None:
        """Write the name that the endpoint has got into the file that names it."""
        dns_name = compute.read(self.folder).deploy_dns_name
        if dns_name is None and endpoint != self.yaml_config["service_name"]:
            self.yaml_config.setkeyvalue("service_name", endpoint)
        elif dns_name is not None and endpoint != dns_name:
            set_dns_name(self.folder, endpoint)

    @property
    def _notes(self) -> Path:
        return self.project.assets / "azure_runs" / f"{self.yaml_config['name']}.json"

    def _noted(self) -> State:
        """Read how far the run was; a note that cannot be read counts as none."""
        try:
            return State(**read_json(self._notes))
        except (OSError, ValueError, TypeError):
            return State()

    def _note(self, **changes: Any) -> None:
        self.state = State(**{**asdict(self.state), **changes})
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._notes, asdict(self.state))


def _found(folder: Path) -> Path:
    """Return a run folder, seen from the working folder or from the project's.

    Raises:
        ProjectError: there is none.
    """
    if folder.is_dir():
        return folder.resolve()
    beside = Project.find().root / folder
    if not beside.is_dir():
        raise ProjectError(f"There is no folder {folder.as_posix()}, here or in the project.")
    return beside.resolve()
