"""A toy column type, as a team would bring it: test_toy_column.py copies it into a project."""

import re
from typing import TYPE_CHECKING, Any, ClassVar

from seedling.extending import Column, FormField

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PATTERN = r"#[0-9a-fA-F]{6}"


class Colour(Column):
    """A colour as `#rrggbb`; a model sees its red, green and blue, from 0 to 255 each."""

    expected: ClassVar[str] = "a colour such as #ff8800"
    parts: ClassVar[tuple[str, ...]] = ("red", "green", "blue")

    @classmethod
    def propose(cls, values: "pd.Series") -> dict[str, Any] | None:
        return {} if values.astype(str).str.fullmatch(PATTERN).all() else None

    def cell(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(PATTERN, value):
            raise ValueError(value)
        return value.lower()

    def encode(self, value: str) -> list[float]:
        return [int(value[at : at + 2], 16) for at in (1, 3, 5)]

    def example(self) -> str:
        return "#ff8800"

    def draw(self, count: int, generator: "np.random.Generator") -> list[str]:
        return [f"#{number:06x}" for number in generator.integers(0, 2**24, count)]

    def edges(self) -> list[Any]:
        return ["#000000", "#FFFFFF"]

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{PATTERN}$"}

    def field(self) -> FormField:
        return FormField("input", self.example(), kind="color")


TYPE = Colour
