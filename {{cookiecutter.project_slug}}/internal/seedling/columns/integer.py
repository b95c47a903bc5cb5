"""Whole numbers, which may come as 51 or as 51.0."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from seedling.columns.number import Number, numbers_of
from seedling.columns.protocol import FormField, Json
from seedling.data.spelled import Marks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# As in 51.0, up to the last one below 2**63.
WholeNumber = Annotated[float, msgspec.Meta(multiple_of=1, ge=-(2**63), le=2**63 - 1024)]


class Integer(Number):
    """A whole number."""

    expected: ClassVar[str] = "a whole number"
    asked: ClassVar[int] = 2
    wider: ClassVar[tuple[str, ...]] = ("number",)

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        found = super().propose(values)
        return found if found and bool((values % 1 == 0).all()) else None

    @classmethod
    def fits(cls, cells: "pd.Series") -> "pd.Series":
        return super().fits(cells) & (numbers_of(cells) % 1 == 0)

    def from_text(self, cells: "pd.Series", marks: Marks) -> "pd.Series":
        return self.stored(super().from_text(cells, marks))

    def stored(self, numbers: "pd.Series") -> "pd.Series":
        if self.nullable:
            return numbers.astype("float64")
        is_whole = bool((numbers % 1 == 0).all()) and bool((numbers.abs() < 2**53).all())
        return numbers.astype("int64") if is_whole else numbers

    def plain_numbers(self, cells: "pa.Array", marks: Marks) -> "np.ndarray[Any, Any] | None":
        import numpy as np

        found = super().plain_numbers(cells, marks)
        if found is None:
            return None
        exact = (np.abs(found) < 2**53) & (np.floor(found) == found)
        return found if exact.all() else np.where(exact, found, np.nan)

    def mlflow_type(self, cells: "pd.Series") -> str:
        return "double" if self.nullable else "long"

    def example(self) -> Any:
        return round(sum(self.span()) / 2)

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        import numpy as np

        low, high = self.span()
        return generator.integers(int(np.ceil(low)), int(np.floor(high)) + 1, count)

    def _possible(self, numbers: "pd.Series", generator: "np.random.Generator") -> "pd.Series":
        """Return n numbers rounded up or down by chance, by how near each is."""
        return (numbers + generator.random(len(numbers))) // 1

    def json_value(self, cell: Any) -> Any:
        number = self.cell(cell)
        if number is None or not number.is_integer():
            return number
        return cell if isinstance(cell, int) else int(number)

    def json_type(self) -> Any:
        return Int64 | WholeNumber

    def json_schema(self) -> Json:
        return {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}

    def field(self) -> FormField:
        return self._number_field("1", "numeric")


TYPE = Integer
