"""The side of before: `python -m seedling.lifecycle.review.before FOLDER`, in its own files.

It is a process of its own, since the team's modules have the same names on both sides.
"""

import sys
from pathlib import Path

import pandas as pd

from seedling.config import Project
from seedling.data import datasets
from seedling.errors import ProjectError
from seedling.lifecycle.review import notes
from seedling.lifecycle.review.measured import measured, trained
from seedling.lifecycle.review.notes import RESULT, SAMPLE, TASK, Created, Measured, Result, Task
from seedling.lifecycle.review.samples import divided_alike
from seedling.processes import end_soon


def main(folder: Path) -> None:
    """Do the work that a review's folder describes, in the project of the working folder."""
    end_soon()
    project, work = Project.find(), notes.read(folder / TASK, Task)
    created = {name: _created(project, name) for name in work.datasets}
    models = {name: _measured(project, folder, name, work) for name in work.models}
    notes.write(folder / RESULT, Result(models, created))


def _created(project: Project, name: str) -> Created:
    try:
        dataset = project.config.dataset(name)
        if dataset.source.endswith(".sql"):
            datasets.fill_sample_store(project)
        datasets.create(project, dataset)
    except Exception as error:  # the team's, or of the store
        return Created(problem=words_of(error))
    return Created(str(project.dataset_path(dataset)))


def _measured(project: Project, folder: Path, model: str, work: Task) -> Measured:
    try:
        dataset = project.config.dataset(project.config.trained_model(model).dataset)
        sample = next((each for each in work.samples if each.dataset == dataset.name), None)
        if sample is None:
            raise ProjectError(f"it learned from {dataset.name}, which is gone.")
        rows = pd.read_parquet(folder / SAMPLE / f"{dataset.name}.parquet")
        sides = divided_alike(project, dataset, rows, sample)
        return measured(trained(project, model, sides))
    except Exception as error:  # the team's
        return Measured(model, problem=words_of(error))


def words_of(error: Exception) -> str:
    """Return an error as one line, without its full stop."""
    first = (str(error).strip().splitlines() or [""])[0].removesuffix(".")
    return first if isinstance(error, ProjectError) else f"{type(error).__name__}: {first}"


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())
    main(Path(sys.argv[1]))
