"""The JSON schemas of a run folder's files, by which an editor completes and checks them.

`python -m seedling.run_scripts.write_schemas` writes them to `schemas/`.
"""

import json
from pathlib import Path

from seedling.config import Section
from seedling.files import write_text
from seedling.run_scripts.azure_config import AzureConfigFile
from seedling.run_scripts.compute import Compute
from seedling.run_scripts.experiment import Experiment

FOLDER = Path(__file__).with_name("schemas")
KINDS: dict[str, type[Section]] = {
    "experiment": Experiment,
    "compute": Compute,
    "azure-config": AzureConfigFile,
}


def texts() -> dict[str, str]:
    """Return the text of each schema by the name of its file."""
    return {
        f"{name}.json": json.dumps(kind.model_json_schema(), indent=2) + "\n"
        for name, kind in KINDS.items()
    }


if __name__ == "__main__":
    for name, text in texts().items():
        write_text(FOLDER / name, text)
