"""The verb `train`: runs the training pipeline and tells what came of each model."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table

from seedling.config import Project, RegisteredModel, registrations
from seedling.data import datasets
from seedling.errors import ProjectError
from seedling.files import read_json, replacing
from seedling.settings import AML_PIPELINE_EXEC_MODE
from seedling.steps import register
from seedling.training import mlflow_runs, pipeline
from seedling.training.local_run import LocalRun
from seedling.training.pipeline import Pipeline

TRAINING = Path("mlops/pipelines/training.yml")


class Run(Protocol):
    """A run of the pipeline, wherever it was, with its jobs' outputs on this machine."""

    id: str

    def output(self, job: str, name: str) -> Path:
        """The folder of a job's output."""


def train(project: Project, models: Sequence[str]) -> list[dict[str, Any]]:
    """Run the pipeline for these models, or for all; returns the outcome of each.

    Raises:
        ProjectError: the pipeline does not hold together, or a step failed. What was registered
            before that is noted in model.yaml all the same.
    """
    if AML_PIPELINE_EXEC_MODE.get() == "PROD":
        from seedling.azure import training

        return training.train_there(project, models)
    chosen = chosen_of(project, list(models))
    for name in {project.config.trained_model(model).dataset for model in chosen.models}:
        datasets.load(project, project.config.dataset(name))
    run = LocalRun(chosen, project.root, project.assets / "runs")
    try:
        run.execute(meanwhile=lambda: mlflow_runs.prepare(project))
    finally:
        outcomes = [collect(project, run, model) for model in chosen.models]
        finished = [outcome for outcome in outcomes if outcome]
        note(project, finished)
    run.remove()
    return finished


def show(outcomes: Sequence[Mapping[str, Any]]) -> None:
    """A table of the outcomes, the best of each metric first, and each in words."""
    best_first = sorted(outcomes, key=_badness)
    table = Table(title="Training run")
    for heading in ("model", "metric", "this run", "champion", "registered as"):
        table.add_column(heading)
    for outcome in best_first:
        table.add_row(
            outcome["model"],
            outcome["metric"],
            f"{outcome['value']:.4f}",
            "-" if outcome["champion"] is None else f"{outcome['champion']:.4f}",
            f"version {outcome['version']}" if outcome["version"] else "not registered",
        )
    console = Console()
    console.print(table)
    for outcome in best_first:
        print(f"{outcome['model']}: {register.told(outcome)}")
        print(f"  report: {outcome['report']}")


def _badness(outcome: Mapping[str, Any]) -> tuple[str, float]:
    value = float(outcome["value"])
    return outcome["metric"], value if outcome["lower_is_better"] else -value


def chosen_of(project: Project, models: list[str]) -> Pipeline:
    """The training pipeline, narrowed to some models; model.yaml must know them all."""
    training = pipeline.load(project.root / TRAINING)
    for model in models:
        if model not in training.models:
            known = ", ".join(training.models)
            raise ProjectError(f"{TRAINING.name} trains no model {model!r}; it has {known}.")
    chosen = training.only(models) if models else training
    for model in chosen.models:
        project.config.trained_model(model)
    return chosen


def collect(project: Project, run: Run, model: str) -> dict[str, Any] | None:
    """A model's outcome, its report moved to where people look; None if it came to none."""
    noted = run.output(f"register_{model}", "registration") / "registration.json"
    if not noted.exists():
        return None
    pages = project.assets / "reports" / run.id / model
    with replacing(pages) as aside:
        shutil.copytree(run.output(f"evaluate_{model}", "evaluation"), aside)
    report = (pages / "report.html").relative_to(project.root).as_posix()
    return {**read_json(noted), "report": report}


def note(project: Project, outcomes: Sequence[Mapping[str, Any]]) -> None:
    """Let the champions answer: those of this machine's registry here, a workspace's for all.

    An old champion is not there yet where the model has learned from another dataset meanwhile.
    Challengers and shadows of the same data stay. A registry that is a folder of its own has noted
    its champion itself.
    """
    for outcome in outcomes:
        if outcome["shared"] is None:
            continue
        entry = _entry(project, outcome)
        shared = outcome["shared"]
        noted = project.model_yaml.models if shared else project.registered_here
        if not any(_is(each, entry) for each in noted if each.is_champion):
            edit = registrations.edit_shared if shared else registrations.edit_here
            edit(project, outcome["model"], partial(_with_champion, entry))


def _is(registered: RegisteredModel, entry: Mapping[str, Any]) -> bool:
    """Whether an entry is this version with these files: a registry may begin again at 1."""
    return all(getattr(registered, key) == entry[key] for key in ("name", "version", "sha256"))


def _with_champion(champion: Mapping[str, Any], entries: list[Any]) -> list[Any]:
    """A model's entries with a new champion, and what stays beside it."""
    beside = [
        entry
        for entry in entries
        if _is_beside(entry)
        and entry["name"] == champion["name"]
        and entry["version"] != champion["version"]
    ]
    return [champion, *beside]


def _is_beside(entry: Mapping[str, Any]) -> bool:
    """Whether it is a challenger or a shadow."""
    return "share" in entry or bool(entry.get("shadow"))


def _entry(project: Project, outcome: Mapping[str, Any]) -> dict[str, Any]:
    dataset = project.config.dataset(project.config.trained_model(outcome["model"]).dataset)
    value = outcome["value"] if outcome["version"] else outcome["champion"]
    return {
        "name": outcome["name"],
        "model": outcome["model"],
        "description": register.described(dataset, value),
        "version": outcome["serving"]["version"],
        "is_mlflow": True,
        "sha256": outcome["serving"]["sha256"],
    }
