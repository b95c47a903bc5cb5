"""Sums of the parts of a large table: one file for each part, which one step adds up.

A file is named by a hash of the part and of all that decides about its sums. A part that is
delivered twice, or to two machines, writes the same file again.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.training.grouped.moments import Moments
from seedling.wording import counted

BETWEEN = "-"  # a part's name and the hash


def takes(model: Any) -> bool:
    """Say whether a model learns from sums."""
    return hasattr(model, "sums_of") and hasattr(model, "add_sums")


def place(folder: Path, part: Path, identity: str) -> Path:
    """Return the file of the sums of a part.

    Args:
        folder: of the files.
        part: a Parquet file of training rows.
        identity: a hash of all else that decides about the sums.
    """
    known = f"{part.name} {sha256(part)} {identity}"
    digest = hashlib.sha256(known.encode()).hexdigest()[:32]
    return folder / f"{part.stem}{BETWEEN}{digest}.parquet"


def read(folder: Path, parts: Path) -> Iterator[Moments]:
    """Yield the sums of all parts of a table, in the order of the parts.

    Args:
        folder: of the files of sums.
        parts: the folder of the parts.

    Raises:
        ProjectError: a part has no file, or more than one.
    """
    found: dict[str, list[Path]] = {path.stem: [] for path in sorted(parts.glob("*.parquet"))}
    for path in folder.glob(f"*{BETWEEN}*.parquet"):
        found.setdefault(path.stem.partition(BETWEEN)[0], []).append(path)
    missing = [part for part, files in found.items() if not files]
    if missing:
        raise ProjectError(
            f"The sums of {counted(len(missing), 'part')} are missing, the first of "
            f"{missing[0]}.parquet: train again."
        )
    for part, files in found.items():
        if len(files) > 1:
            raise ProjectError(
                f"{part}.parquet has sums from {len(files)} sources, such as other code: train "
                "again with an empty output."
            )
        yield Moments.from_file(files[0])
