"""Share the work of monitoring's steps: read the log given, find the versions that answered."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click

from seedling.config import Project
from seedling.files import write_json
from seedling.monitoring import log_file, report, sent_on, verdicts
from seedling.monitoring.watched import Asked, watch
from seedling.registry.open import open_registry
from seedling.training import mlflow_runs

MODELS = "models.json"  # beside the folders of the models that were looked at


class Watched(NamedTuple):
    """A project whose prediction log can be read, and the version to look at by its model."""

    project: Project
    versions: Mapping[str, str]


def look(watched: Watched, part: str, folder: Path) -> None:
    """Look at one part of what the versions were sent and answered; print and write the findings.

    Args:
        watched: what is looked at.
        part: drift or performance.
        folder: made if it is missing; gets a folder for each model, with page and findings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if len(watched.versions) > 1:  # each has a run of its own, beside the job's
        os.environ.pop(mlflow_runs.GIVEN, None)
    for model, version in watched.versions.items():
        found = watch(watched.project, Asked(model, version, parts=(part,)))
        report.write(found, folder / model)
        for sentence in (verdicts.headline(found), *found.reasons, *found.remarks):
            click.echo(f"{model}: {sentence}")
        for warning in sent_on.send(watched.project, found):
            click.echo(f"Warning: {warning}", err=True)
    write_json(folder / MODELS, [*watched.versions])
    if not watched.versions:
        click.echo("No model of model.yaml has answered in this time.")


@contextmanager
def watching(project: Project, model: str | None, predictions: Path | None) -> Iterator[Watched]:
    """Yield what is to be looked at; the log is that of a folder's files within the block.

    Args:
        project: of the step.
        model: a folder of models/; every model that has answered unless given.
        predictions: a folder with files of the log; the project's own log unless given.

    Raises:
        ProjectError: the folder has no such file, or the registry does not have a version.
    """
    if predictions is None:  # by hand
        entries = [entry for entry in project.config.models if entry.is_champion]
        versions = {entry.model: entry.version for entry in entries}
        yield Watched(project, _only(model, versions))
        return
    trained = {each.name for each in project.config.training.models}
    with log_file.as_the_log(predictions) as log, TemporaryDirectory() as scratch:
        found = {name: one for name, one in log_file.answered(log).items() if name in trained}
        versions = _only(model, found)
        yield Watched(with_versions(project, versions, Path(scratch)), versions)


def with_versions(project: Project, versions: Mapping[str, str], scratch: Path) -> Project:
    """Fetch the files of these versions, and return the project with them as its champions.

    A job's model.yaml is as old as the job or its schedule, so the log says what answers.

    Args:
        project: of the step.
        versions: by model.
        scratch: a folder for the model.yaml of the project that is returned.
    """
    registry, entries = open_registry(project), []
    for model, version in versions.items():
        dataset = project.config.trained_model(model).dataset
        found = registry.find(registry.name_of(dataset, model), version)
        registry.fetch(found)
        facts = {"name": found.name, "version": version, "sha256": found.sha256}
        entries.append({**facts, "model": model, "description": found.tags.get("description", "")})
    shutil.copy(project.config_path, scratch)
    copy = Project(project.root, scratch / project.config_path.name)

    def change(document: Any) -> None:
        document["models"] = entries

    copy.edit(change)
    return copy


def _only(model: str | None, versions: Mapping[str, str]) -> dict[str, str]:
    return {name: one for name, one in versions.items() if model in (None, name)}
