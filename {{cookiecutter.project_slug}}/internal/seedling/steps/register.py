"""The last step: register the model if it beats its champion, and say so either way."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from seedling import tasks
from seedling.compiled import forms
from seedling.config import Dataset
from seedling.errors import ProjectError
from seedling.files import read_json, write_json
from seedling.registry.model_files import MEASURED
from seedling.registry.registries import Registry, open_registry
from seedling.settings import BUILD_ID
from seedling.steps import options
from seedling.steps.options import CONFIG, FOLDER, NEW_FOLDER, step
from seedling.training import mlflow_runs
from seedling.training.gate import gate

NOT_REGISTERED = "Model was not registered for this run."


@step
@click.option("--config", type=CONFIG, required=True, help="The project's model.yaml.")
@click.option("--model", required=True, help="The model's folder under models/.")
@click.option("--trained", type=FOLDER, required=True, help="What the train step wrote.")
@click.option("--evaluation", type=FOLDER, required=True, help="What the evaluate step wrote.")
@click.option("--output", type=NEW_FOLDER, required=True, help="Where the outcome is noted.")
def main(config: Path, model: str, trained: Path, evaluation: Path, output: Path) -> None:
    """Put the trained model through the gate."""
    project = options.project_of(config)
    measured = read_json(evaluation / "evaluation.json")
    run = read_json(trained / "run.json")
    registry = open_registry(project)
    name = registry.name_of(measured["dataset"], model)
    _refuse_stale(registry, name, measured)
    dataset = project.config.dataset(measured["dataset"])
    outcome = {
        "model": model,
        "name": name,
        "metric": measured["metric"],
        "lower_is_better": measured["metric"] in tasks.of(dataset).lower_is_better,
        "value": measured["challenger"].get(measured["metric"]),
        "champion": (measured["champion"] or {}).get(measured["metric"]),
        "champion_version": measured["champion_version"],
        "incomparable_champion": measured["incomparable_champion"],
        "version": None,
        "shared": registry.shared,
    }
    serving = registry.champion(name)
    if gate(dataset, measured["challenger"], measured["champion"]):
        tags = {
            "model": model,
            "description": described(dataset, outcome["value"]),
            "run_id": run["run_id"],
            "build_id": build_id(),
            "metric": f"{outcome['metric']}={outcome['value']}",
            "data_version": f"{dataset.name}:{dataset.version}",
        }
        with TemporaryDirectory() as folder:
            files = _files(Path(folder) / "model", trained, measured)
            serving = registry.register(name, files, tags)
        outcome["version"] = serving.version
    if serving:
        outcome["serving"] = {"version": serving.version, "sha256": serving.sha256}
    with mlflow_runs.run(project, model, run["run_id"]):
        mlflow_runs.mlflow().set_tag("registered_version", outcome["version"] or "none")
    write_json(output / "registration.json", outcome)
    click.echo(f"{model}: {told(outcome)}")


def build_id() -> str:
    """What CI calls this build, by which it finds what was registered; BUILD_ID."""
    return BUILD_ID.get() or "local"


def _files(folder: Path, trained: Path, measured: Mapping[str, Any]) -> Path:
    """What is registered: the model, what was measured, the compiled form if it was as good."""
    refused = "refused" in measured["compiled"]
    ignored = shutil.ignore_patterns(forms.FOLDER) if refused else None
    shutil.copytree(trained / "model", folder, ignore=ignored)
    noted = {
        "metrics": measured["challenger"],
        "holdout_rows": measured["holdout_rows"],
        "compiled": measured["compiled"],
    }
    write_json(folder / MEASURED, noted)
    return folder


def told(outcome: Mapping[str, Any]) -> str:
    """The outcome in a sentence, with both numbers."""
    value = f"{outcome['metric']} {outcome['value']:.6g}"
    if outcome["version"] is None:
        champion = f"{outcome['champion']:.6g} of version {outcome['champion_version']}"
        return f"{NOT_REGISTERED} {value} is not better than {champion}."
    registered = f"Registered as {outcome['name']}, version {outcome['version']}"
    if outcome["champion"] is not None:
        champion = f"{outcome['champion']:.6g} of version {outcome['champion_version']}"
        return f"{registered}: {value} is better than {champion}."
    if outcome["incomparable_champion"]:
        return f"{registered}: {value}; {outcome['incomparable_champion']}."
    return f"{registered}: {value}; it has no champion to beat."


def described(dataset: Dataset, value: float | None) -> str:
    """What model.yaml, the page and the OpenAPI document say of a version that measured this."""
    metric = "" if value is None else f"; {dataset.metric} {value:.4f}"
    return f"Predicts {dataset.target.name}{metric}"


def _refuse_stale(registry: Registry, name: str, measured: Mapping[str, Any]) -> None:
    """The champion must still be the one that this model was measured against."""
    champion = registry.champion(name)
    version = measured["champion_version"]
    if champion and not measured["incomparable_champion"] and champion.version != version:
        raise ProjectError(
            f"{name}: version {champion.version} became champion meanwhile; retrain."
        )


if __name__ == "__main__":
    main()
