"""The files of a run folder beside its script, checked together."""

from pathlib import Path

from seedling.run_scripts import compute, experiment, json_file, shipping
from seedling.run_scripts.azure_config import AzureConfigFile, files


def check(folder: Path) -> None:
    """Read every configuration file of a run folder that is there.

    Raises:
        ProjectError: one of them is invalid: with file, line and key.
    """
    if experiment.file(folder):
        shipping.local(folder, must_exist=False)
    if (folder / compute.FILE).is_file():
        compute.read(folder)
    for path in files(folder):
        json_file.read(path, AzureConfigFile)
