"""Files of a blob storage as a dataset's source: each is downloaded once by a command.

A URL that ends with a slash is that of a folder, with all that is in it.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from seedling import implementations

SCHEMES = ("az://", "abfs://", "abfss://")


def is_blob(source: str) -> bool:
    """Return whether a source is a URL of Azure's blob storage."""
    return source.lower().startswith(SCHEMES)


def is_file(source: str) -> bool:
    """Return whether a source is a table's file, here or in a blob storage."""
    return is_blob(source) or not ("://" in source or source.endswith(".sql"))


def file_of(root: Path, source: str) -> Path:
    """Return the path of a source that is a file: below `root`, or of a copy of a blob.

    Raises:
        ProjectError: the blob cannot be downloaded.
    """
    return _copy(source) if is_blob(source) else root / source


@cache
def _copy(url: str) -> Path:
    folder = TemporaryDirectory(prefix="seedling-", ignore_cleanup_errors=True)
    _kept.append(folder)
    path: Path = implementations.find("blob storage")(url, Path(folder.name))
    return path


_kept: list[TemporaryDirectory[str]] = []  # each is removed when this process ends
