"""Join predictions with the truth, measure by the task's metrics, and write the report."""

from pathlib import Path

import click

from seedling import implementations
from seedling.config import Dataset, Project
from seedling.errors import ProjectError
from seedling.monitoring.add_truth import Wanted, add_truth
from seedling.registry.open import WORKSPACE
from seedling.settings import MODEL_REGISTRY
from seedling.steps import options, watching
from seedling.steps.options import FOLDER, config_option, path_option, step
from seedling.wording import counted


@step
@config_option
@click.option("--model", help="A folder of models/; every model that has answered unless given.")
@click.option(
    "--source", type=FOLDER, help="A folder with a file of the prediction log, instead of it."
)
@click.option(
    "--truth",
    type=FOLDER,
    help="A folder with files of truth, as add-truth takes them; what was added unless given.",
)
@path_option("--output", "The folder for the findings", "monitor/performance", exists=False)
def main(
    config: Path | None,
    model: str | None,
    source: Path | None,
    truth: Path | None,
    output: Path | None,
) -> None:
    """Measure answers by what came true."""
    project = options.project_of(config)
    folder = options.made(project, output, "monitor", "performance")
    with watching.watching(project, model, source) as watched:
        of = {project.config.trained_model(name).dataset for name in watched.versions}
        for name in sorted(of):
            _bring(watched.project, project.config.dataset(name), truth)
        watching.look(watched, "performance", folder)


def _bring(project: Project, dataset: Dataset, folder: Path | None) -> None:
    """Add the truth of a folder; without one, a job on Azure ML takes the workspace's newest.

    Files in a folder named after a dataset are of that dataset, others of each.
    """
    if folder is None:
        if MODEL_REGISTRY.get() == WORKSPACE:
            version = implementations.find("truth of the workspace")(project, dataset)
            said = f"version {version} of its truth" if version else "no truth is registered"
            click.echo(f"{dataset.name}: {said}")
        return
    own = folder / dataset.name
    files = [path for path in sorted((own if own.is_dir() else folder).iterdir()) if path.is_file()]
    if not files:
        raise ProjectError(f"{folder} has no file of truth.")
    for file in files:
        added = add_truth(project, dataset, Wanted(str(file.resolve())))
        click.echo(f"{dataset.name}: {counted(added.rows, 'row')} of truth in {file.name}")


if __name__ == "__main__":
    main()
