"""What callers send, checked against the schema that the model learned; errors name the field."""

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from ..config import Column, Dataset
from ..errors import InputError
from ..schema import LARGEST

WholeNumber = Annotated[float, msgspec.Meta(multiple_of=1)]  # 51.0, as some clients write 51

EXPECTED = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
GOT = {
    "str": "text",
    "int": "a number",
    "float": "a number with a fraction",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class Reader:
    """Reads instances of one schema: objects by feature name, or lists in the schema's order.

    A missing feature counts as a missing value; a name that the schema does not know, and a
    value of another type, are refused. A category that was never seen passes.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.columns = {column.name: column for column in dataset.features}
        self.ignored = {dataset.target.name, *dataset.entity_key}
        fields = [
            (f"f{at}", _type(column) | None, None) for at, column in enumerate(dataset.features)
        ]
        names = {f"f{at}": column.name for at, column in enumerate(dataset.features)}
        named = msgspec.defstruct("Named", fields, rename=names)
        positional = msgspec.defstruct(
            "Positional",
            [field[:2] for field in fields],
            array_like=True,
            forbid_unknown_fields=True,
        )
        self.types = {"named": list[named], "positional": list[positional]}  # type: ignore[valid-type]

    def instances(self, value: Any) -> list[dict[str, Any]]:
        """The rows of a request's `instances`; one flat row, or one object, is accepted."""
        if isinstance(value, Mapping):
            value = [value]
        if not isinstance(value, list):
            raise InputError("instances: expected a list of rows.")
        if value and not isinstance(value[0], list | Mapping):
            value = [value]
        kind: Literal["named", "positional"] = (
            "named" if value and isinstance(value[0], Mapping) else "positional"
        )
        for at, row in enumerate(value):
            if isinstance(row, Mapping):
                self._refuse_unknown(row, f"instances[{at}].")
        return self._convert(value, kind, strict=True)

    def features(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """One row by feature name; numbers may be text, as in a query string."""
        self._refuse_unknown(values, "")
        return self._convert([values], "named", strict=False)[0]

    def _convert(
        self, rows: list[Any], kind: Literal["named", "positional"], strict: bool
    ) -> list[dict[str, Any]]:
        try:
            read = msgspec.convert(rows, self.types[kind], strict=strict)
        except msgspec.ValidationError as error:
            raise InputError(self._words(str(error), single=not strict)) from None
        found = [dict(zip(self.columns, msgspec.structs.astuple(row), strict=True)) for row in read]
        for at, values in enumerate(found):
            self._refuse_out_of_range(values, f"instances[{at}]." if strict else "")
        return found

    def _refuse_out_of_range(self, row: Mapping[str, Any], where: str) -> None:
        for name, value in row.items():
            if isinstance(value, int | float) and not abs(value) <= LARGEST:
                raise InputError(f"{where}{name}: the number is out of range.")

    def _refuse_unknown(self, row: Mapping[str, Any], where: str) -> None:
        for name in row:
            if name not in self.columns and name not in self.ignored:
                near = difflib.get_close_matches(str(name), self.columns, n=1)
                hint = f"; did you mean {near[0]}?" if near else "."
                raise InputError(f"{where}{name}: the model knows no such feature{hint}")

    def _words(self, message: str, single: bool) -> str:
        """msgspec's message in the caller's terms: the field's name, what it expects, what came."""
        row = re.search(r"`\$\[(\d+)\]", message)
        where = "" if single or row is None else f"instances[{row[1]}]"
        length = re.search(r"array` of at (?:least|most) length (\d+), got (\d+)", message)
        if length:
            return f"{where}: expected {length[1]} values, got {length[2]}."
        path = message.rpartition(" - at `$")[2].rstrip("`")
        path = re.sub(r"^\[\d+\]", "", path)
        name = path.lstrip(".")
        at = re.fullmatch(r"\[(\d+)\]", name)
        if at:
            name = list(self.columns)[int(at[1])]
        column = self.columns.get(name)
        got = re.search(r"got `(\w+)`", message)
        came = f", got {GOT.get(got[1], got[1])}" if got else ", got a fraction"
        expected = _expected(column) if column else "a row of values, or an object of features"
        field = f"{where}.{name}" if where and name else where or name
        return f"{field}: expected {expected}{came}."


def _type(column: Column) -> Any:
    if column.type == "category":
        return str | float if _numeric(column) else str
    return {"integer": int | WholeNumber, "number": float, "boolean": bool}[column.type]


def _expected(column: Column) -> str:
    return EXPECTED.get(column.type, "text")


def _numeric(column: Column) -> bool:
    """Whether a category's name looks like a number, which callers then send as one."""
    return any(re.fullmatch(r"-?\d+(\.\d+)?", category) for category in column.categories)
