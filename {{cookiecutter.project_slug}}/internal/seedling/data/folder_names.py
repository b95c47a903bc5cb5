"""Names of folders that say a column's value for their rows: `location=Ashby`, as Hive has it."""

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote

MISSING = "__HIVE_DEFAULT_PARTITION__"  # how Hive names the folder of rows without a value
DATA, TARGET = "data", "target"  # files of the features and of the target of the same rows


def says(name: str) -> bool:
    """Return whether a folder's name is a column and its value."""
    return "=" in name


def values(names: Iterable[str]) -> dict[str, str | None]:
    """Return the text of each column that folders of these names say; None is a missing value."""
    parts = (name.partition("=") for name in names if says(name))
    return {unquote(name): None if text == MISSING else unquote(text) for name, _, text in parts}


def saying(folder: Path) -> list[str]:
    """Return the names of the folders with which a path ends, as far as they say a value."""
    path = folder.absolute()
    return [*takewhile(says, (each.name for each in (path, *path.parents)))][::-1]


def above(path: Path) -> dict[str, str | None]:
    """Return the columns that the folders of a file say, with their text."""
    return values(saying(path.parent))


def label(path: Path) -> str:
    """Return the name of a file, behind those of the folders that say something of its rows."""
    return "/".join([*saying(path.parent), path.name])
