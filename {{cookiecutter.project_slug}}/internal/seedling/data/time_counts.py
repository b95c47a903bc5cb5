"""The times of a table that is larger than memory, and how many rows each has."""

import numpy as np
import numpy.typing as npt

MOST = 1_000_000  # different times; with more, neighbours are counted as one

Numbers = npt.NDArray[np.float64]


class TimeCounts:
    """Counts rows by time.

    Attributes:
        known: the different times, in their order.
        counts: the rows of each, those of joined neighbours among them.
    """

    def __init__(self) -> None:
        self.known: Numbers = np.empty(0)
        self.counts: Numbers = np.empty(0)

    def add(self, when: Numbers) -> None:
        """Count the times of a batch."""
        new, counts = np.unique(when, return_counts=True)
        counted = np.concatenate([self.counts, counts])
        self.known, places = np.unique(np.concatenate([self.known, new]), return_inverse=True)
        self.counts = np.zeros(len(self.known))
        np.add.at(self.counts, places, counted)
        if len(self.known) > MOST:
            starts = np.arange(0, len(self.known), 2)
            self.known = self.known[starts]
            self.counts = np.add.reduceat(self.counts, starts)
