"""Split each dataset that a model is trained on into training rows and holdout."""

from pathlib import Path

import click

from seedling.config import DATASETS, Dataset, Project
from seedling.data import large_sides
from seedling.data.large_sides import MOST_DRAWN, Places
from seedling.data.large_table import row_count
from seedling.data.sides import of_file
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.steps.options import FOLDER, config_option, made, path_option, project_of, step
from seedling.training import notes
from seedling.training.notes import Large, Made, Prepared
from seedling.wording import counted


@step
@config_option
@click.option("--datasets", type=FOLDER, help="The datasets' files; the project's unless given.")
@path_option("--training", "The folder for training rows", "prepare/training", exists=False)
@path_option("--holdout", "The folder for held-out rows", "prepare/holdout", exists=False)
@click.option("--parts", is_flag=True, help="Refuse a dataset that is not written in parts.")
def main(
    config: Path | None,
    datasets: Path | None,
    training: Path | None,
    holdout: Path | None,
    parts: bool,
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
        if not path.exists():
            raise ProjectError(f"{path} is missing: run create-local-datasets first.")
        count, limit = row_count(path), settings.training.rows_in_memory
        if parts:
            large_sides.refuse_small(dataset, count, limit)
        if count > limit:
            _prepare_large(project, dataset, path, *folders)
            continue
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
        _note(folders[0], name, prepared, len(found.training), len(found.holdout))


def _prepare_large(
    project: Project, dataset: Dataset, path: Path, training: Path, holdout: Path
) -> None:
    """Prepare a dataset whose rows are not to be in memory together."""
    name, limit = dataset.name, project.config.training.rows_in_memory
    places = Places(
        training / f"{name}.parquet", training / f"{name}.parts", holdout / f"{name}.parquet"
    )
    for folder in (training, holdout):
        folder.mkdir(parents=True, exist_ok=True)
    share, most = project.config.holdout(dataset), min(MOST_DRAWN, limit)
    found = large_sides.of_file(path, project.root, dataset, share, places, most)
    prepared = Prepared(
        found.dataset.target.model_dump(),
        found.rule,
        [large_sides.note(found, limit), *found.notes],
        Made(dataset.version, sha256(path), found.training + found.held_out),
        Large(found.training, found.drawn),
    )
    _note(training, name, prepared, found.training, found.held_out)


def _note(folder: Path, name: str, prepared: Prepared, training: int, held_out: int) -> None:
    """Write the note about a dataset's training rows, and print it."""
    notes.write(folder / f"{name}.json", prepared)
    for warning in prepared.warnings:
        click.echo(f"{name}: {warning}")
    learned = counted(training, "row")
    click.echo(f"{name}: {learned} to train on, {held_out:,} held out")


if __name__ == "__main__":
    main()
