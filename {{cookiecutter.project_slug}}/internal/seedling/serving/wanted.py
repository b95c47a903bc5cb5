"""The columns that are taken from the table of a request."""

import difflib
from collections.abc import Sequence
from typing import Any

from seedling.columns.protocol import Column
from seedling.errors import InputError

MAX_COMPARED = 100  # names that are compared with a missing one

Rows = list[Any]  # lists in the features' order, or objects by name


class Wanted:
    """The columns to take from the table of a request: the features, and others if they are sent.

    Args:
        names: the names of the features.
        also: the names of the others, such as the entity key.
        columns: the features.
    """

    def __init__(self, names: list[str], also: Sequence[str], columns: Sequence[Column]) -> None:
        self.names, self.also, self.columns = names, also, columns
        found = ((column.name, column.from_number()) for column in columns)
        self._restorers = {name: restore for name, restore in found if restore is not None}
        self._nullable = {column.name for column in columns if column.nullable}

    def among(self, sent: list[Any], where: str, whole: bool = False) -> list[str]:
        """Return the names to take: the features, then the others that were sent.

        Args:
            sent: the names of the columns of the request.
            where: the place in the body, for the error message.
            whole: refuse to go without a feature that may be null.

        Raises:
            InputError: a feature is missing or misspelt, or is there more than once.
        """
        for name in self.names:
            if sent.count(name) > 1:
                raise InputError(f"{where}: the column {name} is there more than once.")
            if name not in sent:
                others = [str(other) for other in sent if other not in self.names]
                near = difflib.get_close_matches(name, others[:MAX_COMPARED], n=1)
                if name in self._nullable and not near and not whole:
                    continue
                hint = f"; is it the one called {near[0]}?" if near else "."
                raise InputError(f"{where}: the column {name} is missing{hint}")
        features = [name for name in self.names if name in sent]
        return [*features, *(name for name in self.also if sent.count(name) == 1)]

    def shaped(self, rows: list[list[Any]], names: list[str]) -> Rows:
        """Return rows of the values of `names`: lists if these are the features, else objects."""
        self.restored(rows, names)
        if names == self.names:
            return rows
        named = (zip(names, row, strict=True) for row in rows)
        return [{name: value for name, value in row if value is not None} for row in named]

    def restored(self, rows: list[list[Any]], names: list[str]) -> list[list[Any]]:
        """Return the rows with the values that numbers stand for, as false and true for 0 and 1."""
        for name, restore in self._restorers.items() if rows else ():
            if name in names:
                at = names.index(name)
                for row in rows:
                    row[at] = restore(row[at])
        return rows
