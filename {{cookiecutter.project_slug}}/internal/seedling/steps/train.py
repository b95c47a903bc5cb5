"""Train one model on the training rows, and save it with its metrics."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from seedling import team_code
from seedling.compiled import compiling
from seedling.config import TrainedModel
from seedling.data.derived import FILE
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.registry import model_files
from seedling.registry.model_files import Predictor
from seedling.settings import SMOKE
from seedling.steps import options
from seedling.steps.options import (
    FOLDER,
    config_option,
    example_rows_option,
    model_option,
    path_option,
    step,
)
from seedling.training import (
    made_with,
    mlflow_runs,
    notes,
    outcomes,
    past_runs,
    prepared_rows,
    reference_profile,
    saving,
    search_space,
)
from seedling.training.fits import SEED, Fitting, refuse_weights
from seedling.training.learning import decided, learn
from seedling.training.notes import Rows, TrainingRun
from seedling.wording import counted


@step
@config_option
@model_option
@path_option("--training", "The training rows", "prepare/training")
@click.option("--seed", type=int, default=SEED, show_default=True)
@path_option("--output", "The folder for the trained model", "train_MODEL/trained", exists=False)
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A hyperparameter.")
@example_rows_option
@click.option(
    "--sums", type=FOLDER, help="Sums of the parts of a large table, instead of its rows."
)
@click.option("--once", is_flag=True, help="Neither cross-validate nor fit again on all rows.")
def main(
    config: Path | None,
    model: str | None,
    training: Path | None,
    seed: int,
    output: Path | None,
    given: Sequence[str],
    example_rows: int,
    sums: Path | None,
    once: bool,
) -> None:
    """Call the team's train_model and save what it returns in MLflow's format."""
    project = options.project_of(config)
    model = options.model_of(project, model)
    output = options.made(project, output, f"train_{model}", "trained")
    training = options.left(project, training, "prepare", "training")
    settings = project.config.trained_model(model)
    dataset = project.config.dataset(settings.dataset)
    read = prepared_rows.read(training, dataset, sums)
    prepared, dataset, _, table, others = read
    hyperparameters = settings.arguments(dataset.target) | overrides(settings, given)
    smoke = SMOKE.get()
    train_model = team_code.train_model(model)
    fitting = Fitting(train_model, hyperparameters, seed, dataset, smoke)
    if settings.class_weight is not None:
        refuse_weights(model, fitting.train_model)
    predict = team_code.predict(model)
    with mlflow_runs.run(project, model) as run:
        learned = learn(fitting, predict, table, project.config.training, once or smoke, others)
        table, rows = learned.table, learned.table.rows
        kept, validated, refit = learned.kept, learned.validated, learned.refit
        tested = rows.iloc[learned.rows.test]
        dataset, decision, test_metrics = decided(dataset, learned, predict)
        mlflow = mlflow_runs.mlflow()
        mlflow_runs.log_params({"model": model, "dataset": dataset.name, **hyperparameters})
        if smoke:
            mlflow.set_tag(past_runs.SMOKE, "true")
        if prepared.made:
            mlflow.set_tags(past_runs.tags_of(prepared.made))
        from_here = made_with.texts(project, dataset)
        mlflow.set_tags(from_here)
        mlflow.set_tags(past_runs.settings_tags(dataset.model_dump(mode="json")))
        mlflow_runs.log_metrics("train_", kept.train_metrics)
        mlflow_runs.log_metrics("test_", test_metrics)
        for name, interval in validated.metrics.items():
            means = {name: interval.mean, f"{name}_interval": interval.half}
            mlflow_runs.log_metrics("cv_", means)
        mlflow.log_metric("learned_rows", learned.row_count)
        run_id = run.info.run_id
    predictor = Predictor(model, "new", dataset, prepared.held_out, kept.model, predict)
    with replacing(output / "model") as aside:
        saving.save(predictor, rows.head(example_rows), aside, project.root / FILE, smoke)
        compiled = compiling.add(aside, predictor, project.predict_path(model), tested)
    done = TrainingRun(
        run_id=run_id,
        rows=Rows(len(learned.rows.train), len(learned.rows.test)),
        hyperparameters=hyperparameters,
        train_metrics=dict(kept.train_metrics),
        test_metrics=test_metrics,
        compiled=compiled,
        warnings=[*prepared.warnings, *learned.warnings],
        refit=refit,
        cross_validated=validated,
        decision=decision,
        made_with=from_here | (past_runs.tags_of(prepared.made) if prepared.made else {}),
        smoke=smoke,
    )
    reference_profile.write(output / model_files.PROFILE, dataset, read.tables())
    notes.write(output / notes.RUN, done)
    click.echo(f"{model}: trained on {counted(done.learned_rows, 'row')}")
    if smoke:
        click.echo(f"{model}: a smoke check: it fitted once, and its metrics are no result")
    if decision:
        click.echo(f"{model}: {decision}")
    for line in outcomes.fits(dataset.metric, done.learned_rows, refit, validated, compiled):
        click.echo(f"{model}: {line}")


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
            found[name] = search_space.fitting(
                settings, name, YAML(typ="safe", pure=True).load(value)
            )
        except YAMLError:
            raise ProjectError(f"--set {text}: the value is not valid YAML.") from None
    return found


if __name__ == "__main__":
    main()
