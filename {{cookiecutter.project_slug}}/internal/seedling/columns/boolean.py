"""True and false, which tables and MLflow's clients may write as 1 and 0."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from seedling.columns.number import Numeric, numbers_of
from seedling.columns.protocol import Check, FormField, Json

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TEXTS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


class Boolean(Numeric):
    """True or false; a model sees 1.0 and 0.0."""

    expected: ClassVar[str] = "true or false"
    asked: ClassVar[int] = 1

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        import numpy as np

        return {} if all(isinstance(value, bool | np.bool_) for value in values.unique()) else None

    def checks(self) -> list[Check]:
        def fits(cells: "pd.Series") -> "pd.Series":
            numbers = numbers_of(cells)
            return (numbers == 0) | (numbers == 1)

        return [Check(fits, "is not a boolean")]

    def example(self) -> Any:
        return True

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        return generator.random(count) < 0.5

    def json_type(self) -> Any:
        return bool

    def from_number(self) -> Callable[[Any], Any] | None:
        return lambda value: bool(value) if value in (0, 1) else value

    def parse(self, text: str) -> Any:
        return TEXTS.get(text.strip().lower(), text)

    def json_schema(self) -> Json:
        return {"type": "boolean"}

    def field(self) -> FormField:
        return FormField("choices", self.example(), options=(True, False))


TYPE = Boolean
