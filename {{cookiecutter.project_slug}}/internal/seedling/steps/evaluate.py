"""Measure a trained model and its champion on the same holdout, and write the report."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
import pandas as pd

from seedling import tasks
from seedling.compiled import compiling
from seedling.config import Dataset, Project
from seedling.errors import ProjectError
from seedling.files import sha256, write_text
from seedling.monitoring import profiles
from seedling.registry import model_files
from seedling.registry.model_files import Predictor
from seedling.registry.open import open_registry
from seedling.steps import options
from seedling.steps.options import config_option, model_option, path_option, step
from seedling.tasks import measuring
from seedling.tasks.training_protocol import Setbacks
from seedling.training import champions, holdout_file, mlflow_runs, notes, reference_profile, report
from seedling.training.notes import Compiled, Evaluation, TrainingRun


@step
@config_option
@model_option
@path_option("--trained", "The output of the train step", "train_MODEL/trained")
@path_option("--holdout", "The held-out rows", "prepare/holdout")
@click.option(
    "--fewest-rows",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="Held-out rows that neither model has seen, for a comparison to mean something.",
)
@path_option("--output", "The folder for the evaluation", "evaluate_MODEL/evaluation", exists=False)
def main(
    config: Path | None,
    model: str | None,
    trained: Path | None,
    holdout: Path | None,
    fewest_rows: int,
    output: Path | None,
) -> None:
    """Write evaluation.json, report.html, model_card.md and holdout_predictions.csv."""
    project = options.project_of(config)
    model = options.model_of(project, model)
    output = options.made(project, output, f"evaluate_{model}", "evaluation")
    holdout = options.left(project, holdout, "prepare", "holdout")
    trained = options.left(project, trained, f"train_{model}", "trained")
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    rows = pd.read_parquet(holdout / f"{dataset.name}.parquet")
    folder = trained / "model"
    challenger = model_files.load(model, "challenger", folder, sha256(folder))
    dataset = challenger.dataset  # its target may lack labels that model.yaml has
    champion, incomparable = _champion(project, model, dataset, rows, fewest_rows)
    held_out = rows
    if champion:
        rows = champions.unseen(champion, rows)
    training = tasks.of(dataset).training
    truth, answer = training.values(rows, dataset.target), challenger.answer(rows)

    def measure(answer: Mapping[str, Any]) -> dict[str, float]:
        return measuring.measure(truth, answer, dataset, rows)

    run = notes.read(trained / notes.RUN, TrainingRun)
    before = champion.answer(champion.derived(rows)) if champion else None
    setbacks = Setbacks()
    if before is not None:
        setbacks = training.setbacks(truth, answer, before, rows, dataset)
    evaluation = Evaluation(
        model=model,
        dataset=dataset.name,
        metric=dataset.metric,
        holdout_rows=len(rows),
        held_out_rows=len(held_out),
        lower_is_better=sorted(measuring.lower_is_better(dataset)),
        challenger=measure(answer),
        champion=None if before is None else measure(before),
        baseline=measure(training.baseline(truth, dataset)),
        champion_version=champion.version if champion else None,
        incomparable_champion=incomparable,
        compiled=_compiled(project, challenger, trained / "model", run.compiled, rows),
        setbacks=setbacks,
    )
    pages = report.write(project.config, challenger, rows, truth, answer, evaluation, run)
    output.mkdir(parents=True, exist_ok=True)
    notes.write(output / notes.EVALUATION, evaluation)
    for name in tasks.of(dataset).leaves:
        if (folder / name).exists():
            shutil.copy(folder / name, output / name)
    for name, text in pages.items():
        write_text(output / name, text)
    profile = reference_profile.completed(trained / model_files.PROFILE, dataset, held_out, answer)
    profile.performance = msgspec.Raw(training.reference(truth, answer, rows, dataset))
    profiles.write(output / model_files.PROFILE, profile)
    known = held_out.drop(rows.index)
    holdout_file.write(output / holdout_file.FILE, challenger, rows, answer, known)
    with mlflow_runs.run(project, model, run.run_id):
        mlflow_runs.log_metrics("holdout_", evaluation.challenger)
        for name in (*pages, holdout_file.FILE):
            mlflow_runs.mlflow().log_artifact(str(output / name))
    click.echo(f"{model}: {dataset.metric} {evaluation.challenger.get(dataset.metric)}")


def _champion(
    project: Project, model: str, dataset: Dataset, rows: pd.DataFrame, fewest: int
) -> tuple[Predictor | None, str]:
    """Return the champion, or None and the reason why it cannot be compared on these rows."""
    registry = open_registry(project)
    version = registry.champion(registry.name_of(dataset.name, model))
    if version is None:
        return None, ""
    where = f"version {version.version} cannot be compared"
    folder = registry.fetch(version)
    if not folder.is_dir():
        return None, f"{where}: its files are gone"
    champion = model_files.load(model, version.version, folder, version.sha256)
    reason = champions.why_not(champion, dataset, rows, fewest)
    return (None, f"{where}: {reason}") if reason else (champion, "")


def _compiled(
    project: Project, challenger: Predictor, folder: Path, noted: Compiled, rows: pd.DataFrame
) -> Compiled:
    """Compare the compiled form with the model on the holdout; the note may refuse it."""
    if noted.refused or not tasks.of(challenger.dataset).compiles:
        return noted
    predict = project.predict_path(challenger.name)
    try:
        return compiling.compare(folder, challenger, predict, rows)
    except ProjectError as error:
        return Compiled(refused=str(error))


if __name__ == "__main__":
    main()
