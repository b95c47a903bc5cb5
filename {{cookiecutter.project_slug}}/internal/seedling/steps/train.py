"""Train one model on the training rows, and save it with its metrics."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec
import pandas as pd
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from seedling import tasks, team_code
from seedling.compiled import compiling
from seedling.config import Dataset, Target, TrainedModel
from seedling.data.derived import FILE
from seedling.data.schema import model_frame, target_values
from seedling.data.split import TEST, TEST_SHARE, split
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.registry.model_files import Predictor
from seedling.steps import options
from seedling.steps.options import config_option, model_option, path_option, step
from seedling.training import cross_validation, mlflow_runs, notes, outcomes, saving
from seedling.training.fits import Fit, Fitting
from seedling.training.notes import CrossValidated, Prepared, Refit, Rows, TrainingRun
from seedling.wording import counted

EXAMPLE_ROWS = 5


@step
@config_option
@model_option
@path_option("--training", "The training rows", "prepare/training")
@click.option("--seed", type=int, default=20, show_default=True)
@path_option("--output", "The folder for the trained model", "train_MODEL/trained", exists=False)
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A hyperparameter.")
@click.option("--once", is_flag=True, help="Neither cross-validate nor fit again on all rows.")
def main(
    config: Path | None,
    model: str | None,
    training: Path | None,
    seed: int,
    output: Path | None,
    given: Sequence[str],
    once: bool,
) -> None:
    """Call the team's train_model and save what it returns in MLflow's format."""
    project = options.project_of(config)
    model = options.model_of(project, model)
    output = options.made(project, output, f"train_{model}", "trained")
    training = options.left(project, training, "prepare", "training")
    settings = project.config.trained_model(model)
    dataset = project.config.dataset(settings.dataset)
    prepared = notes.read(training / f"{dataset.name}.json", Prepared)
    dataset = dataset.model_copy(update={"target": Target.model_validate(prepared.target)})
    rows = pd.read_parquet(training / f"{dataset.name}.parquet")
    sides = split(rows, dataset, TEST_SHARE, TEST)
    X_train, X_test = (model_frame(side, dataset.features) for side in sides)
    task = tasks.of(dataset).training
    y_train, y_test = (task.values(side, dataset.target) for side in sides)
    hyperparameters = settings.hyperparameters | overrides(settings, given)
    fitting = Fitting(team_code.train_model(model), hyperparameters, seed)
    predict = team_code.predict(model)
    with mlflow_runs.run(project, model) as run:
        first = fitting.first(X_train, y_train, X_test, y_test)
        test_metrics = dict(first.test_metrics)
        if dataset.metric not in test_metrics:  # a sweep compares by it
            answer = predict(first.model, X_test)
            test_metrics[dataset.metric] = task.measure(y_test, answer, dataset)[dataset.metric]
        validated, kept, refit = CrossValidated(), first, Refit()
        if not once:
            folds = project.config.training.folds
            validated = cross_validated(fitting, first, predict, rows, dataset, folds)
            refit = Refit(refused="model.yaml says refit: false")
        if not once and project.config.training.refit:
            kept, refit = refitted(fitting, first, rows, dataset)
        mlflow = mlflow_runs.mlflow()
        mlflow.log_params({"model": model, "dataset": dataset.name, **hyperparameters})
        mlflow_runs.log_metrics("train_", kept.train_metrics)
        mlflow_runs.log_metrics("test_", test_metrics)
        for name, interval in validated.metrics.items():
            mlflow.log_metrics({f"cv_{name}": interval.mean, f"cv_{name}_interval": interval.half})
        mlflow.log_metric("learned_rows", refit.rows or len(X_train))
        run_id = run.info.run_id
    predictor = Predictor(model, "new", dataset, prepared.held_out, kept.model, predict)
    with replacing(output / "model") as aside:
        example, derive = X_train.head(EXAMPLE_ROWS), project.root / FILE
        saving.save(kept.model, example, dataset, prepared.held_out, aside, derive)
        compiled = compiling.add(aside, predictor, project.predict_path(model), sides[1])
    done = TrainingRun(
        run_id=run_id,
        rows=Rows(len(X_train), len(X_test)),
        hyperparameters=hyperparameters,
        train_metrics=dict(kept.train_metrics),
        test_metrics=test_metrics,
        compiled=compiled,
        warnings=prepared.warnings,
        refit=refit,
        cross_validated=validated,
    )
    notes.write(output / notes.RUN, done)
    click.echo(f"{model}: trained on {counted(done.learned_rows, 'row')}")
    for line in outcomes.fits(dataset.metric, done.learned_rows, refit, validated):
        click.echo(f"{model}: {line}")
    if compiled.refused:
        click.echo(f"{model}: no compiled form, it is served as it is: {compiled.refused}")


def cross_validated(
    fitting: Fitting,
    first: Fit,
    predict: Callable[..., Any],
    rows: pd.DataFrame,
    dataset: Dataset,
    folds: int | None,
) -> CrossValidated:
    """Cross-validate the fit on all rows; a fit that fails is a reason to do without."""
    chosen = cross_validation.plan(rows, dataset, folds, first.seconds)
    if chosen.refused:
        return CrossValidated(refused=chosen.refused)

    def train(X: pd.DataFrame, y: pd.Series) -> Callable[[pd.DataFrame], Any]:
        return partial(predict, fitting.again(X, y, first).model)

    begin = time.perf_counter()
    try:
        found = cross_validation.measure(train, rows, dataset, chosen)
    except Exception as error:  # the team's, which may not do without X_test
        return CrossValidated(refused=_failed(error))
    return msgspec.structs.replace(found, seconds=time.perf_counter() - begin)


def refitted(
    fitting: Fitting, first: Fit, rows: pd.DataFrame, dataset: Dataset
) -> tuple[Fit, Refit]:
    """Fit on all rows; where that fails, keep the first fit."""
    X, y = model_frame(rows, dataset.features), target_values(rows, dataset)
    try:
        again = fitting.again(X, y, first)
    except Exception as error:  # the team's, which may not do without X_test
        return first, Refit(refused=_failed(error))
    return again, Refit(len(X), again.seconds)


def _failed(error: Exception) -> str:
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"train_model fails without X_test ({type(error).__name__}: {first_line})"


def overrides(settings: TrainedModel, given: Sequence[str]) -> dict[str, Any]:
    """Return the hyperparameters of `NAME=VALUE` texts, each value parsed as YAML.

    Raises:
        ProjectError: model.yaml gives the model no hyperparameter NAME, or a text is not
            NAME=VALUE.
    """
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ProjectError(f"--set {text}: expected NAME=VALUE.")
        if name not in settings.hyperparameters:
            known = ", ".join(settings.hyperparameters) or "none"
            raise ProjectError(
                f"--set {text}: {name} is no hyperparameter of {settings.name}; there are {known}."
            )
        try:
            found[name] = YAML(typ="safe", pure=True).load(value)
        except YAMLError:
            raise ProjectError(f"--set {text}: the value is not valid YAML.") from None
    return found


if __name__ == "__main__":
    main()
