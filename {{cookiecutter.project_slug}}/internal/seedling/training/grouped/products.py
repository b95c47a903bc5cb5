"""Sums of products of the rows of each group, and symmetric matrices kept as lower triangles.

Deviations are taken from the group's first row, and then moved to its mean. With S the sum of
squares about the mean of n rows, (first - mean)^2 <= S, so that the sum about the first row is at
most (n + 1) S, and about 2 S as a rule: few digits are lost, and no row is read twice.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seedling.training.grouped.keys import Numbers

Floats = npt.NDArray[np.floating[Any]]

IN_CACHE = 1 << 17  # numbers that are multiplied at a time
COPIED = 1 << 13  # rows, from columns to rows


class Slice(NamedTuple):
    """Some of the groups of a block, with their rows in order.

    Attributes:
        part: the groups.
        rows: of all groups: features, target and 1, n x (p + 2), in any order.
        order: of these groups' rows, group by group.
        counts: rows of each group.
        size: rows of a chunk.
    """

    part: slice
    rows: Floats
    order: Numbers
    counts: Numbers
    size: int

    def __call__(self) -> tuple[Floats, Floats, Floats]:
        """Return count, mean and products of the groups, the latter as of `Moments`."""
        count, size, width = self.counts, self.size, self.rows.shape[1] - 1
        starts, chunks = np.cumsum(count) - count, -(-count // size)
        firsts = np.cumsum(chunks) - chunks
        own = self.rows[self.order]
        shift = own[starts]
        shift[:, -1] = 0
        own -= shift.repeat(count, axis=0)
        padded = np.zeros((chunks.sum() * size, width + 1))
        padded[np.arange(len(own)) + (firsts * size - starts).repeat(count)] = own
        block = padded.reshape(-1, size, width + 1)
        squares = block.transpose(0, 2, 1) @ block
        if len(squares) > len(count):
            squares = np.add.reduceat(squares, firsts, axis=0)
        total = squares[:, -1, :-1]
        apart = total / count[:, None]
        lower = np.tril_indices(width)
        products = squares[:, *lower] - total[:, lower[0]] * apart[:, lower[1]]
        return count.astype(np.float64), shift[:, :-1] + apart, products


def sums(numbers: Numbers, groups: int, X: Floats, y: Floats) -> Iterator[Slice]:
    """Yield slices of the groups of n rows, each group in one, to be called in any order.

    Args:
        numbers: of each row's group, n; each group has a row.
        groups: their count.
        X: n x p.
        y: n.
    """
    rows = _with_ones(X, y)
    small = numbers.astype(np.uint16) if groups <= 1 << 16 else numbers  # sorted by their digits
    order = np.argsort(small, kind="stable")
    counts = np.bincount(numbers, minlength=groups)
    starts = np.append(0, np.cumsum(counts))
    # Rows of a group fill chunks of one size, the last one up with zeros: one call multiplies all.
    size = int(np.clip(2 ** np.round(np.log2(len(y) / groups)), 4, 64))
    chunks = np.append(0, np.cumsum(-(-counts // size)))
    most = max(1, IN_CACHE // (size * rows.shape[1]))
    first = 0
    while first < groups:
        last = max(int(np.searchsorted(chunks, chunks[first] + most, "right")) - 1, first + 1)
        part = slice(first, last)
        yield Slice(part, rows, order[starts[first] : starts[last]], counts[part], size)
        first = last


def add_outer(products: Floats, weight: Floats, values: Floats) -> None:
    """Add weight * values values' of g groups, g and g x w, to products, g x w (w + 1) / 2."""
    rows, columns = np.tril_indices(values.shape[1])
    step = max(1, IN_CACHE // len(rows))
    for first in range(0, len(values), step):
        part = slice(first, first + step)
        scaled = values[part] * weight[part, None]
        products[part] += scaled[:, rows] * values[part][:, columns]


def unpacked(products: Floats) -> Floats:
    """Return symmetric matrices, g x w x w, of their lower triangles, g x w (w + 1) / 2."""
    width = int((np.sqrt(8 * products.shape[1] + 1) - 1) / 2)
    places = np.empty((width, width), dtype=np.int64)
    rows, columns = np.tril_indices(width)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    return products[:, places]


def _with_ones(X: Floats, y: Floats) -> Floats:
    """Return the rows of X, y and 1, n x (p + 2), one after the other in memory."""
    rows = np.ones((len(y), X.shape[1] + 2))
    for first in range(0, len(y), COPIED):  # of which X's columns lie in the processor's cache
        part = slice(first, first + COPIED)
        rows[part, :-2] = X[part]
    rows[:, -2] = y
    return rows
