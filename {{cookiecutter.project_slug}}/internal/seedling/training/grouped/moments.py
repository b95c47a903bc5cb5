"""Sums over the rows of each group, from which linear models follow without the rows.

Of each group: the count of rows, the means of features and target, and the sums of products of
their deviations from those means. Two sets of such sums merge exactly; see Chan, Golub and LeVeque:
Algorithms for computing the sample variance (1983), here for products. Deviations keep the digits
that sums of plain products lose where a mean is large.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from seedling.training.grouped.keys import GroupsError, Keys, Numbers, numbered
from seedling.training.grouped.products import Floats, add_outer, sums, unpacked
from seedling.wording import counted

AT_ONCE = 1 << 21  # numbers that are copied, sorted and multiplied at a time


class Moments:
    """The sums of G groups, with w = features and the target, the target last.

    Attributes:
        keys: of the groups.
        features: their names.
        count: rows, G.
        mean: G x w.
        products: G x w (w + 1) / 2, the lower triangle, row by row.
    """

    def __init__(
        self, keys: Keys, features: Sequence[str], count: Floats, mean: Floats, products: Floats
    ) -> None:
        self.keys, self.features = keys, list(features)
        self.count, self.mean, self.products = count, mean, products

    def __len__(self) -> int:
        return len(self.count)

    @classmethod
    def of(
        cls,
        keys: pd.DataFrame,
        X: Any,
        y: Any,
        features: Sequence[str] | None = None,
        before: int = 0,
    ) -> Self:
        """Return the moments of n rows.

        Args:
            keys: n rows of the columns that make a group.
            X: n x p numbers, an array or a DataFrame.
            y: n numbers.
            features: names of the columns of X; its own unless given.
            before: the rows of the table before these, for the message of an error.

        Raises:
            GroupsError: there is no row, a key is missing, or a value is not finite.
        """
        own = getattr(X, "columns", [f"x{at}" for at in range(np.shape(X)[1])])
        names = [str(name) for name in (own if features is None else features)]
        X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        check_finite(X, names, before)
        check_finite(y[:, None], ["the target"], before)
        return cls.of_numbered(*Keys.of(keys, before), X, y, names)

    @classmethod
    def of_numbered(
        cls, keys: Keys, numbers: Numbers, X: Floats, y: Floats, features: Sequence[str]
    ) -> Self:
        """Return the moments of n finite rows, of whose keys the numbers are known.

        Raises:
            GroupsError: there is no row.
        """
        if not len(y):
            raise GroupsError("There is no row to learn from.")
        found = cls.empty(keys, features)
        found.add_rows(np.arange(len(keys)), numbers, X, y)
        return found

    @classmethod
    def empty(cls, keys: Keys, features: Sequence[str]) -> Self:
        """Return the moments of groups without a row."""
        groups, width = len(keys), len(features) + 1
        triangle = np.zeros((groups, width * (width + 1) // 2))
        return cls(keys, features, np.zeros(groups), np.zeros((groups, width)), triangle)

    @classmethod
    def of_parquet(
        cls,
        paths: Any,
        groups: Sequence[str],
        features: Sequence[str],
        target: str,
        threads: int | None = None,
    ) -> Self:
        """Return the moments of the rows of Parquet files, read in bounded memory.

        Args:
            paths: a file, a folder of files (partitioned as `location=a/...` or not), or several.
            groups: the columns that make a group.
            features: columns of numbers.
            target: a column of numbers.
            threads: that sum up; as many as processors unless given.

        Raises:
            GroupsError: a column is absent or not of numbers, or a value or key is missing.
        """
        from seedling.training.grouped import parquet_blocks

        blocks = parquet_blocks.read(paths, groups, features, target)
        found = parquet_blocks.summed(cls, blocks, features, threads or os.cpu_count() or 1)
        if found is None:
            raise GroupsError("There is no row to learn from.")
        return found

    def merged(self, other: "Moments") -> Self:
        """Return the moments of the rows of both.

        Raises:
            GroupsError: they are of other features or groups.
        """
        if (self.features, self.keys.names) != (other.features, other.keys.names):
            raise GroupsError(
                f"These are sums of {', '.join(other.features)} by {', '.join(other.keys.names)}, "
                f"not of {', '.join(self.features)} by {', '.join(self.keys.names)}."
            )
        keys, mine, theirs = self.keys.joined(other.keys)
        found = self._with_keys(keys, mine)
        step = max(1, AT_ONCE // other.products.shape[1])
        for first in range(0, len(other), step):
            part = slice(first, first + step)
            found._add(theirs[part], other.count[part], other.mean[part], other.products[part])
        return found

    def add_rows(
        self, groups: Numbers, numbers: Numbers, X: Floats, y: Floats, mapped: Any = map
    ) -> None:
        """Add n rows to these moments themselves.

        Args:
            groups: the places of g groups of which there is a row.
            numbers: of each row's group among those, n.
            X: n x p.
            y: n.
            mapped: does the work of `map`, perhaps in threads.
        """
        pieces = max(1, round(len(y) * (X.shape[1] + 1) / AT_ONCE))
        step = -(-len(y) // pieces)
        for first in range(0, len(y), step):
            part = slice(first, first + step)
            its, there = numbers[part], groups
            if pieces > 1:
                present, its = numbered(its, len(groups))
                there = groups[present]
            works = sums(its, len(there), X[part], y[part])
            for _ in mapped(lambda work, at=there: self._add(at[work.part], *work()), works):
                pass

    def with_keys(self, others: Keys) -> tuple[Self, Numbers]:
        """Return these moments, a copy if it takes one, with the others' keys too, and the places
        of the others' keys."""
        keys, mine, theirs = self.keys.joined(others)
        return (self if keys is self.keys else self._with_keys(keys, mine)), theirs

    def _with_keys(self, keys: Keys, places: Numbers) -> Self:
        """Return a copy for these keys; `places` are those of its groups."""
        found = self.empty(keys, self.features)
        found.count[places], found.mean[places] = self.count, self.mean
        found.products[places] = self.products
        return found

    def _add(self, places: Numbers, count: Floats, mean: Floats, products: Floats) -> None:
        """Add the sums of other rows to some groups, each named once."""
        before = self.count[places]
        apart = mean - self.mean[places]
        if before.any():
            products = self.products[places] + products
            add_outer(products, before * count / (before + count), apart)
        self.products[places] = products
        self.mean[places] += apart * (count / (before + count))[:, None]
        self.count[places] = before + count

    def deviations(self, part: Any = slice(None)) -> Floats:
        """Return the sums of products of some groups as matrices, g x w x w."""
        return unpacked(self.products[part])

    def to_file(self, path: Path | str) -> None:
        """Write the moments as a Parquet file, a row a group."""
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.table({"__rows": pa.array(self.count)})
        for name, values in (("mean", self.mean), ("products", self.products)):
            flat = pa.array(values.ravel())
            column = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
            table = table.append_column(f"__{name}", column)
        for name, keys in self.keys.frame().items():
            table = table.append_column(str(name), pa.array(keys))
        told = {"features": self.features, "groups": self.keys.names}
        table = table.replace_schema_metadata({"moments": json.dumps(told)})
        parquet.write_table(table, path)

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Read moments that `to_file` has written.

        Raises:
            GroupsError: the file holds something else.
        """
        from pyarrow import parquet

        table = parquet.read_table(path)
        try:
            told = json.loads((table.schema.metadata or {})[b"moments"])
        except KeyError:
            raise GroupsError(f"{Path(path).name} does not hold sums of groups.") from None
        frame = pd.DataFrame({name: table[name].to_pandas() for name in told["groups"]})
        keys, numbers = Keys.of(frame.set_axis(range(len(table))))
        order = np.argsort(numbers)
        lists = (table[name].combine_chunks() for name in ("__mean", "__products"))
        mean, products = (
            each.flatten().to_numpy().reshape(len(table), -1)[order] for each in lists
        )
        count = table["__rows"].to_numpy()[order]
        return cls(keys, told["features"], count, mean, products)


def check_finite(values: Floats, names: Sequence[str], before: int = 0) -> None:
    """Refuse NaN and infinities among n x w values, whose columns have these names.

    Args:
        values: n x w.
        names: of the columns.
        before: the rows of the table before these.

    Raises:
        GroupsError: there is one.
    """
    if np.isfinite(values.sum()):  # not finite if any value is not; a sum may overflow, too
        return
    wrong = ~np.isfinite(values)
    for name, column in zip(names, wrong.T, strict=True):
        rows = np.flatnonzero(column)
        if not len(rows):
            continue
        raise GroupsError(
            f"{name} is NaN or infinite (inf) in {counted(len(rows), 'row')}, first in row "
            f"{before + rows[0] + 1}: fill or drop them, or give `preprocessing`."
        )
