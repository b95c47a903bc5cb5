"""Texts of which each stands for itself; one that training never saw is answered all the same."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from seedling.columns.protocol import Check, Column, FormField, Json, NoFeature
from seedling.data.scalars import label_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST = 200  # categories that are proposed
LISTED = 12  # categories that a description names


class Category(Column):
    """A text out of a list."""

    categories: Annotated[list[str], Field(min_length=1)]

    unseen: ClassVar[Any] = "never seen"
    asked: ClassVar[int] = 9

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        count = values.nunique()
        if count > MOST or count > 0.9 * len(values) > 20:
            raise NoFeature(f"it holds {count} different texts")
        return {"categories": sorted({str(value) for value in values})}

    def widened(self, values: "pd.Series") -> Json:
        known = {label_text(category) for category in self.categories}
        new = sorted({label_text(value) for value in values.unique()} - known)
        return {"categories": [*self.categories, *new]} if new else {}

    def seen(self, cells: "pd.Series") -> str:
        return ""  # `words` says it

    def words(self) -> str:
        listed, more = ", ".join(self.categories[:LISTED]), len(self.categories) - LISTED
        return f"one of {listed}, and {more} more" if more > 0 else f"one of {listed}"

    def checks(self) -> list[Check]:
        return [one_of(self.categories, "categories")]

    def frame(self, cells: "pd.Series") -> "dict[str, pd.Series]":
        from seedling.data.distinct import label_texts

        return {self.name: label_texts(cells)}

    def example(self) -> Any:
        return self.categories[0]

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        import numpy as np

        return generator.choice(np.array(self.categories, dtype=object), count)

    def edges(self) -> list[Any]:
        return [*self.categories, self.unseen, ""]

    def json_type(self) -> Any:
        return str | float if self._named_by_numbers() else str

    def reader(self) -> Callable[[Any], Any] | None:
        return label_text if self._named_by_numbers() else None

    def json_schema(self) -> Json:
        return {"type": ["string", "number"] if self._named_by_numbers() else "string"}

    def hints(self) -> Json:
        return {"x-categories": self.categories}

    def field(self) -> FormField:
        return FormField("list", self.example(), options=self.categories)

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
