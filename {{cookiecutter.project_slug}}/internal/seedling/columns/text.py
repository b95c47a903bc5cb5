"""Free text, of which a model sees what its words say about the target."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from seedling.columns.protocol import Check, Column, FormField, Json, NoFeature
from seedling.data.scalars import label_text
from seedling.data.spelled import Marks
from seedling.data.words import LONGEST, words

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LONGEST_TEXT = 1_000_000  # characters, unless the entry says another number
SAMPLE = 1000  # cells that show whether a column is text
MOST_ROWS = 20_000  # of which the words are counted, to describe them
FEWEST = 5  # words of letters in half of the texts, at least
SHARED = 0.5  # of the words that stand in other texts too, at least
DRAWN = ("good", "bad", "late", "quick", "and", "never", "always", "!")  # for made-up texts


class Text(Column):
    """Any text; a missing one is empty.

    `sample` is one for the documentation; `longest` the most characters that one may have.
    """

    sample: str = "text"
    longest: int = Field(default=LONGEST_TEXT, ge=1)

    unseen: ClassVar[Any] = "never seen"
    usual_shift: ClassVar[str] = "good=20%"
    asked: ClassVar[int] = 99
    profiled: ClassVar[Literal["numbers", "categories", "words"]] = "words"

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        from collections import Counter

        some = _some(values, SAMPLE)
        found = [[word for word in words(label_text(text)) if word.isalpha()] for text in some]
        texts_with = Counter(word for text in found for word in set(text))
        shared = sum(texts_with[word] > 1 for text in found for word in text)
        count = sum(map(len, found))
        if sorted(map(len, found))[len(found) // 2] < FEWEST or shared < SHARED * count:
            raise NoFeature(f"it holds {values.nunique()} different texts")
        return {"nullable": True}

    def seen(self, cells: "pd.Series", marks: Marks) -> str:
        return f"texts of {self.summary(cells)}"

    def words(self) -> str:
        return f"at most {self.longest:,} characters" if self.longest < LONGEST_TEXT else ""

    def checks(self) -> list[Check]:
        return []

    def cell(self, value: Any) -> Any:
        text = label_text(value)
        if len(text) > self.longest:
            raise ValueError(f"{len(text):,} characters")
        return text

    def misfit(self, value: Any) -> str:
        return f"has {len(str(value)):,} characters, more than the {self.longest:,} allowed"

    @classmethod
    def summary(cls, values: "pd.Series") -> str:
        counts = _some(values, MOST_ROWS).map(lambda text: len(words(label_text(text))))
        low, middle, high = counts.min(), counts.median(), counts.max()
        return f"{low:,.0f} to {high:,.0f} words, median {middle:,.0f}"

    def measures(self, cells: "pd.Series") -> "pd.Series":
        from seedling.data.distinct import is_missing

        def read(cell: Any) -> list[str] | None:
            return None if is_missing(cell) else words(label_text(cell))

        return cells.astype(object).map(read)

    def frame(self, cells: "pd.Series") -> "dict[str, pd.Series]":
        """Return the texts as pandas' `string`, by which `preprocessing` knows them."""
        from seedling.data.distinct import label_texts

        return {self.name: label_texts(cells).fillna("").astype("string")}

    def example(self) -> Any:
        return self.sample

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        known = [*words(self.sample), *DRAWN]
        return [" ".join(generator.choice(known, 9)) for _ in range(count)]

    def edges(self) -> list[Any]:
        mixed = "It's \"new\"\r\n\tЖить e\u0301t\u00e9, 漢字 \U0001f600!! it's "
        found = [self.sample, self.unseen, "", mixed, mixed * (LONGEST // len(mixed) + 2)]
        return [text[: self.longest] for text in found]

    def json_value(self, cell: Any) -> Any:
        return self.cell(cell)

    def json_schema(self) -> Json:
        most = {"maxLength": self.longest} if self.longest < LONGEST_TEXT else {}
        return super().json_schema() | most

    def field(self) -> FormField:
        return FormField("area", self.example(), self.words() or "any text")


TYPE = Text


def _some(cells: "pd.Series", count: int) -> "pd.Series":
    """Return at least `count` of the cells, all over the column; all where there are fewer."""
    return cells.iloc[:: max(1, len(cells) // count)]
