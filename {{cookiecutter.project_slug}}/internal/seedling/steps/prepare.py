"""Split each dataset that a model is trained on into training rows and holdout."""

from pathlib import Path

import click

from seedling.config import DATASETS
from seedling.data.sides import of_file
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.steps.options import FOLDER, config_option, made, path_option, project_of, step
from seedling.training import notes
from seedling.training.notes import Made, Prepared
from seedling.wording import counted


@step
@config_option
@click.option("--datasets", type=FOLDER, help="The datasets' files; the project's unless given.")
@path_option("--training", "The folder for training rows", "prepare/training", exists=False)
@path_option("--holdout", "The folder for held-out rows", "prepare/holdout", exists=False)
def main(
    config: Path | None, datasets: Path | None, training: Path | None, holdout: Path | None
) -> None:
    """Validate the datasets and hold out a share of each, which no training step sees."""
    project = project_of(config)
    settings = project.config
    # On this machine a dataset stands where model.yaml says; on another, all are in one folder.
    mounted = None if datasets == (project.root / DATASETS).resolve() else datasets
    folders = [made(project, training, "prepare", "training")]
    folders.append(made(project, holdout, "prepare", "holdout"))
    for name in dict.fromkeys(model.dataset for model in settings.training.models):
        dataset = settings.dataset(name)
        path = mounted / dataset.file_name if mounted else project.dataset_path(dataset)
        if not path.is_file():
            raise ProjectError(f"{path} is missing: run create-local-datasets first.")
        found = of_file(path, project.root, dataset, settings.holdout(dataset))
        for side, folder in zip((found.training, found.holdout), folders, strict=True):
            folder.mkdir(parents=True, exist_ok=True)
            # The index of held-out rows counts those of the file: predictions are found by it.
            side.to_parquet(folder / f"{name}.parquet", index=side is found.holdout)
        prepared = Prepared(
            found.dataset.target.model_dump(),
            found.rule,
            found.notes,
            Made(dataset.version, sha256(path), len(found.training) + len(found.holdout)),
        )
        notes.write(folders[0] / f"{name}.json", prepared)
        for warning in found.notes:
            click.echo(f"{name}: {warning}")
        learned = counted(len(found.training), "row")
        click.echo(f"{name}: {learned} to train on, {len(found.holdout):,} held out")


if __name__ == "__main__":
    main()
