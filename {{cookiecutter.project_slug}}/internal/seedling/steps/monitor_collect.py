"""Copy the prediction log into the layout that Azure ML's own monitors read."""

from pathlib import Path

import click

from seedling.monitoring import collected
from seedling.steps import options
from seedling.steps.options import config_option, path_option, step
from seedling.wording import counted


@step
@config_option
@click.option("--model", help="A folder of models/; every model of model.yaml unless given.")
@click.option(
    "--since",
    default="1d",
    show_default=True,
    help="How long ago the first predictions were that are copied.",
)
@path_option("--output", "The folder for the files", "monitor/collected", exists=False)
def main(config: Path | None, model: str | None, since: str, output: Path | None) -> None:
    """Copy what models were sent and what they answered, by the hour."""
    project = options.project_of(config)
    folder = options.made(project, output, "monitor", "collected")
    folder.mkdir(parents=True, exist_ok=True)
    models = [model] if model else [each.name for each in project.config.training.models]
    for name in models:
        count = collected.write(project, name, since, folder)
        click.echo(f"{name}: {counted(count, 'row')} of the last {since}")


if __name__ == "__main__":
    main()
