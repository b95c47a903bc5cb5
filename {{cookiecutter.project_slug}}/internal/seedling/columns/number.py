"""Numbers, with or without a fraction, in a range where the schema sets one."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import model_validator as validates_model

from seedling.columns.protocol import Check, Column, FormField, Json
from seedling.data import spelled
from seedling.data.scalars import MAX_NUMBER, short
from seedling.data.spelled import NO_VALUE, POINT, Marks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

SAMPLE = 1000  # cells that show whether a column is worth a closer look
Float = Annotated[float, msgspec.Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)]


class Numeric(Column):
    """The base of all types whose values are the numbers that a model is trained on."""

    numeric: ClassVar[bool] = True
    profiled: ClassVar[Literal["numbers", "categories", "words"]] = "numbers"
    missing: ClassVar[frozenset[str]] = NO_VALUE

    def cell(self, value: Any) -> float | None:
        """Return the number; None for an infinite one."""
        try:
            number = float(value)
        except TypeError:
            raise ValueError(f"{value!r} is no number") from None
        return number if math.isfinite(number) else None

    def values(self, cells: "pd.Series") -> list[Any]:
        numbers = _floats(cells).astype(object)
        return numbers.where(numbers.notna(), None).tolist()

    def measures(self, cells: "pd.Series") -> "pd.Series":
        return numbers_of(cells)

    def frame(self, cells: "pd.Series") -> "dict[str, pd.Series]":
        return {self.name: _floats(cells)}

    def reader(self) -> Callable[[Any], Any] | None:
        return None

    def json_value(self, cell: Any) -> Any:
        return self.cell(cell)

    def edges(self) -> list[Any]:
        return [0, 1]

    def mlflow_type(self, cells: "pd.Series") -> str:
        return "double"


class Number(Numeric):
    """A number; `minimum` and `maximum` bound what validation accepts, not what is answered.

    `decimal` is the decimal mark of the column's texts where it is not that of its file.
    """

    minimum: float | None = None
    maximum: float | None = None
    decimal: Literal[".", ","] | None = None

    expected: ClassVar[str] = "a number"
    asked: ClassVar[int] = 3
    usual_shift: ClassVar[str] = "0.5sd"

    @validates_model(mode="after")
    def _is_a_range(self) -> "Number":
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}")
        return self

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        import pandas as pd

        if not pd.api.types.is_numeric_dtype(values):
            return None
        finite = values[values.abs() <= MAX_NUMBER]
        return {"minimum": _bound(finite.min()), "maximum": _bound(finite.max())}

    def widened(self, values: "pd.Series") -> Json:
        found = self.bounds(values)
        if self.minimum is None or not found["minimum"] < self.minimum:
            del found["minimum"]
        if self.maximum is None or not found["maximum"] > self.maximum:
            del found["maximum"]
        return found

    def bounds(self, values: "pd.Series") -> Json:
        numbers = numbers_of(values)
        finite = numbers[numbers.abs() <= MAX_NUMBER]
        return {"minimum": _bound(finite.min()), "maximum": _bound(finite.max())}

    @classmethod
    def propose_text(cls, cells: "pd.Series", marks: Marks) -> Json | None:
        from seedling.data import spelled_columns

        some = cells.iloc[:: max(1, len(cells) // SAMPLE)]
        if cls._of_texts(some, marks) is None or spelled_columns.has_codes(cells):
            return None
        return cls._of_texts(cells, marks)

    @classmethod
    def _of_texts(cls, cells: "pd.Series", marks: Marks) -> Json | None:
        """Return the entry's own keys for the numbers among n texts; None if half are none."""
        from seedling.data import spelled_columns

        known = cells[~spelled_columns.is_blank(cells, cls.missing)]
        found = spelled_columns.numbers(known, marks)
        other: Json = {}
        if found.isna().any():
            swapped = marks.swapped()
            again = spelled_columns.numbers(known, swapped)
            if again.notna().sum() > found.notna().sum():
                found, other = again, {"decimal": swapped.decimal}
        fitting = found[found.abs() <= MAX_NUMBER]
        if len(fitting) <= len(known) / 2:
            return None
        keys = cls.propose(fitting)
        return None if keys is None else {**keys, **other}

    def seen(self, cells: "pd.Series", marks: Marks) -> str:
        from seedling.data import spelled_columns

        if cells.dtype != object or spelled_columns.read_as_python_does(cells, self._marks(marks)):
            return "numbers"
        longest = max((str(cell) for cell in cells.head(100)), key=len)
        return f"numbers such as {longest}"

    def from_text(self, cells: "pd.Series", marks: Marks) -> "pd.Series":
        from seedling.data import spelled_columns

        found = spelled_columns.numbers(cells, self._marks(marks))
        return found.where(found.abs() <= MAX_NUMBER)

    def from_typed(self, cells: "pd.Series") -> "pd.Series":
        if cells.dtype.kind not in "iuf":
            return cells
        fits = cells.abs() <= MAX_NUMBER
        return self.stored(cells if (fits | cells.isna()).all() else cells.where(fits))

    def stored(self, numbers: "pd.Series") -> "pd.Series":
        """Return n numbers in the dtype that the column has in each table, with or without gaps."""
        return numbers.astype("float64")

    def _marks(self, marks: Marks) -> Marks:
        """Return the marks of the column's texts."""
        return marks if self.decimal in (None, marks.decimal) else Marks(str(self.decimal))

    def plain_numbers(self, cells: "pa.Array", marks: Marks) -> "np.ndarray[Any, Any] | None":
        from seedling.data import plain_numbers

        if self._marks(marks).decimal != ".":
            return None
        return plain_numbers.read(cells, MAX_NUMBER)

    def words(self) -> str:
        low, high = self.minimum, self.maximum
        if low is not None and high is not None:
            return f"{number_text(low)} to {number_text(high)}"
        if low is not None:
            return f"{number_text(low)} or more"
        return f"{number_text(high)} or less" if high is not None else ""

    def checks(self) -> list[Check]:
        found = [Check(self.fits, f"is not {'an' if self.type[0] in 'aeiou' else 'a'} {self.type}")]
        if self.minimum is not None:
            low = self.minimum
            found.append(_number_check(lambda n: n >= low, f"is below the minimum {low:g}"))
        if self.maximum is not None:
            high = self.maximum
            found.append(_number_check(lambda n: n <= high, f"is above the maximum {high:g}"))
        return found

    @classmethod
    def fits(cls, cells: "pd.Series") -> "pd.Series":
        """Return whether each of n cells is a number of this type, None and text being none."""
        return numbers_of(cells).abs() <= MAX_NUMBER

    @classmethod
    def summary(cls, values: "pd.Series") -> str:
        low, middle, high = values.min(), values.median(), values.max()
        return f"{short(low)} to {short(high)}, median {short(middle)}"

    def span(self) -> tuple[float, float]:
        """Return the lowest and the highest number allowed, 0 and 1 where the schema is silent."""
        low, high = self.minimum, self.maximum
        if low is None:
            low = 0.0 if high is None else min(0.0, high)
        if high is None:
            high = max(1.0, low + 1.0)
        return low, high

    def example(self) -> Any:
        return round(sum(self.span()) / 2, 2)

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        return generator.uniform(*self.span(), count)

    def shifted(
        self, cells: "pd.Series", amount: str, generator: "np.random.Generator"
    ) -> "pd.Series":
        """Return n cells moved by a number of standard deviations, `0.5sd`, inside of the range."""
        from seedling.data import shifting

        distance = shifting.deviations(amount)
        if distance is None:
            return super().shifted(cells, amount, generator)
        numbers = _floats(cells)
        spread = numbers.std()
        if not spread > 0:
            raise ValueError("all its values are alike: it has no standard deviation")
        moved = self._possible(numbers + distance * spread, generator)
        return self.stored(moved.clip(self.minimum, self.maximum))

    def _possible(self, numbers: "pd.Series", generator: "np.random.Generator") -> "pd.Series":
        """Return n numbers as numbers that the column can have, of the same mean."""
        return numbers

    def edges(self) -> list[Any]:
        return [*self.span(), 0, -MAX_NUMBER, MAX_NUMBER]

    def json_type(self) -> Any:
        return Float

    def parse(self, text: str, marks: Marks = POINT) -> Any:
        marks = self._marks(marks)
        if "_" not in text and marks.decimal == ".":
            for kind in (int, float):
                try:
                    number = kind(text)
                except ValueError:
                    continue
                return number if number == number else None
        found = spelled.number(text, marks)
        if found is not None:
            return found
        return None if spelled.is_blank(text) else text

    def json_schema(self) -> Json:
        return {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}

    def hints(self) -> Json:
        limits = {"x-minimum": self.minimum, "x-maximum": self.maximum}
        return {name: value for name, value in limits.items() if value is not None}

    def field(self) -> FormField:
        return self._number_field("any", "decimal")

    def _number_field(self, step: str, inputmode: str) -> FormField:
        """Return an <input>; a telephone's keyboard has digits only if no number is negative."""
        negative = self.minimum is None or self.minimum < 0
        return FormField(
            "input",
            self.example(),
            self.words(),
            kind="number",
            step=step,
            inputmode="text" if negative else inputmode,
            low=self.minimum,
            high=self.maximum,
        )


TYPE = Number


def number_text(value: float) -> str:
    """Write a number with fifteen digits at most, and with a comma between thousands."""
    if value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.15g}"


def numbers_of(cells: "pd.Series") -> "pd.Series":
    """Return the cells as float64, text being no number even where it looks like one."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(cells.dtype):
        is_text = cells.map(lambda cell: isinstance(cell, str)).astype(bool)
        cells = cells.where(~is_text)
    return pd.to_numeric(cells, errors="coerce").astype("float64", copy=False)


def _floats(cells: "pd.Series") -> "pd.Series":
    """Return cells that are numbers or missing as float64; pd.NA among objects is no number."""
    if cells.dtype == object:
        cells = cells.where(cells.notna(), float("nan"))
    return cells.astype("float64", copy=False)


def _number_check(holds: "Callable[[pd.Series], pd.Series]", words: str) -> Check:
    """Check the cells that are numbers: the others are reported by the check of the type."""

    def fits(cells: "pd.Series") -> "pd.Series":
        numbers = numbers_of(cells)
        return numbers.isna() | holds(numbers)

    return Check(fits, words, beyond=True)


def _bound(value: Any) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number
