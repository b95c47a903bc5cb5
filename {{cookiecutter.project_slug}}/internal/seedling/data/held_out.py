"""The rule by which rows were held out, as a model keeps it."""

from typing import Any

import msgspec


class HeldOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """Enough to say of any row, also of a later table, whether it was held out.

    Attributes:
        share: a row is held out if its hash, from 0 to 1, is below it.
        columns: of the table, those whose values are hashed; empty where the entity key is.
        numbered: whether equal rows are distinguished by their number.
        besides: hashes above the share that are held out nevertheless, so that each class has
            its share.
        without: hashes below the share that are not.
        by: the column of times; empty where hashes decide.
        since: the first time that is held out, in seconds or the column's own unit.
        marked: the column of marks: a row with one is held out, whatever the rest says.
    """

    share: float
    columns: list[str] = []
    numbered: bool = False
    besides: list[int] = []
    without: list[int] = []
    by: str = ""
    since: float = 0.0
    marked: str = ""


def read(noted: Any) -> HeldOut:
    """Return the rule of a model's schema.json; of older versions, the share is all there is."""
    return msgspec.convert(noted.get("held_out", {"share": noted["holdout"]}), HeldOut)
