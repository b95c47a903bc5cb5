"""Read pipelines and their components from YAML, and check them before they run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from seedling.errors import ProjectError

TRAINING = Path("mlops/pipelines/training.yml")  # from the project's root
REFERENCE = re.compile(r"\$\{\{\s*([\w.]+)\s*\}\}")
FILE_TYPES = ("uri_file", "uri_folder")


@dataclass(frozen=True)
class Component:
    """One step: its command, and the types of its inputs and outputs."""

    path: Path
    command: str
    inputs: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Job:
    """A component with values, or references, for its inputs."""

    name: str
    component: Component
    inputs: Mapping[str, Any]

    @property
    def needs(self) -> set[str]:
        """Return the names of the jobs whose outputs this job reads."""
        return {job for job, _ in self.references()}

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield (job, output) for each input that is another job's output."""
        for value in self.inputs.values():
            parts = reference(value)
            if parts[:2] == ["parent", "jobs"] and len(parts) == 5:
                yield parts[2], parts[4]


@dataclass(frozen=True)
class Pipeline:
    path: Path
    inputs: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, Job]

    @property
    def models(self) -> list[str]:
        """Return the names of the models that the pipeline trains."""
        named = (job.inputs.get("model") for job in self.jobs.values())
        return list(dict.fromkeys(name for name in named if name))

    def only(self, models: list[str]) -> "Pipeline":
        """Return a pipeline with the jobs of these models, and the jobs that they need."""
        chosen: set[str] = set()
        waiting = [name for name, job in self.jobs.items() if job.inputs.get("model") in models]
        while waiting:
            name = waiting.pop()
            if name not in chosen:
                chosen.add(name)
                waiting.extend(self.jobs[name].needs)
        kept = {name: job for name, job in self.jobs.items() if name in chosen}
        return Pipeline(self.path, self.inputs, kept)


def load(path: Path) -> Pipeline:
    """Read the pipeline at `path` with its components.

    Raises:
        ProjectError: a file is missing or is not YAML of the expected shape, or `problems` has
            an entry.
    """
    document = _read(path)
    jobs = {}
    for name, job in (document.get("jobs") or {}).items():
        if not isinstance(job, Mapping) or not isinstance(job.get("component"), str):
            raise ProjectError(f"{path.name}, jobs.{name}: names no component file.")
        component = _component(path.parent / job["component"])
        jobs[name] = Job(name, component, job.get("inputs") or {})
    pipeline = Pipeline(path, document.get("inputs") or {}, jobs)
    found = problems(pipeline)
    if found:
        raise ProjectError(f"{path.name}: {found[0]}")
    return pipeline


def problems(pipeline: Pipeline) -> list[str]:
    """Return a pipeline's faults, one message each, that Azure ML's own validation accepts.

    They are references to nothing, inputs that a component does not have or does not get, types
    that do not fit, missing files and circular dependencies.
    """
    found = [
        f"inputs.{name}: there is no {pipeline.path.parent / value['path']}."
        for name, value in pipeline.inputs.items()
        if value.get("type") == "uri_file" and not (pipeline.path.parent / value["path"]).exists()
    ]
    for job in pipeline.jobs.values():
        found += _job_problems(pipeline, job)
    try:
        tuple(order(pipeline).static_order())
    except CycleError as error:
        found.append(f"jobs wait for each other in a circle: {' -> '.join(error.args[1])}.")
    return found


def order(pipeline: Pipeline) -> TopologicalSorter[str]:
    """Return the jobs' names for iteration, each after those that it needs."""
    return TopologicalSorter({name: job.needs for name, job in pipeline.jobs.items()})


def reference(value: Any) -> list[str]:
    """Return the parts of a value that is exactly one reference; empty for any other value."""
    match = REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    return match[1].split(".") if match else []


def _job_problems(pipeline: Pipeline, job: Job) -> Iterator[str]:
    component, where = job.component, f"jobs.{job.name}"
    for name in job.inputs.keys() - component.inputs.keys():
        yield f"{where}.inputs.{name}: {component.path.name} has no such input."
    for name, wanted in component.inputs.items():
        if name not in job.inputs:
            if "default" not in wanted and not wanted.get("optional"):
                yield f"{where}.inputs.{name}: is missing; {component.path.name} needs it."
            continue
        value = job.inputs[name]
        if not (isinstance(value, str) and "${" in value):
            if wanted["type"] in FILE_TYPES:
                yield f"{where}.inputs.{name}: {value!r} is no reference to a file or folder."
            continue
        given = _referred_type(pipeline, reference(value))
        if given is None:
            yield f"{where}.inputs.{name}: {value} refers to nothing."
        elif given != wanted["type"]:
            yield f"{where}.inputs.{name}: {value} is a {given}, not a {wanted['type']}."
    for match in REFERENCE.finditer(component.command):
        kind, _, name = match[1].partition(".")
        declared = {"inputs": component.inputs, "outputs": component.outputs}.get(kind, {})
        if name not in declared:
            yield f"{component.path.name}, command: {match[0]} refers to nothing."


def _referred_type(pipeline: Pipeline, parts: list[str]) -> str | None:
    match parts:
        case ["parent", "inputs", name] if name in pipeline.inputs:
            return str(pipeline.inputs[name]["type"])
        case ["parent", "jobs", job, "outputs", name] if job in pipeline.jobs:
            output = pipeline.jobs[job].component.outputs.get(name)
            return None if output is None else str(output["type"])
    return None


def _component(path: Path) -> Component:
    document = _read(path)
    if not isinstance(document.get("command"), str):
        raise ProjectError(f"{path.name} has no command.")
    inputs, outputs = document.get("inputs") or {}, document.get("outputs") or {}
    return Component(path, document["command"], inputs, outputs)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise ProjectError(f"There is no {path.name} in {path.parent}.") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ProjectError(f"{path.name}{line}: not valid YAML.") from None
    if not isinstance(document, Mapping):
        raise ProjectError(f"{path.name} holds no keys.")
    return document
