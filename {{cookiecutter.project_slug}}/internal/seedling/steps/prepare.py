"""Split each dataset that a model learns from: training rows here, the holdout there."""

from pathlib import Path

import click
import pandas as pd

from seedling.config import Dataset
from seedling.data.datasets import read_table
from seedling.data.schema import HOLDOUT, split
from seedling.data.validation import first_problem
from seedling.errors import ProjectError
from seedling.steps.options import CONFIG, FOLDER, NEW_FOLDER, project_of, step


@step
@click.option("--config", type=CONFIG, required=True, help="The project's model.yaml.")
@click.option("--datasets", type=FOLDER, required=True, help="The folder of the datasets' files.")
@click.option("--training", type=NEW_FOLDER, required=True, help="Where training rows go.")
@click.option("--holdout", type=NEW_FOLDER, required=True, help="Where held-out rows go.")
def main(config: Path, datasets: Path, training: Path, holdout: Path) -> None:
    """Validate the datasets and hold out a share of each, which no training step sees."""
    settings = project_of(config).config
    for name in dict.fromkeys(model.dataset for model in settings.training.models):
        dataset = settings.dataset(name)
        rows = read_table(datasets / dataset.file_name)
        _check(dataset, rows)
        sides = split(rows, dataset, settings.training.holdout, HOLDOUT)
        for side, folder in zip(sides, (training, holdout), strict=True):
            folder.mkdir(parents=True, exist_ok=True)
            side.to_parquet(folder / f"{name}.parquet", index=False)
        click.echo(f"{name}: {len(sides[0]):,} rows to train on, {len(sides[1]):,} held out")


def _check(dataset: Dataset, rows: pd.DataFrame) -> None:
    problem = first_problem(rows, dataset)
    if problem:
        raise ProjectError(f"{dataset.name}: {problem}: run validate-datasets.")


if __name__ == "__main__":
    main()
