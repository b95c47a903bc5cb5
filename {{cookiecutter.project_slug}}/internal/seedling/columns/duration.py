"""Lengths of time, which a model sees as their seconds."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from seedling.columns.number import Float, Number
from seedling.columns.protocol import FormField, Json
from seedling.data import spelled
from seedling.data.spelled import POINT, Marks

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 1000  # cells that show whether a column is worth a closer look
FEW = 24  # different times of day are categories


class Duration(Number):
    """A length of time, or a time of day: `1 days 02:00:00`, `26:00`, `P1DT2H`, or its seconds."""

    expected: ClassVar[str] = "a length of time such as 26:00:00 or P1DT2H, or its seconds"
    asked: ClassVar[int] = 4

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        return super().propose(values.dt.total_seconds()) if values.dtype.kind == "m" else None

    @classmethod
    def propose_text(cls, cells: "pd.Series", marks: Marks) -> Json | None:
        sample = cells.head(SAMPLE)
        if sum(spelled.duration(text) is not None for text in sample) <= len(sample) / 2:
            return None
        if cells.nunique() <= FEW and not cells.str.contains("day|P").any():
            return None
        return super().propose(_seconds(cells).dropna())

    def seen(self, cells: "pd.Series", marks: Marks) -> str:
        return f"lengths of time such as {cells.iloc[0]}, in seconds"

    def from_text(self, cells: "pd.Series", marks: Marks) -> "pd.Series":
        found = _seconds(cells)
        return found.where(found.notna(), super().from_text(cells, marks))

    def from_typed(self, cells: "pd.Series") -> "pd.Series":
        return super().from_typed(cells.dt.total_seconds() if cells.dtype.kind == "m" else cells)

    def json_type(self) -> Any:
        return Float | str

    def reader(self) -> Callable[[Any], Any] | None:
        return self._read

    def _read(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = self.parse(value)
        if isinstance(found, str):
            raise ValueError(value)
        return found

    def parse(self, text: str, marks: Marks = POINT) -> Any:
        found = spelled.duration(text)
        return super().parse(text, marks) if found is None else found

    def json_schema(self) -> Json:
        return {**super().json_schema(), "type": ["number", "string"]}

    def field(self) -> FormField:
        return self._number_field("any", "decimal")


TYPE = Duration


def _seconds(cells: "pd.Series") -> "pd.Series":
    """Return the seconds that n texts spell, NaN where one spells none."""
    from seedling.data.spelled_columns import each

    return each(cells, spelled.duration).astype("float64")
