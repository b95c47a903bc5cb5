"""True and false, or words for them of several languages; MLflow's clients write 1 and 0."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from seedling.columns.number import Numeric, numbers_of
from seedling.columns.protocol import Check, FormField, Json
from seedling.data import spelled
from seedling.data.spelled import POINT, Marks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SAMPLE = 1000  # cells that show whether a column is worth a closer look


class Boolean(Numeric):
    """True or false; a model sees 1.0 and 0.0."""

    expected: ClassVar[str] = "true or false"
    asked: ClassVar[int] = 1
    profiled: ClassVar[Literal["numbers", "categories", "words"]] = "categories"

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        import numpy as np

        return {} if all(isinstance(value, bool | np.bool_) for value in values.unique()) else None

    @classmethod
    def propose_text(cls, cells: "pd.Series", marks: Marks) -> Json | None:
        if cells.head(SAMPLE).nunique() > SAMPLE / 10:
            return None
        words = {str(text).strip().casefold() for text in cells.unique()} - spelled.NO_WORD
        return {} if spelled.is_yes_and_no(frozenset(words)) else None

    def seen(self, cells: "pd.Series", marks: Marks) -> str:
        return " and ".join(sorted({str(cell).strip() for cell in cells.unique()})[:4])

    def from_text(self, cells: "pd.Series", marks: Marks) -> "pd.Series":
        from seedling.data.spelled_columns import each

        found = each(cells, spelled.truth)
        return found if found.isna().any() else found.astype(bool)

    def checks(self) -> list[Check]:
        def fits(cells: "pd.Series") -> "pd.Series":
            numbers = numbers_of(cells)
            return (numbers == 0) | (numbers == 1)

        return [Check(fits, "is not a boolean")]

    def measures(self, cells: "pd.Series") -> "pd.Series":
        return numbers_of(cells).map({1.0: "true", 0.0: "false"})

    def example(self) -> Any:
        return True

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        return generator.random(count) < 0.5

    def json_type(self) -> Any:
        return bool

    def from_number(self) -> Callable[[Any], Any] | None:
        return lambda value: bool(value) if value in (0, 1) else value

    def json_value(self, cell: Any) -> Any:
        number = self.cell(cell)
        return None if number is None else bool(number)

    def parse(self, text: str, marks: Marks = POINT) -> Any:
        found = spelled.truth(text)
        if found is not None:
            return found
        return None if spelled.is_blank(text) else text

    def mlflow_type(self, cells: "pd.Series") -> str:
        """Return `double` for 1 and 0; `string`, which MLflow leaves as it is, beside gaps.

        As its `boolean`, a null in JSON becomes False.
        """
        if cells.dtype.kind in "iuf":
            return "double"
        return "string" if self.nullable else "boolean"

    def json_schema(self) -> Json:
        return {"type": "boolean"}

    def field(self) -> FormField:
        return FormField("choices", self.example(), options=(True, False))


TYPE = Boolean
