"""The rows of the first fit: those to learn from, and those set aside for a look at the result.

Of a large table some are drawn where a fit on all rows follows: the first fit only has to find when
to stop, and how the model does on rows that it has not seen.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seedling import tasks
from seedling.data.split import TEST, TEST_SHARE, divide
from seedling.training.fits import Table

MOST = 200_000  # rows that a first fit draws, those set aside among them
FEWEST = 100  # of each stratum, such as a rare class

Places = npt.NDArray[np.intp]


class FirstRows(NamedTuple):
    """The places of the rows in their table; `drawn` is whether they are some of many."""

    train: Places
    test: Places
    drawn: bool = False

    def parts(self, table: Table) -> tuple[Any, Any, Any, Any]:
        """Return X_train, y_train, X_test and y_test."""
        return *table.part(self.train), *table.part(self.test)


def of(table: Table) -> FirstRows:
    """Split a table; rows of one entity are on one side, and each class has its share of both."""
    held_out, _ = divide(table.rows, table.dataset, TEST_SHARE, TEST)
    return FirstRows(np.flatnonzero(~held_out), np.flatnonzero(held_out))


def drawn(whole: FirstRows, table: Table, most: int = MOST) -> FirstRows:
    """Draw rows from both sides, with the share of each stratum; all where there are few."""
    share = most / len(table.y)
    if share >= 1:
        return whole
    train, test = (_some(side, table, share) for side in (whole.train, whole.test))
    return FirstRows(train, test, drawn=True)


def _some(side: Places, table: Table, share: float) -> Places:
    strata = tasks.of(table.dataset).training.strata(table.y.iloc[side])
    order = strata.reset_index(drop=True).sample(frac=1, random_state=0)
    groups = order.groupby(order, dropna=False)
    kept = groups.cumcount() < np.maximum(share * groups.transform("size"), FEWEST)
    return side[np.sort(order.index[kept].to_numpy())]
