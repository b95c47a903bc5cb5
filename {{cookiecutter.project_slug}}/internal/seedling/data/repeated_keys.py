"""Keys that stand more than once in a table which is larger than memory."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from seedling.data.entities import Hashes

FILES = 64  # each holds the keys whose hashes begin alike, and is looked at alone
KIND = np.dtype([("hash", "u8"), ("row", "u8")])


class RepeatedKeys:
    """Collects the hashes of all rows' keys in files.

    Args:
        folder: an empty one; 16 bytes a row are written there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, hashes: Hashes, first: int) -> None:
        """Add the keys of the rows from the place `first` on."""
        found = np.empty(len(hashes), KIND)
        found["hash"], found["row"] = hashes, np.arange(first, first + len(hashes))
        place = (hashes >> np.uint64(58)).astype("int64")
        order = np.argsort(place, kind="stable")
        ends = np.searchsorted(place[order], np.arange(FILES), side="right")
        for number, part in enumerate(np.split(found[order], ends[:-1])):
            with (self.folder / f"{number}.keys").open("ab") as stream:
                part.tofile(stream)

    def rows(self) -> npt.NDArray[np.uint64]:
        """Return the places of all rows whose key another row has too, in their order."""
        repeated = []
        for path in self.folder.glob("*.keys"):
            found = np.fromfile(path, KIND)
            _, places, counts = np.unique(found["hash"], return_inverse=True, return_counts=True)
            repeated.append(found["row"][counts[places] > 1])
        return np.sort(np.concatenate(repeated))
