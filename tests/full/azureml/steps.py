"""Steps as they are submitted: their commands, and what goes into them and comes out."""

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from azureml.assets import Asset
from azureml.documents import Document
from azureml.parallel import command_of

OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
REFERENCE = re.compile(r"\$\{\{\s*([\w.\-]+)\s*\}\}")
Value = str | Asset


@dataclass(frozen=True)
class Step:
    """One command with the values of its inputs.

    Attributes:
        inputs: literals, references and assets.
        types: of the inputs.
        outputs: the outputs' types.
        bindings: references to the pipeline's outputs, and URIs, by output.
        code: the URI of the working folder's files.
    """

    name: str
    command: str
    inputs: Mapping[str, Value]
    types: Mapping[str, str]
    outputs: Mapping[str, str]
    bindings: Mapping[str, str]
    variables: Mapping[str, str]
    code: str | None
    title: str = ""  # what Azure ML shows it as: the node's, else the component's

    @property
    def needs(self) -> set[str]:
        """The steps whose outputs this one reads."""
        parts = [reference(value) for value in self.inputs.values()]
        return {part[2] for part in parts if part[:2] == ["parent", "jobs"]}


def of_component(name: str, node: Document, spec: Document, twice: bool = False) -> Step:
    """A pipeline's node, which gives values to a component."""
    defaults = {
        key: str(one["default"]) for key, one in spec_of(spec, "inputs").items() if "default" in one
    }
    outputs = {key: one["type"] for key, one in spec_of(spec, "outputs").items()}
    bound = {key: _binding(one) for key, one in (node.get("outputs") or {}).items()}
    parallel = spec.get("type") == "parallel"
    command = command_of(name, node, spec, twice) if parallel else spec["command"]
    return Step(
        name=name,
        command=command,
        inputs=defaults | values(node.get("inputs")),
        types={key: one["type"] for key, one in spec_of(spec, "inputs").items()},
        outputs=outputs,
        bindings={key: value for key, value in bound.items() if value},
        variables=node.get("environment_variables") or {},
        code=spec["task"].get("code") if parallel else spec.get("code"),
        title=node.get("display_name") or spec.get("display_name") or name,
    )


def of_command(name: str, properties: Document) -> Step:
    """A job that is one command."""
    inputs, outputs = properties.get("inputs") or {}, properties.get("outputs") or {}
    return Step(
        name=name,
        command=properties["command"],
        inputs=values(inputs),
        types={key: _type(one) for key, one in inputs.items()},
        outputs={key: _type(one) for key, one in outputs.items()},
        bindings={key: one["uri"] for key, one in outputs.items() if one.get("uri")},
        variables=properties.get("environmentVariables") or {},
        code=properties.get("codeId"),
    )


def spec_of(document: Document, name: str) -> Document:
    return document.get(name) or {}


def values(inputs: Document | None) -> dict[str, Value]:
    """Literals as text, everything else as the asset that it names."""
    return {
        name: Asset(_type(one), one["uri"]) if one.get("uri") else str(one["value"])
        for name, one in (inputs or {}).items()
    }


def ordered(steps: Mapping[str, Step]) -> list[str]:
    """The steps' names, each after those that it needs."""
    return list(
        TopologicalSorter({name: step.needs for name, step in steps.items()}).static_order()
    )


def dangling(steps: Mapping[str, Step], inputs: Container[str]) -> Iterator[str]:
    """The references to inputs, steps and outputs that are not there."""
    for step in steps.values():
        for name, value in step.inputs.items():
            match reference(value):
                case ["parent", "inputs", given] if given in inputs:
                    continue
                case ["parent", "jobs", job, "outputs", output] if (
                    job in steps and output in steps[job].outputs
                ):
                    continue
                case ["parent", *_]:
                    yield f"jobs.{step.name}.inputs.{name}: {value}"


def reference(value: Value) -> list[str]:
    """The parts of a text that is one reference, else nothing."""
    found = REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1].split(".") if found else []


def filled(command: str, given: Mapping[str, str], place: Callable[[str], str]) -> str:
    """The command with its inputs and outputs; what is optional and not given is left out.

    Args:
        given: inputs by name.
        place: where an output goes.
    """

    def value(match: re.Match[str]) -> str:
        kind, _, name = match[1].partition(".")
        if kind == "inputs" and name not in given:
            raise ValueError(f"The command needs the input {name}, which has no value.")
        return place(name) if kind == "outputs" else given[name]

    def optional(match: re.Match[str]) -> str:
        names = [found.split(".")[1] for found in REFERENCE.findall(match[1])]
        return match[1] if all(name in given for name in names) else ""

    return REFERENCE.sub(value, OPTIONAL.sub(optional, command))


def _type(value: Document) -> str:
    for name in ("jobInputType", "job_input_type", "jobOutputType", "job_output_type"):
        if name in value:
            return str(value[name])
    return str(value.get("type", "literal"))


def _binding(value: Any) -> str:
    return str(value.get("value") or value.get("uri") or "")
