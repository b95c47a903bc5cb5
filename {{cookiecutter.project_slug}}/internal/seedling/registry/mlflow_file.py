"""The versions in MLflow's SQLite file, without MLflow: to import it takes longer than a rollback.

The file is read and written as the pinned version of MLflow does it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from seedling.errors import ProjectError
from seedling.registry.protocol import CHAMPION

BUSY_SECONDS = 10  # to wait for another process that writes
DELETED = "Deleted_Internal"  # the stage of a version that MLflow has deleted

_VERSIONS = "SELECT version FROM model_versions WHERE name = ? AND current_stage != ?"
_TAGS = "SELECT version, key, value FROM model_version_tags WHERE name = ?"
_CHAMPION = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
_MOVE = """
    INSERT INTO registered_model_aliases (alias, version, name) VALUES (?, ?, ?)
    ON CONFLICT (workspace, name, alias) DO UPDATE SET version = excluded.version
"""


def versions(database: Path, name: str) -> dict[str, dict[str, str]]:
    """Return the tags of each version of a registered model, the oldest first."""
    if not database.is_file():
        return {}
    with _opened(database) as store:
        numbers = sorted(number for (number,) in store.execute(_VERSIONS, [name, DELETED]))
        found: dict[str, dict[str, str]] = {str(number): {} for number in numbers}
        for number, key, value in store.execute(_TAGS, [name]):
            if str(number) in found:
                found[str(number)][key] = value
    return found


def champion(database: Path, name: str) -> str | None:
    """Return the version with the champion's alias; None if there is none."""
    if not database.is_file():
        return None
    with _opened(database) as store:
        row = store.execute(_CHAMPION, [name, CHAMPION]).fetchone()
    return None if row is None else str(row[0])


def set_champion(database: Path, name: str, version: str) -> None:
    """Give a version the champion's alias.

    Raises:
        ProjectError: there is no such version, or the file cannot be written.
    """
    if version not in versions(database, name):
        raise ProjectError(f"The registry has no version {version!r} of {name}.")
    with _opened(database) as store, store:
        store.execute(_MOVE, [CHAMPION, int(version), name])


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as store:
            yield store
    except sqlite3.Error as error:
        raise ProjectError(f"{database.name} cannot be used ({error}): see mlflow-ui.") from None
