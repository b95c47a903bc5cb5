"""A feature's values for many rows at once: numbers, or codes of the few values that differ.

They are the values of `columns.protocol`: what the service passes to a model, None for a gap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass
class Coded:
    """n codes: the place of each row's value in a list of values, in which None is a gap."""

    codes: Places
    values: list[Any]

    def __len__(self) -> int:
        return len(self.codes)

    def gaps(self) -> npt.NDArray[np.bool_]:
        """Return which values are missing."""
        return np.array([value is None for value in self.values] or [False])[self.codes]

    def take(self, places: Places) -> "Coded":
        """Return the values of some rows, by their places or a mask."""
        return Coded(self.codes[places], self.values)

    def put(self, place: int, value: Any) -> None:
        """Set the value of a row."""
        self.values = [*self.values, value]
        self.codes[place] = len(self.values) - 1

    def floats(self, fill: float) -> Floats:
        """Return the values as numbers, `fill` for a gap."""
        return self.mapped(lambda value: fill if value is None else value)

    def mapped(self, function: Callable[[Any], Any], kind: Any = "float64") -> npt.NDArray[Any]:
        """Return an array of a function of each value, which is called once for each other one."""
        if not len(self.codes):  # the list of values may be empty, and a row of results has a width
            return np.array([function(None)], dtype=kind)[:0]
        used = self.values
        if len(used) > len(self.codes):
            places, codes = np.unique(self.codes, return_inverse=True)
            return np.array([function(used[at]) for at in places], dtype=kind)[codes]
        return np.array([function(value) for value in used], dtype=kind)[self.codes]

    def each(self, function: Callable[[Any], Any]) -> "Coded":
        """Return the function of each value, of a gap too."""
        return Coded(self.codes, [function(value) for value in self.values])

    def objects(self) -> npt.NDArray[np.object_]:
        """Return the values as Python's objects."""
        known = np.empty(len(self.values) or 1, dtype=object)
        known[: len(self.values)] = self.values
        return known[self.codes]

    def series(self) -> "pd.Series":
        """Return the values as pandas has them in a table of rows."""
        import pandas as pd

        return pd.Series(self.objects(), dtype=object).infer_objects()


@dataclass
class Numbers:
    """n numbers in double precision, NaN for a gap."""

    array: Floats

    def __len__(self) -> int:
        return len(self.array)

    def gaps(self) -> npt.NDArray[np.bool_]:
        """Return which values are missing."""
        return np.isnan(self.array)

    def take(self, places: Places) -> "Numbers":
        """Return the values of some rows, by their places or a mask."""
        return Numbers(self.array[places])

    def put(self, place: int, value: Any) -> None:
        """Set the value of a row."""
        self.array[place] = np.nan if value is None else value

    def floats(self, fill: float) -> Floats:
        """Return the numbers, `fill` for a gap."""
        gaps = self.gaps()
        return np.where(gaps, fill, self.array) if gaps.any() else self.array

    def mapped(self, function: Callable[[Any], Any], kind: Any = "float64") -> npt.NDArray[Any]:
        """Return an array of a function of each number, which is called once for each other one."""
        return self.coded().mapped(function, kind)

    def coded(self) -> Coded:
        """Return the same values with codes."""
        found = pa.array(self.array, from_pandas=True).dictionary_encode("encode")
        return Coded(found.indices.to_numpy(), found.dictionary.to_pylist())

    def objects(self) -> npt.NDArray[np.object_]:
        """Return the values as Python's objects."""
        found = self.array.astype(object)
        found[self.gaps()] = None
        return found

    def series(self) -> "pd.Series":
        """Return the values as pandas has them in a table of rows."""
        import pandas as pd

        return pd.Series(self.array)


Values = Coded | Numbers


def distinct(cells: Sequence[Any]) -> Coded:
    """Return n hashable values with a code for each other one; 1 and True are two."""
    places: dict[tuple[type, Any], int] = {}
    codes = [places.setdefault((type(cell), cell), len(places)) for cell in cells]
    return Coded(np.array(codes, dtype="int64"), [cell for _, cell in places])


def rows(columns: Sequence[Values]) -> list[tuple[Any, ...]]:
    """Return n rows of the values of columns."""
    return list(zip(*(column.objects().tolist() for column in columns), strict=True))
