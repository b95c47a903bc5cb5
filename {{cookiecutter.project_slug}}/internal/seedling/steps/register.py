"""The last step: register the model if it beats its champion, and print the outcome."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from seedling.compiled import forms
from seedling.errors import ProjectError
from seedling.registry import model_files, signatures
from seedling.registry.open import open_registry
from seedling.registry.protocol import Registry
from seedling.settings import SIGNING_KEY
from seedling.steps import options
from seedling.steps.options import config_option, model_option, path_option, step
from seedling.training import mlflow_runs, notes, outcomes, past_runs
from seedling.training.gate import gate
from seedling.training.notes import Evaluation, Files, Measured, Registration, TrainingRun


@step
@config_option
@model_option
@path_option("--trained", "The output of the train step", "train_MODEL/trained")
@path_option("--evaluation", "The output of the evaluate step", "evaluate_MODEL/evaluation")
@path_option("--output", "The folder for the outcome", "register_MODEL/registration", exists=False)
def main(
    config: Path | None,
    model: str | None,
    trained: Path | None,
    evaluation: Path | None,
    output: Path | None,
) -> None:
    """Put the trained model through the gate."""
    project = options.project_of(config)
    model = options.model_of(project, model)
    trained = options.left(project, trained, f"train_{model}", "trained")
    evaluation = options.left(project, evaluation, f"evaluate_{model}", "evaluation")
    folder = options.made(project, output, f"register_{model}", "registration")
    measured = notes.read(evaluation / notes.EVALUATION, Evaluation)
    run = notes.read(trained / notes.RUN, TrainingRun)
    registry = open_registry(project)
    name = registry.name_of(measured.dataset, model)
    _refuse_stale(registry, name, measured)
    dataset = project.config.dataset(measured.dataset)
    metric, version = measured.metric, None
    champion = registry.champion(name)
    if not run.smoke and gate(dataset, measured.challenger, measured.champion):
        tags = {
            "model": model,
            "description": outcomes.description(dataset, measured.challenger[metric]),
            "run_id": run.run_id,
            "build_id": outcomes.build_id(),
            "metric": f"{metric}={measured.challenger[metric]}",
            "data_version": f"{dataset.name}:{dataset.version}",
            **run.made_with,
        }
        with TemporaryDirectory() as scratch:
            files = _files(Path(scratch) / "model", trained, evaluation, measured)
            if SIGNING_KEY.is_set():
                signatures.sign(files, project.root / SIGNING_KEY.get(), name)
            champion = registry.register(name, files, tags)
        if SIGNING_KEY.is_set() and champion.folder.is_dir():  # which number it has is known now
            key = project.root / SIGNING_KEY.get()
            signatures.sign(champion.folder, key, name, champion.version)
        version = champion.version
    outcome = Registration(
        model=model,
        name=name,
        metric=metric,
        value=measured.challenger[metric],
        champion=(measured.champion or {}).get(metric),
        champion_version=measured.champion_version,
        incomparable_champion=measured.incomparable_champion,
        version=version,
        serving=Files(champion.version, champion.sha256) if champion else None,
        lower_is_better=metric in measured.lower_is_better,
        shared=registry.shared,
        warnings=[f"{measured.dataset}: {warning}" for warning in run.warnings],
        rows=measured.holdout_rows,
        held_out_rows=measured.held_out_rows,
        learned_rows=run.learned_rows,
        refit=run.refit,
        cross_validated=run.cross_validated,
        decision=run.decision,
        compiled=measured.compiled,
        baseline=measured.baseline.get(metric),
        setbacks=outcomes.worst(measured.setbacks),
        smoke=run.smoke,
    )
    with mlflow_runs.run(project, model, run.run_id):
        mlflow_runs.mlflow().set_tag("registered_version", version or past_runs.NOT_REGISTERED)
    notes.write(folder / notes.REGISTRATION, outcome)
    if output is None:  # by hand: no verb notes it
        outcomes.note(project, [outcome])
    click.echo(f"{model}: {outcomes.sentence(outcome)}")


def _files(folder: Path, trained: Path, evaluation: Path, measured: Evaluation) -> Path:
    """Copy the files to register: model, measurements, profile, compiled form unless refused."""
    ignored = shutil.ignore_patterns(forms.FOLDER) if measured.compiled.refused else None
    shutil.copytree(trained / "model", folder, ignore=ignored)
    noted = Measured(
        measured.challenger, measured.holdout_rows, measured.compiled, measured.lower_is_better
    )
    notes.write(folder / notes.MEASURED, noted)
    if (evaluation / model_files.PROFILE).exists():
        shutil.copy(evaluation / model_files.PROFILE, folder)
    return folder


def _refuse_stale(registry: Registry, name: str, measured: Evaluation) -> None:
    """Refuse a model that was compared with another champion than the present one."""
    champion = registry.champion(name)
    version = measured.champion_version
    if champion and not measured.incomparable_champion and champion.version != version:
        raise ProjectError(
            f"{name}: version {champion.version} became champion meanwhile; retrain."
        )


if __name__ == "__main__":
    main()
