"""Take over a model that another program has fitted, in the place of the train step.

Azure's AutoML is such a program. The model comes as a folder in MLflow's format whose flavor is
that of the dataset's task, mostly scikit-learn's; it has learned from the training rows alone.
"""

from pathlib import Path

import click
import pandas as pd

from seedling import tasks, team_code
from seedling.compiled import compiling
from seedling.config import Dataset, Target
from seedling.data.derived import FILE
from seedling.data.schema import model_frame
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.registry import model_files
from seedling.registry.model_files import Predictor
from seedling.steps import options
from seedling.steps.options import (
    config_option,
    example_rows_option,
    model_option,
    path_option,
    step,
)
from seedling.tasks import measuring
from seedling.training import (
    cross_validation,
    handed_over,
    mlflow_runs,
    notes,
    past_runs,
    reference_profile,
    saving,
)
from seedling.training.notes import CrossValidated, Prepared, Rows, TrainingRun
from seedling.wording import counted


@step
@config_option
@model_option
@path_option("--training", "The training rows", "prepare/training")
@path_option("--found", "The folder of the model in MLflow's format", "adopt_MODEL/found")
@click.option("--learned-from", default="", help="A hash of the rows it has learned from.")
@click.option("--by", default="another program", show_default=True, help="What has fitted it.")
@example_rows_option
@click.option(
    "--compared-rows",
    type=click.IntRange(1),
    default=1_000,
    show_default=True,
    help="Training rows on which the compiled form is compared with the model.",
)
@path_option("--output", "The folder for the model", "train_MODEL/trained", exists=False)
def main(
    config: Path | None,
    model: str | None,
    training: Path | None,
    found: Path | None,
    learned_from: str,
    by: str,
    example_rows: int,
    compared_rows: int,
    output: Path | None,
) -> None:
    """Save a model that another program has fitted, as the train step saves its own."""
    project = options.project_of(config)
    model = options.model_of(project, model)
    output = options.made(project, output, f"train_{model}", "trained")
    training = options.left(project, training, "prepare", "training")
    found = options.left(project, found, f"adopt_{model}", "found")
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    prepared = notes.read(training / f"{dataset.name}.json", Prepared)
    dataset = dataset.model_copy(update={"target": Target.model_validate(prepared.target)})
    rows = pd.read_parquet(training / f"{dataset.name}.parquet")
    if learned_from and handed_over.digest(handed_over.table(rows, dataset)) != learned_from:
        raise ProjectError(
            f"The model of {by} has learned from other rows than are the training rows of "
            f"{dataset.name} now: it may have seen the holdout. Search again."
        )
    estimator, predict = _estimator(found, dataset, by), team_code.predict(model)
    truth = tasks.of(dataset).training.values(rows, dataset.target)
    answer = predict(estimator, model_frame(rows, dataset.features))
    decision = ""
    if dataset.target.threshold is not None:
        dataset, decision = cross_validation.with_threshold(dataset, truth, answer)
    metrics = measuring.measure(truth, measuring.decided(answer, dataset), dataset, rows)
    with mlflow_runs.run(project, model) as run:
        mlflow = mlflow_runs.mlflow()
        mlflow.log_params({"model": model, "dataset": dataset.name, "fitted_by": by})
        if prepared.made:
            mlflow.set_tags(past_runs.tags_of(prepared.made))
        mlflow.set_tags(past_runs.settings_tags(dataset.model_dump(mode="json")))
        mlflow_runs.log_metrics("train_", metrics)
        mlflow.log_metric("learned_rows", len(rows))
        run_id = run.info.run_id
    predictor = Predictor(model, "new", dataset, prepared.held_out, estimator, predict)
    with replacing(output / "model") as aside:
        saving.save(predictor, rows.head(example_rows), aside, project.root / FILE)
        compiled = compiling.add(
            aside, predictor, project.predict_path(model), rows.head(compared_rows)
        )
    done = TrainingRun(
        run_id=run_id,
        rows=Rows(len(rows), 0),
        hyperparameters={},
        train_metrics=metrics,
        test_metrics={},
        compiled=compiled,
        warnings=prepared.warnings,
        cross_validated=CrossValidated(refused=f"{by} has fitted it"),
        decision=decision,
    )
    reference_profile.write(output / model_files.PROFILE, dataset, [rows])
    notes.write(output / notes.RUN, done)
    click.echo(f"{model}: {by} has fitted it on {counted(len(rows), 'row')}")


def _estimator(found: Path, dataset: Dataset, by: str) -> object:
    """Read the model, as the dataset's task does.

    Raises:
        ProjectError: there is none, or it needs packages that are not installed.
    """
    folder = next((path.parent for path in sorted(found.rglob("MLmodel"))), None)
    if folder is None:
        raise ProjectError(f"{found} has no model in MLflow's format.")
    try:
        return tasks.of(dataset).load(folder)
    except ProjectError as error:
        packages = folder / "requirements.txt"
        raise ProjectError(
            f"The model of {by} {str(error).removesuffix('.')}. {packages.as_posix()} names the "
            "packages that it needs: put them into pyproject.toml, and run init."
        ) from None


if __name__ == "__main__":
    main()
