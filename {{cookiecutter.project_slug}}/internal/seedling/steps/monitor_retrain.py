"""Train the models again for which a rule of model.yaml says so after what monitoring has found."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from seedling import implementations
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import read_json, write_json
from seedling.lifecycle import retraining
from seedling.lifecycle.retraining import Decision, Wishes
from seedling.monitoring import findings as looks
from seedling.monitoring.findings import Findings
from seedling.registry.open import WORKSPACE
from seedling.settings import MODEL_REGISTRY
from seedling.steps import options, watching
from seedling.steps.options import FOLDER, config_option, path_option, step

FILE = "reasons.json"


@step
@config_option
@click.option("--model", help="A folder of models/; every model that was looked at unless given.")
@path_option("--source", "The findings of drift or performance", "monitor/drift")
@click.option("--also", type=FOLDER, help="The findings of the other part, if it was looked at.")
@path_option("--output", "The folder for the reasons", "monitor/retrain", exists=False)
def main(
    config: Path | None,
    model: str | None,
    source: Path | None,
    also: Path | None,
    output: Path | None,
) -> None:
    """Ask the rules, and train where one gives a reason."""
    project = options.project_of(config)
    source = options.made(project, source, "monitor", "drift")
    if not (source / watching.MODELS).exists():
        raise ProjectError(f"{source} has no findings: run seedling.steps.monitor_drift first.")
    folder = options.made(project, output, "monitor", "retrain")
    names = [name for name in read_json(source / watching.MODELS) if model in (None, name)]
    found = {name: _read(name, source, also) for name in names}
    with TemporaryDirectory() as scratch:
        in_job = MODEL_REGISTRY.get() == WORKSPACE
        if in_job:
            versions = {name: one.version for name, one in found.items()}
            project = watching.with_versions(project, versions, Path(scratch))
        for one in found.values():
            looks.note_latest(project, one)
        reasons = _on_azure(project, names) if in_job else _here(project, names)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, reasons)


def _read(model: str, source: Path, also: Path | None) -> Findings:
    """Return what was found about a model, in both parts if they were looked at."""
    found = looks.read(source / model / looks.FILE)
    other = also / model / looks.FILE if also else None
    if other is None or not other.exists():
        return found
    return looks.joined(found, looks.read(other))


def _here(project: Project, models: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Train on this machine, as the verb `retrain` does; return the reasons by model."""
    told: dict[str, Sequence[str]] = {}
    if models:
        retraining.retrain(
            project, models, Wishes(), click.echo, lambda decisions: told.update(_told(decisions))
        )
    return told


def _on_azure(project: Project, models: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Submit a training and leave it: a job that waits for another would hold its machine."""
    told = _told(retraining.decide(project, models) if models else [])
    if told:
        implementations.find("training again on azure ml")(project, told)
    return told


def _told(decisions: Sequence[Decision]) -> Mapping[str, Sequence[str]]:
    """Print what the rules say, and return the reasons of the models that are due."""
    for each in decisions:
        for rule in each.rules:
            mark = "yes" if rule.fires else "no"
            click.echo(f"{each.model}: {mark}, {rule.name}: {rule.words}")
        if each.waits:
            click.echo(f"{each.model}: it waits: {each.waits}")
    return {each.model: each.reasons for each in decisions if each.is_due}


if __name__ == "__main__":
    main()
