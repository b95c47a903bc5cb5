"""The structs of a profile, as they stand in `profile.json`."""

from typing import Literal

import msgspec

Kind = Literal["numbers", "categories", "words"]


class ColumnProfile(msgspec.Struct, omit_defaults=True):
    """The values of one column.

    Attributes:
        kind: `numbers` counts between fixed edges, `categories` by text, `words` the rows in which
            each word stands.
        rows: of all cells, with the missing ones.
        missing: of them; an infinite number is missing.
        edges: ascending. A number belongs to the first edge that is not below it.
        counts: one more than there are edges: the last is of numbers above all edges.
        exact: whether each number of the reference is an edge.
        inside: of `counts`, those of numbers that are no edge though the edges are exact; empty
            where there are none.
        apart: how far those lie below their edge, in sum.
        low, high, mean, sd: of the numbers; None without any.
        below, above: how far numbers lie below the first edge and above the last one, in sum.
        values: cells of each text, or rows with each word; the most frequent ones.
        rest: cells of other texts.
    """

    name: str
    kind: Kind
    rows: int = 0
    missing: int = 0
    edges: list[float] = []
    counts: list[int] = []
    exact: bool = False
    inside: list[int] = []
    apart: list[float] = []
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    sd: float | None = None
    below: float = 0.0
    above: float = 0.0
    values: dict[str, int] = {}
    rest: int = 0

    @property
    def known(self) -> int:
        """Return the number of cells that are not missing."""
        return self.rows - self.missing


class Profile(msgspec.Struct, omit_defaults=True):
    """The values of all columns.

    Attributes:
        rows: that were counted.
        features: of each raw column that a caller sends.
        outputs: of the prediction and each number of the answer, on rows that were held out.
        performance: what the task needs to judge later truth by, as JSON of its own.
    """

    rows: int
    features: dict[str, ColumnProfile]
    outputs: dict[str, ColumnProfile] = {}
    performance: msgspec.Raw = msgspec.Raw(b"{}")
