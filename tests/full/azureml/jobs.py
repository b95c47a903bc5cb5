"""Jobs that truly run: each step a process of its own, its files moved as Azure ML moves them."""

import re
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

from azureml import automl
from azureml import steps as steps_of
from azureml.assets import Asset, Assets, output_uri
from azureml.documents import SCOPE, Document, Documents
from azureml.known_steps import KnownSteps
from azureml.messages import Answer, Refused, Request, Routes
from azureml.processes import Process, last_words
from azureml.proxy import Proxy
from azureml.registration import register
from azureml.runs import FINAL, Run
from azureml.steps import Step
from azureml.storage import CONTAINER, Storage
from azureml.sweeps import Sweep, refuse_sweep
from azureml.tokens import token
from azureml.workspace import WORKSPACE

JOBS = f"workspaces/{WORKSPACE}/jobs"


class Jobs:
    """Runs what is submitted, each job in a thread of its own.

    Attributes:
        runs: every job and every step of one, by id.
        queue: seconds that a job waits before it starts.
        twice: whether a parallel step's first mini-batch is delivered twice, its last to two nodes.
        known: what is run once, if a test says so.
    """

    def __init__(
        self,
        documents: Documents,
        storage: Storage,
        proxy: Proxy,
        python: Path,
        folder: Path,
        settings: Mapping[str, str],
    ) -> None:
        self.documents, self.storage, self.proxy = documents, storage, proxy
        self.python, self.folder, self.settings = python, folder, settings
        self.queue = 0.0
        self.twice = False
        self.known = KnownSteps(folder.with_name("known"))
        self.assets = Assets(storage, documents)
        self.runs: dict[str, Run] = {}
        documents.completions["jobs"] = self._submitted

    def add_routes(self, routes: Routes) -> None:
        routes.add("POST", SCOPE + "/jobs/(?P<name>[^/]+)/cancel", self._cancel)

    def fire(self, schedule: str) -> str:
        """Start the job of a schedule, as its trigger would; returns the job's name."""
        found = self.documents.get(f"workspaces/{WORKSPACE}/schedules/{schedule}")["properties"]
        name = f"{schedule}-{len(self.runs)}"
        self.documents.put(f"{JOBS}/{name}", {"properties": found["action"]["jobDefinition"]})
        return name

    def stop(self) -> None:
        """End every process that still runs."""
        for run in self.runs.values():
            run.cancel()

    def perform_alone(self, run: Run, step: Step) -> None:
        """Run a job's only step, which ends the job as it ends itself."""
        self.start(run)
        child = self.perform_child(run, step)
        self.end(run, child.status, child.error)

    def perform_child(self, run: Run, step: Step) -> Run:
        """Run a step of a job."""
        child = self._child(run, step.name)
        self._step(child, step, {})
        return child

    def start(self, run: Run) -> None:
        self._start(run)

    def end(self, run: Run, status: str, error: str = "") -> None:
        self._end(run, status, error)

    def _submitted(self, key: str, document: Document) -> None:
        name, properties = document["name"], document["properties"]
        if properties is None:  # a pipeline's child, which only the run history knows
            return
        run = self.runs.get(name)
        if run is None and properties["jobType"] == "Pipeline":
            self._refuse_dangling(properties)
        if run is None and properties["jobType"] == "Sweep":
            refuse_sweep(properties)
        if run is None and properties["jobType"] == "AutoML":
            automl.refuse(properties)
        endpoint = {"jobServiceType": "Studio", "endpoint": f"https://ml.azure.com/runs/{name}"}
        properties["services"] = {"Studio": endpoint}
        properties["status"] = run.status if run else "NotStarted"
        if run is None:
            experiment = properties.setdefault("experimentName", "Default")
            self.runs[name] = Run(name, name, properties["jobType"], experiment)
            Thread(target=self._perform, args=(name, properties), daemon=True).start()

    def _refuse_dangling(self, properties: Document) -> None:
        """The service refuses what the SDK's own validation lets through."""
        steps = self._nodes(properties)
        found = list(steps_of.dangling(steps, properties.get("inputs") or {}))
        if found:
            raise Refused(400, "UserError", f"{found[0]} refers to nothing.")

    def _cancel(self, request: Request, match: re.Match[str]) -> Answer:
        name = match["name"]
        self.documents.get(f"{JOBS}/{name}")
        for run in self.runs.values():
            if name in (run.id, run.root):
                run.cancel()
        return Answer(200)

    def _perform(self, name: str, properties: Document) -> None:
        run = self.runs[name]
        time.sleep(self.queue)
        try:
            if run.cancelled:
                self._end(run, "Canceled")
            elif run.kind == "Pipeline":
                self._pipeline(run, properties)
            elif run.kind == "Command":
                self._step(run, steps_of.of_command(name, properties), {})
            elif run.kind == "AutoML":
                automl.perform(self, run, properties)
            elif run.kind == "Sweep":
                self.start(run)
                Sweep(self, run, properties).perform()
            else:
                self._end(run, "Failed", f"A job of the type {run.kind} is not emulated.")
        except Exception as error:
            traceback.print_exc()
            self._end(run, "Failed", str(error))

    def _pipeline(self, run: Run, properties: Document) -> None:
        self._start(run)
        known: dict[str, Any] = {
            f"parent.inputs.{name}": value
            for name, value in steps_of.values(properties.get("inputs")).items()
        }
        for name, declared in (properties.get("outputs") or {}).items():
            type_ = declared["jobOutputType"]
            run.outputs[name] = Asset(type_, declared.get("uri") or output_uri(run.id, name, type_))
        steps = self._nodes(properties)
        children = {name: self._child(run, name, step.title) for name, step in steps.items()}
        carry_on = (properties.get("settings") or {}).get("continue_on_step_failure", False)
        failed: dict[str, Run] = {}
        for name in steps_of.ordered(steps):
            child = children[name]
            if run.cancelled or steps[name].needs & failed.keys() or (failed and not carry_on):
                self._end(child, "Canceled")
                failed.setdefault(name, child)
                continue
            self._step(child, steps[name], known | self._declared(run))
            if child.status != "Completed":
                failed[name] = child
            known |= {
                f"parent.jobs.{name}.outputs.{key}": one for key, one in child.outputs.items()
            }
            self._say(run, f"{name}: {child.status}\n", "logs/azureml/executionlogs.txt")
        if run.cancelled:
            return self._end(run, "Canceled")
        if not failed:
            return self._end(run, "Completed")
        name, child = next(iter(failed.items()))
        self._end(
            run, "Failed", f"Pipeline has failed child jobs. Failed nodes: /{name}. {child.error}"
        )

    def _declared(self, run: Run) -> dict[str, Any]:
        return {f"parent.outputs.{name}": asset for name, asset in run.outputs.items()}

    def _nodes(self, properties: Document) -> dict[str, Step]:
        return {name: self._node(name, node) for name, node in properties["jobs"].items()}

    def _node(self, name: str, node: Document) -> Step:
        component = node["componentId"].removeprefix("azureml:").partition("/components/")[2]
        key = f"workspaces/{WORKSPACE}/components/{component}"
        spec = self.documents.get(key)["properties"]["componentSpec"]
        return steps_of.of_component(name, node, spec, self.twice)

    def _child(self, run: Run, name: str, title: str = "") -> Run:
        child = Run(f"{run.id}_{name}", run.id, "Command", run.experiment, title or name)
        self.runs[child.id] = child
        # Azure ML answers for a child with a job that has no properties.
        self.documents.put_bare(f"{JOBS}/{child.id}")
        return child

    def _step(self, run: Run, step: Step, known: Mapping[str, Any]) -> None:
        self._start(run)
        folder = self.folder / run.id
        mounts = folder / "wd"
        given = {}
        for name, value in step.inputs.items():
            resolved = known.get(".".join(steps_of.reference(value)), value)
            if isinstance(resolved, Asset):
                mounted = self.assets.mount(resolved, step.types[name], mounts / f"INPUT_{name}")
                resolved = str(mounted)
            given[name] = resolved
        for name, type_ in step.outputs.items():
            bound = step.bindings.get(name, "")
            asset = known.get(".".join(steps_of.reference(bound)))
            uri = asset.uri if asset else bound or output_uri(run.id, name, type_)
            run.outputs[name] = Asset(type_, uri)
            if type_ != "uri_file":
                (mounts / name).mkdir(parents=True)
        command = steps_of.filled(step.command, given, lambda name: str(mounts / name))
        code = folder / "code"
        code.mkdir(parents=True, exist_ok=True)
        if step.code:
            self.assets.fetch(step.code.removeprefix("azureml:"), code)
        place = self.known.place(step.name, command, mounts, code)
        if place and self.known.replay(step.name, place, mounts):
            return self._finish(run, 0, "", mounts)
        run.process = Process(command, code, self._variables(run, step), self.python)
        if run.cancelled:  # while its files were on their way
            run.process.kill()
        words = []
        for line in run.process.lines():
            words.append(line)
            self._say(run, line)
        status = run.process.wait()
        if place and status == 0:
            self.known.keep(place, (mounts / name for name in step.outputs))
        self._finish(run, status, "".join(words), mounts)

    def _finish(self, run: Run, code: int, words: str, mounts: Path) -> None:
        if run.cancelled:
            return self._end(run, "Canceled")
        if code:
            return self._end(
                run,
                "Failed",
                f"Execution failed. User process exited with status code {code}. Please check "
                f"log file 'user_logs/std_log.txt' for error details. Error: {last_words(words)}",
            )
        for name, asset in run.outputs.items():
            if (mounts / name).exists():
                self.assets.keep(mounts / name, asset.uri)
        self._end(run, "Completed")

    def _variables(self, run: Run, step: Step) -> dict[str, str]:
        parent = run.root if run.root != run.id else None
        tracked = run.tracked = self.proxy.new_run(run.experiment, parent)
        run_token = token(self.settings["ARM_CLOUD_METADATA_URL"])
        mlflow = {"MLFLOW_RUN_ID": tracked, "MLFLOW_TRACKING_TOKEN": run_token} if tracked else {}
        return (
            dict(self.settings)
            | mlflow
            | {
                "AZUREML_RUN_ID": run.id,
                "AZUREML_ROOT_RUN_ID": run.root,
                "AZUREML_EXPERIMENT_NAME": run.experiment,
                "MLFLOW_EXPERIMENT_NAME": run.experiment,
                **step.variables,
            }
        )

    def _say(self, run: Run, words: str, log: str = "user_logs/std_log.txt") -> None:
        run.logs.add(log)
        self.storage.append(CONTAINER, f"{run.artifacts}/{log}", words.encode())

    def _start(self, run: Run) -> None:
        run.started = datetime.now(UTC)
        self._tell(run, "Running")

    def _end(self, run: Run, status: str, error: str = "") -> None:
        run.error, run.ended = error, datetime.now(UTC)
        self._tell(run, status)

    def _tell(self, run: Run, status: str) -> None:
        if run.status in FINAL:
            return
        if status == "Completed" and run.id == run.root:
            declared = self.documents.get(f"{JOBS}/{run.id}")["properties"].get("outputs")
            register(self.documents, run, declared or {})
        run.status = status
        if run.id == run.root:
            self.documents.change(f"{JOBS}/{run.id}", status=status)
