"""Texts of which each stands for itself; one that training never saw is answered all the same."""

import re
from collections.abc import Callable, Collection
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from seedling.columns.protocol import Check, Column, FormField, Json
from seedling.data.scalars import label_text
from seedling.data.spelled import POINT, Marks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LISTED = 200  # categories that a proposal lists
MOST = 10_000  # of a column that is proposed
ROWS_EACH = 5  # of each category that is not listed, on average at least
COLUMNS = 50  # categories that have a column each; with more, the target encodes them too
NAMED = 12  # categories that a description names


class Category(Column):
    """A text out of a list; blanks around it say nothing, unless one of the list has some.

    Attributes:
        others: whether other texts are usual too: the list then has the most frequent.
        by_target: whether a model sees what the rows of a category have for a target, too; by
            default where there are more than 50.
    """

    categories: Annotated[list[str], Field(min_length=1)]
    others: bool = False
    by_target: bool | None = None

    unseen: ClassVar[Any] = "never seen"
    asked: ClassVar[int] = 9

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        counts = values.astype(str).str.strip().value_counts()
        if len(counts) <= LISTED:
            if len(counts) > 0.9 * len(values) > 20:
                return None
            return {"categories": sorted(counts.index)}
        if len(counts) > min(MOST, len(values) / ROWS_EACH):
            return None
        return {"categories": sorted(counts.index[:LISTED]), "others": True}

    def widened(self, values: "pd.Series") -> Json:
        if self.others:
            return {}
        known = {label_text(category) for category in self.categories}
        new = sorted({self._trimmed(label_text(value)) for value in values.unique()} - known)
        if len(self.categories) + len(new) > LISTED and new:
            return {"others": True}
        return {"categories": [*self.categories, *new]} if new else {}

    def seen(self, cells: "pd.Series", marks: Marks) -> str:
        return ""  # `words` says it

    def words(self) -> str:
        listed, more = ", ".join(self.categories[:NAMED]), len(self.categories) - NAMED
        return f"one of {listed}" + f", and {more} more" * (more > 0) + " or another" * self.others

    def checks(self) -> list[Check]:
        return [] if self.others else [one_of(self.categories, "categories")]

    def frame(self, cells: "pd.Series") -> "dict[str, pd.Series]":
        """Return the texts as objects; as pandas' `category` where the target encodes them too."""
        from seedling.data.distinct import label_texts

        found = label_texts(cells)
        return {self.name: found.astype("category") if self._is_by_target() else found}

    def measures(self, cells: "pd.Series") -> "pd.Series":
        return super().measures(cells).map(self._trimmed, na_action="ignore")

    def example(self) -> Any:
        return self.categories[0]

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        import numpy as np

        return generator.choice(np.array(self.categories, dtype=object), count)

    def edges(self) -> list[Any]:
        return [*self.categories, self.unseen, ""]

    def own_texts(self) -> Collection[str]:
        return self.categories

    def json_type(self) -> Any:
        return str | float if self._named_by_numbers() else str

    def reader(self) -> Callable[[Any], Any] | None:
        if self._named_by_numbers():
            return lambda value: self._trimmed(label_text(value))
        return str.strip if self._is_trimmed else None

    def json_value(self, cell: Any) -> Any:
        return self.cell(cell)

    def parse(self, text: str, marks: Marks = POINT) -> Any:
        return self._trimmed(text)

    def json_schema(self) -> Json:
        return {"type": ["string", "number"] if self._named_by_numbers() else "string"}

    def hints(self) -> Json:
        return {"x-categories": self.categories}

    def field(self) -> FormField:
        return FormField("list", self.example(), options=self.categories)

    @cached_property
    def _is_trimmed(self) -> bool:
        return all(category == category.strip() for category in self.categories)

    def _trimmed(self, text: str) -> str:
        return text.strip() if self._is_trimmed else text

    def _is_by_target(self) -> bool:
        if self.by_target is None:
            return self.others or len(self.categories) > COLUMNS
        return self.by_target

    def _named_by_numbers(self) -> bool:
        """Return whether a category looks like a number, which callers then send as one."""
        return any(re.fullmatch(r"-?\d+(\.\d+)?", category) for category in self.categories)


TYPE = Category


def one_of(allowed: list[Any], kind: str) -> Check:
    """Check that cells are among the allowed ones, 1 and 1.0 being the same."""
    known = {label_text(value) for value in allowed}

    def fits(cells: "pd.Series") -> "pd.Series":
        from seedling.data.distinct import each

        return each(cells, lambda cell: label_text(cell) in known, dtype=bool)

    return Check(fits, f"is none of its {kind}", beyond=True)
