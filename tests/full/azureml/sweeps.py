"""Sweeps: a command that is run again and again with other values, and measured by MLflow."""

import itertools
import math
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from azureml import steps as steps_of
from azureml.documents import Document
from azureml.messages import Refused
from azureml.runs import Run

CHOICE = "choice"


class Sweep:
    """The trials of one sweep job."""

    def __init__(self, jobs: Any, run: Run, properties: Document) -> None:
        self.jobs, self.run, self.properties = jobs, run, properties
        self.metric = properties["objective"]["primaryMetric"]

    def perform(self) -> None:
        """Run the trials, and end the job: the best child is one of its properties."""
        limits = self.properties["limits"]
        found = itertools.islice(_combinations(self.properties), limits["maxTotalTrials"])
        with ThreadPoolExecutor(limits["maxConcurrentTrials"]) as pool:
            children = list(pool.map(self._trial, *zip(*enumerate(found), strict=True)))
        if self.run.cancelled:
            return self.jobs.end(self.run, "Canceled")
        measured = {
            child.id: value
            for child in children
            if child.status == "Completed"
            and (value := self.jobs.proxy.metric(child.tracked, self.metric)) is not None
        }
        if not measured:
            words = f"No trial has logged the primary metric {self.metric}."
            return self.jobs.end(self.run, "Failed", words)
        best = max if self.properties["objective"]["goal"].lower() == "maximize" else min
        key = f"workspaces/workspace/jobs/{self.run.id}"
        told = {"best_child_run_id": best(measured, key=lambda child: measured[child])}
        self.jobs.documents.change(key, properties=told)
        self.jobs.end(self.run, "Completed")

    def _trial(self, number: int, values: dict[str, Any]) -> Run:
        merged = self.properties | self.properties["trial"]
        step = steps_of.of_command(str(number), merged)
        given = {name: str(value) for name, value in values.items()}
        return self.jobs.perform_child(self.run, replace(step, inputs={**step.inputs, **given}))


def refuse_sweep(properties: Document) -> None:
    """What the service refuses as it is submitted."""
    limits, space = properties["limits"], properties["searchSpace"]
    if limits["maxConcurrentTrials"] > limits["maxTotalTrials"]:
        raise Refused(400, "UserError", "There are more concurrent trials than trials.")
    grid = properties["samplingAlgorithm"]["samplingAlgorithmType"] == "Grid"
    if grid and any(kind != CHOICE for kind, _ in space.values()):
        raise Refused(400, "UserError", "Grid sampling takes choices only.")
    for name, (kind, arguments) in space.items():
        if kind != CHOICE and not arguments[0] < arguments[1]:
            raise Refused(400, "UserError", f"The range of {name} is empty.")


def _combinations(properties: Document) -> Iterator[dict[str, Any]]:
    space = properties["searchSpace"]
    if properties["samplingAlgorithm"]["samplingAlgorithmType"] == "Grid":
        for values in itertools.product(*(arguments[0] for _, arguments in space.values())):
            yield dict(zip(space, values, strict=True))
        return
    generator = random.Random(0)  # noqa: S311 - trials are no secrets
    while True:
        yield {name: _drawn(generator, *wanted) for name, wanted in space.items()}


def _drawn(generator: random.Random, kind: str, arguments: list[Any]) -> Any:
    if kind == CHOICE:
        return generator.choice(arguments[0])
    drawn = generator.uniform(*arguments[:2])
    value = math.exp(drawn) if "log" in kind else drawn
    return (
        value if kind in ("uniform", "loguniform") else round(value / arguments[2]) * arguments[2]
    )
