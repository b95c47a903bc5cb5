"""Counts the rows in which each frequent word of a text stands."""

from collections import Counter
from collections.abc import Callable

import pandas as pd

from seedling.monitoring.structs import ColumnProfile

LISTED = 200  # words that a profile has
MOST_ROWS = 20_000  # of a part of the table, all over it
MOST = 100_000  # words that are counted


class Words:
    """Counts the words of a column of texts; `like` has the words to count."""

    def __init__(self, like: ColumnProfile | None = None) -> None:
        self.rows = self.missing = 0
        self.known = frozenset(like.values if like else ())
        self.counts: Counter[str] = Counter()

    def add(self, cells: pd.Series, measures: Callable[[pd.Series], pd.Series]) -> None:
        """Count n cells; `measures` turns each into the list of its words, None if missing."""
        some = cells.iloc[:: max(1, len(cells) // MOST_ROWS)]
        self.rows += len(some)
        for words in measures(some):
            if not isinstance(words, list):
                self.missing += 1
            elif self.known:
                self.counts.update(self.known.intersection(words))
            else:
                self.counts.update(set(words))
        if len(self.counts) > MOST:
            self.counts = Counter(dict(self.counts.most_common(MOST // 2)))

    def merge(self, other: "Words") -> None:
        """Add what another counter has counted."""
        self.rows += other.rows
        self.missing += other.missing
        self.counts.update(other.counts)

    def resume(self, known: ColumnProfile) -> None:
        """Go on from a profile."""
        self.rows, self.missing = known.rows, known.missing
        self.counts = Counter(known.values)

    def profile(self, name: str) -> ColumnProfile:
        """Return the profile of all cells so far, the most frequent word first."""
        order = sorted(self.counts, key=lambda word: (-self.counts[word], word))[:LISTED]
        values = {word: self.counts[word] for word in order}
        return ColumnProfile(name, "words", self.rows, self.missing, values=values)
