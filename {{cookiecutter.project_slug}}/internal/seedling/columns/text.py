"""Free text, of which a model sees what its words say about the target."""

from typing import TYPE_CHECKING, Any, ClassVar

from seedling.columns.protocol import Check, Column, FormField, Json, NoFeature
from seedling.data.scalars import label_text
from seedling.data.spelled import Marks
from seedling.data.words import LONGEST, words

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SAMPLE = 1000  # cells that show whether a column is text
MOST_ROWS = 20_000  # of which the words are counted, to describe or to compare
FEWEST = 5  # words of letters in half of the texts, at least
SHARED = 0.5  # of the words that stand in other texts too, at least
FREQUENT = 200  # words that are compared between two times
REST = " "  # in place of the others
DRAWN = ("good", "bad", "late", "quick", "and", "never", "always", "!")  # for made-up texts


class Text(Column):
    """Any text; a missing one is empty. `sample` is one for the documentation."""

    sample: str = "text"

    unseen: ClassVar[Any] = "never seen"
    asked: ClassVar[int] = 99

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

    def checks(self) -> list[Check]:
        return []

    @classmethod
    def summary(cls, values: "pd.Series") -> str:
        counts = _some(values, MOST_ROWS).map(lambda text: len(words(label_text(text))))
        low, middle, high = counts.min(), counts.median(), counts.max()
        return f"{low:,.0f} to {high:,.0f} words, median {middle:,.0f}"

    @classmethod
    def drift(cls, before: "pd.Series", now: "pd.Series") -> float:
        """Return the total variation distance of the frequent words' shares, a gap being a word."""
        import pandas as pd

        old, new = (_words(cells) for cells in (before, now))
        frequent = set(pd.concat([old, new]).value_counts().index[:FREQUENT])
        kept = (cells.where(cells.isin(frequent) | cells.isna(), REST) for cells in (old, new))
        return super().drift(*kept)

    def frame(self, cells: "pd.Series") -> "dict[str, pd.Series]":
        """Return the texts as pandas' `string`, by which `preprocessing` knows them."""
        from seedling.data.distinct import label_texts

        return {self.name: label_texts(cells).fillna("").astype("string")}

    def example(self) -> Any:
        return self.sample

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        known = [*words(self.sample), *DRAWN]
        return [" ".join(generator.choice(known, 6)) for _ in range(count)]

    def edges(self) -> list[Any]:
        mixed = "It's \"new\"\r\n\tЖить e\u0301t\u00e9, 漢字 \U0001f600!! it's "
        return [self.sample, self.unseen, "", mixed, mixed * (LONGEST // len(mixed) + 2)]

    def json_value(self, cell: Any) -> Any:
        return self.cell(cell)

    def field(self) -> FormField:
        return FormField("area", self.example(), "any text")


TYPE = Text


def _some(cells: "pd.Series", count: int) -> "pd.Series":
    """Return at least `count` of the cells, all over the column; all where there are fewer."""
    return cells.iloc[:: max(1, len(cells) // count)]


def _words(cells: "pd.Series") -> "pd.Series":
    """Return the words of n cells one below the other, an empty one for an empty text."""
    found = _some(cells, MOST_ROWS)
    return found.map(lambda text: words(label_text(text)) or [""], na_action="ignore").explode()
