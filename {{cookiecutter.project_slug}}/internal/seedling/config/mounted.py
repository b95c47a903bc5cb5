"""Registered versions where Azure ML mounts them: somewhere below AZUREML_MODEL_DIR.

Its folders have the names of registration and deployment. A version is recognised
by the hash of its files, which is that of model.yaml or it is not used.
"""

from functools import cache
from pathlib import Path

from seedling.files import sha256

SCHEMA = "schema.json"  # the file that the folder of each version has


def find(place: str, expected: str) -> Path | None:
    """Return the folder of the version with this hash; None if there is none.

    Args:
        place: the value of AZUREML_MODEL_DIR, empty where it is not set.
        expected: the hash that is registered.
    """
    return _find(place, expected) if place else None


@cache  # a mount does not change, and hashing takes time
def _find(place: str, expected: str) -> Path | None:
    folders = sorted(path.parent for path in Path(place).rglob(SCHEMA))
    return next((folder for folder in folders if sha256(folder) == expected), None)
