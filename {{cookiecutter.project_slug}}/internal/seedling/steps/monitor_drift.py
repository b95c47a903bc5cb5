"""Say which features and predictions have moved since a version learned, and write the report."""

from pathlib import Path

import click

from seedling.steps import options, watching
from seedling.steps.options import FOLDER, config_option, path_option, step


@step
@config_option
@click.option("--model", help="A folder of models/; every model that has answered unless given.")
@click.option(
    "--source", type=FOLDER, help="A folder with a file of the prediction log, instead of it."
)
@path_option("--output", "The folder for the findings", "monitor/drift", exists=False)
def main(config: Path | None, model: str | None, source: Path | None, output: Path | None) -> None:
    """Compare what was sent and answered with the profile of the version that answered."""
    project = options.project_of(config)
    folder = options.made(project, output, "monitor", "drift")
    with watching.watching(project, model, source) as watched:
        watching.look(watched, "drift", folder)


if __name__ == "__main__":
    main()
