"""Counts texts of which each stands for itself."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from seedling.data.distinct import distinct
from seedling.monitoring.structs import ColumnProfile

LISTED = 1_000  # texts that a profile has, the most frequent ones
MOST = 100_000  # texts that are counted one by one


class Categories:
    """Counts the texts of a column; `like` has those that are counted in any case."""

    def __init__(self, like: ColumnProfile | None = None) -> None:
        self.rows = self.missing = self.rest = 0
        self.known = frozenset(like.values if like else ())
        self.cut = bool(like and like.rest)  # the texts of `like` are not all that it has seen
        self.counts: dict[str, int] = {}

    def add(self, cells: pd.Series, measures: Callable[[pd.Series], pd.Series]) -> None:
        """Count n cells; `measures` turns the distinct ones into texts."""
        places, found = distinct(cells)
        counts = np.bincount(places, minlength=len(found))
        texts = measures(pd.Series(found, dtype=object))
        self.rows += len(cells)
        for text, count in zip(texts, counts.tolist(), strict=True):
            if isinstance(text, str):
                self._add(text, count)
            else:
                self.missing += count

    def merge(self, other: "Categories") -> None:
        """Add what another counter has counted."""
        self.rows += other.rows
        self.missing += other.missing
        self.rest += other.rest
        for text, count in other.counts.items():
            self._add(text, count)

    def resume(self, known: ColumnProfile) -> None:
        """Go on from a profile."""
        self.rows, self.missing = known.rows, known.missing
        self.rest = known.rest
        self.counts = dict(known.values)

    def profile(self, name: str) -> ColumnProfile:
        """Return the profile of all cells so far, the most frequent text first."""
        order = sorted(self.counts, key=lambda text: (-self.counts[text], text))
        new = [text for text in order if text not in self.known]
        listed = {*self.known, *new[: max(LISTED - len(self.known), LISTED // 10)]}
        values = {text: self.counts[text] for text in order if text in listed}
        rest = self.rest + sum(self.counts.values()) - sum(values.values())
        return ColumnProfile(name, "categories", self.rows, self.missing, values=values, rest=rest)

    def _add(self, text: str, count: int) -> None:
        is_listed = text in self.known or text in self.counts
        if is_listed or (len(self.counts) < MOST and not self.cut):
            self.counts[text] = self.counts.get(text, 0) + count
        else:
            self.rest += count
