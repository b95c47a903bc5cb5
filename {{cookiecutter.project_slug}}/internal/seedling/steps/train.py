"""Train one model on the training rows and write it down, with its metrics."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from seedling import tasks, team_code
from seedling.compiled import compiling
from seedling.config import TrainedModel
from seedling.data.schema import model_frame, split
from seedling.errors import ProjectError
from seedling.files import replacing, write_json
from seedling.registry.model_files import Predictor
from seedling.steps.options import CONFIG, FOLDER, NEW_FOLDER, project_of, step
from seedling.training import mlflow_runs, saving
from seedling.training.estimators import fix_seeds

TEST_SHARE = 0.2
EXAMPLE_ROWS = 5


@step
@click.option("--config", type=CONFIG, required=True, help="The project's model.yaml.")
@click.option("--model", required=True, help="The model's folder under models/.")
@click.option("--training", type=FOLDER, required=True, help="The training rows.")
@click.option("--seed", type=int, default=20, show_default=True)
@click.option("--output", type=NEW_FOLDER, required=True, help="Where the trained model goes.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A hyperparameter.")
def main(
    config: Path, model: str, training: Path, seed: int, output: Path, given: Sequence[str]
) -> None:
    """Call the team's train_model and save what it returns in MLflow's format."""
    project = project_of(config)
    settings = project.config.trained_model(model)
    dataset = project.config.dataset(settings.dataset)
    rows = pd.read_parquet(training / f"{dataset.name}.parquet")
    sides = split(rows, dataset, TEST_SHARE, salt="test")
    X_train, X_test = (model_frame(side, dataset.features) for side in sides)
    task = tasks.of(dataset)
    y_train, y_test = (task.training.values(side, dataset.target) for side in sides)
    share = project.config.training.holdout
    hyperparameters = settings.hyperparameters | overrides(settings, given)
    fix_seeds(seed)
    with mlflow_runs.run(project, model) as run:
        trained, train_metrics, test_metrics = team_code.train_model(model)(
            X_train, y_train, X_test, y_test, **hyperparameters
        )
        mlflow = mlflow_runs.mlflow()
        mlflow.log_params({"model": model, "dataset": dataset.name, **hyperparameters})
        predictor = Predictor(model, "new", dataset, share, trained, team_code.predict(model))
        if dataset.metric not in test_metrics:  # a sweep compares by it
            measured = task.training.measure(y_test, predictor.answer(sides[1]), dataset)
            test_metrics = {**test_metrics, dataset.metric: measured[dataset.metric]}
        mlflow_runs.log_metrics("train_", train_metrics)
        mlflow_runs.log_metrics("test_", test_metrics)
        run_id = run.info.run_id
    with replacing(output / "model") as aside:
        saving.save(trained, X_train.head(EXAMPLE_ROWS), dataset, share, aside)
        compiled = compiling.add(aside, predictor, project.predict_path(model), sides[1])
    write_json(
        output / "run.json",
        {
            "run_id": run_id,
            "rows": {"train": len(X_train), "test": len(X_test)},
            "hyperparameters": hyperparameters,
            "train_metrics": train_metrics,
            "test_metrics": test_metrics,
            "compiled": compiled,
        },
    )
    click.echo(f"{model}: trained on {len(X_train):,} rows")
    if "refused" in compiled:
        click.echo(f"{model}: no compiled form, it is served as it is: {compiled['refused']}")


def overrides(settings: TrainedModel, given: Sequence[str]) -> dict[str, Any]:
    """The hyperparameters of `NAME=VALUE` texts, typed as YAML types them.

    Raises:
        ProjectError: model.yaml gives the model no such hyperparameter, or a text is not like that.
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
