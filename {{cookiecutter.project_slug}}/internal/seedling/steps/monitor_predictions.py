"""Copy what the prediction log has of some time, for steps that do not reach the log itself."""

from pathlib import Path

import click

from seedling.monitoring import log_file
from seedling.steps import options
from seedling.steps.options import config_option, path_option, step
from seedling.wording import counted


@step
@config_option
@click.option(
    "--since",
    default=log_file.SINCE,
    show_default=True,
    help="How long ago the first predictions were that are copied, such as 30d.",
)
@path_option("--output", "The folder for the file", "monitor/predictions", exists=False)
def main(config: Path | None, since: str, output: Path | None) -> None:
    """Copy the records of the prediction log to a file."""
    project = options.project_of(config)
    folder = options.made(project, output, "monitor", "predictions")
    count = log_file.write(project, since, folder)
    click.echo(f"{counted(count, 'record')} of the last {since}: {folder / log_file.NAME}")


if __name__ == "__main__":
    main()
