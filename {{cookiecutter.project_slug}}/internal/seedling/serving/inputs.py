"""Read the rows of requests by the schema that the model learned; errors name the field."""

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Literal, get_args

import msgspec

from seedling.columns.protocol import Column, parser
from seedling.config import Dataset
from seedling.data.derived import Derivation
from seedling.data.spelled import Marks
from seedling.errors import InputError
from seedling.serving.json_faults import fault
from seedling.wording import listed

Values = tuple[Any, ...]  # a row's features in the schema's order, None for missing

EXPECTED = 'Expected {"payload": {"instances": [...]}}, or a row, or a list of rows.'
UNNAMED = {"Unnamed: 0", "column_1"}  # pandas' name, and ours, of a first column without a name
UNSPEAKABLE = re.compile(r'["\\\x00-\x1f\x7f]')  # what msgspec takes in no name
REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

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
    """Reads instances of one schema: objects by column name, or lists in the schema's order.

    A row may be sent as the table has it: entity key, target and the columns that the schema
    ignores are accepted, any other name is an error. So is a missing value of a feature that
    is not nullable, and a value of another type. An unknown category is none; a text that is no
    value in the table's file, such as "", is a missing value. A row becomes a
    struct of the features, then of the entity key and the target if the object has them.
    """

    def __init__(self, dataset: Dataset, derivation: Derivation | None = None) -> None:
        """
        Args:
            dataset: the schema that the model learned; a row has its raw columns.
            derivation: computes its derived features; by expressions alone unless given.
        """
        self.columns = {column.name: column for column in dataset.raw}
        self.derivation = derivation or Derivation(dataset)
        self._computed = set(dataset.computed)
        self.names = list(self.columns)
        self.key_names = dataset.entity_key
        self.beside = [name for name in dataset.entity_key if name not in self.columns]
        kept = [*self.beside, dataset.target.name]
        dropped = [name for name in dataset.let_through if name not in {*self.columns, *kept}]
        if UNNAMED & {*kept, *dropped}:
            taken = {*self.columns, *kept, *dropped}
            dropped += sorted({"", *UNNAMED} - taken)
        self.let_through = {*kept, *dropped}
        read = [*self.columns, *kept]
        self._keys = [read.index(name) for name in self.key_names]
        self._unspeakable = {name for name in dropped if UNSPEAKABLE.search(name)}
        dropped = [name for name in dropped if name not in self._unspeakable]
        self._required = {column.name for column in dataset.raw if not column.nullable}
        known = [
            (f"f{at}", column.json_type() | None, None)
            if column.nullable
            else (f"f{at}", column.json_type())
            for at, column in enumerate(dataset.raw)
        ]
        others = [*kept, *dropped]
        extra = [(f"f{len(known) + at}", Any, msgspec.UNSET) for at in range(len(others))]
        names = {f"f{at}": name for at, name in enumerate([*self.columns, *others])}
        self.named = msgspec.defstruct(
            "Named",
            [*known, *extra],
            rename=names,
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )
        self.positional = msgspec.defstruct(
            "Positional",
            [field[:2] for field in known],
            array_like=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        direct = msgspec.defstruct("Direct", [("instances", _rows_of(self.named))])
        body = msgspec.defstruct("Body", [("payload", direct)])
        self._usual: Any = msgspec.json.Decoder(body)
        self._direct: Any = msgspec.json.Decoder(direct)
        self._fields = [field[0] for field in known]
        self._extra = [field[0] for field in extra[: len(kept)]]
        self._dropped = [field[0] for field in extra[len(kept) :]]
        readers = [(at, column.reader()) for at, column in enumerate(dataset.raw)]
        self._readers = [(at, read) for at, read in readers if read is not None]
        marks = Marks(dataset.read.decimal, dataset.read.thousands)
        blank = {*dataset.read.missing, " "}
        self._blanks = {column.name: blank - {*column.own_texts()} for column in dataset.raw}
        self._any_blank = frozenset().union(*self._blanks.values())
        kinds = [column.json_type() for column in dataset.raw]
        places = [
            at for at, kind in enumerate(kinds) if kind is Any or str in (kind, *get_args(kind))
        ]
        self._texts = itemgetter(*places, places[0]) if places else None  # two or more: a tuple
        self._parsers = {column.name: parser(column, marks) for column in dataset.raw}
        self._count = len(known)

    def body(self, body: bytes) -> list[Any]:
        """Return the rows of `{"payload": {"instances": ...}}`, of `{"instances": ...}`, or bare.

        Raises:
            InputError: the body is malformed, or a value is wrong; with the name of the field.
        """
        try:
            rows: list[Any] = self._usual.decode(body).payload.instances
        except REFUSED:
            try:
                rows = self._direct.decode(body).instances
            except REFUSED:
                return self._of_any_shape(json_value(body))
        return self._without_dropped(rows) if self._dropped else rows

    def _of_any_shape(self, value: Any) -> list[Any]:
        """Return the rows of a decoded body."""
        if not is_bare(value):
            return self.instances(in_payload(value)["payload"].get("instances"))
        if not any(self._known(name) or self._nearest(name) for name in value):
            raise InputError(EXPECTED)
        try:
            return self.instances([value])
        except InputError as error:
            words = str(error.args[0])
            raise InputError(words.removeprefix("instances[0]").lstrip(".: ")) from None

    def instances(self, value: Any) -> list[Any]:
        """Return the rows of decoded `instances`; one flat row, or one object, is accepted."""
        if isinstance(value, Mapping):
            value = [value]
        if not isinstance(value, list):
            raise InputError(EXPECTED if value is None else "instances: expected a list of rows.")
        if value and not isinstance(value[0], list | Mapping):
            value = [value]
        kind: Literal["named", "positional"] = (
            "named" if value and isinstance(value[0], Mapping) else "positional"
        )
        for at, row in enumerate(value):
            if isinstance(row, Mapping) != (kind == "named"):
                raise InputError(f"instances[{at}]: rows are all objects, or all lists.")
            if isinstance(row, Mapping):
                self._refuse_unknown(row, f"instances[{at}].")
                self._refuse_missing(row, f"instances[{at}].")
                if self._unspeakable & row.keys():
                    kept = {name: row[name] for name in row if name not in self._unspeakable}
                    value[at] = kept
            elif isinstance(row, list):
                given = dict(zip(self.names, row, strict=False))
                if len(row) == self._count:  # else the length is what is refused
                    self._refuse_missing(given, f"instances[{at}].")
        return self._convert(value, kind, strict=True)

    def row(self, values: Mapping[str, Any]) -> Any:
        """Return one row by feature name; numbers may be text, as in a query string."""
        self._refuse_unknown(values, "")
        known = {name: None if _is_nan(value) else value for name, value in values.items()}
        self._refuse_missing(known, "")
        return self._convert([known], "named", strict=False)[0]

    def values(self, rows: Sequence[Any]) -> list[Values]:
        """Return the values of all features of rows, the derived ones among them.

        Raises what `raw_values` does.
        """
        raw = self.raw_values(rows)
        return self.derivation.values(raw) if self.derivation.is_needed else raw

    def raw_values(self, rows: Sequence[Any], single: bool = False) -> list[Values]:
        """Return the values of rows in the order of the schema's raw columns.

        Args:
            rows: n rows that this reader has returned.
            single: whether error messages leave out the number of the row.

        Raises:
            InputError: a value is not one of its column's type, or a row has no value at all.
        """
        found = [msgspec.structs.astuple(row)[: self._count] for row in rows]
        if self._texts:
            for at, row in enumerate(found):
                if self._has_blank(self._texts(row)):
                    found[at] = self._without_blanks(row, "" if single else f"instances[{at}].")
        if not self._required:
            _refuse_empty(found, single)
        if not self._readers:
            return found
        return [self._read(row, None if single else at) for at, row in enumerate(found)]

    def value_reader(self, column: Column) -> Callable[[Any], Any]:
        """Return what reads one JSON value of a raw column as `raw_values` does.

        What is returned raises ValueError for a value that a row is refused for. That the column
        must have a value, and a row one at least, is not looked at.
        """
        kind = column.json_type() | None
        read = column.reader()

        def value(found: Any) -> Any:
            try:
                found = msgspec.convert(found, kind, strict=True)
            except msgspec.ValidationError:
                if not isinstance(found, str):
                    raise
                found = msgspec.convert(self._parsed(column.name, found), kind, strict=True)
            if found is None or self._is_blank(column.name, found):
                return None
            return found if read is None else read(found)

        return value

    def keys(self, row: Any) -> Values:
        """Return the entity key of a row; empty if a part of it is missing."""
        found = msgspec.structs.astuple(row)
        values = tuple(found[at] for at in self._keys)
        return () if msgspec.UNSET in values or None in values else values

    def has_more(self, row: Any) -> bool:
        """Return whether a row has other values than features, such as the entity key."""
        return any(getattr(row, name) is not msgspec.UNSET for name in self._extra)

    def _has_blank(self, values: Values) -> bool:
        try:
            return not self._any_blank.isdisjoint(values)
        except TypeError:  # a list is among them, or an object
            return True

    def _without_blanks(self, row: Values, where: str) -> Values:
        """Return the row with None for texts that are missing values in the table's file."""
        values = {
            name: None if self._is_blank(name, value) else value
            for name, value in zip(self.names, row, strict=True)
        }
        self._refuse_missing(values, where)
        return tuple(values.values())

    def _is_blank(self, name: str, value: Any) -> bool:
        return isinstance(value, str) and value in self._blanks[name]

    def _read(self, row: Values, number: int | None) -> Values:
        """Return the row with each value of JSON converted by the type of its column."""
        values = list(row)
        for at, read in self._readers:
            if values[at] is not None:
                try:
                    values[at] = read(values[at])
                except ValueError:
                    column = self.columns[self.names[at]]
                    where = "" if number is None else f"instances[{number}]."
                    raise InputError(
                        f"{where}{column.name}: {column.misfit(values[at])}."
                    ) from None
        return tuple(values)

    def _convert(
        self, rows: list[Any], kind: Literal["named", "positional"], strict: bool
    ) -> list[Any]:
        wanted = _rows_of(self.named if kind == "named" else self.positional)
        try:
            read: list[Any] = msgspec.convert(rows, wanted, strict=strict)
        except msgspec.ValidationError as error:
            spelled = [self._spelled(row) for row in rows]
            if spelled == rows:
                raise InputError(self._words(str(error), single=not strict)) from None
            if kind == "named":
                for at, row in enumerate(spelled):
                    self._refuse_missing(row, f"instances[{at}]." if strict else "")
            return self._convert(spelled, kind, strict)
        if kind == "positional":
            in_order = (
                zip(self._fields, msgspec.structs.astuple(row), strict=True) for row in read
            )
            return [self.named(**dict(values)) for values in in_order]
        return self._without_dropped(read) if self._dropped else read

    def _without_dropped(self, rows: list[Any]) -> list[Any]:
        """Return the rows without the values of columns that the schema ignores."""
        for row in rows:
            for field in self._dropped:
                setattr(row, field, msgspec.UNSET)
        return rows

    def _known(self, name: str) -> bool:
        return name in self.columns or name in self.let_through

    def _nearest(self, name: str) -> list[str]:
        """Return the known name that is most like this one, features first; none if none is."""
        for names in (self.columns, self.let_through):
            near = difflib.get_close_matches(name, names, n=1)
            if near:
                return near
        return []

    def _spelled(self, row: Any) -> Any:
        """Return a row whose texts are values as in the table's file: `$1,234.50`, `yes`, `-`."""
        if isinstance(row, Mapping):
            parsers = self._parsers
            return {
                name: self._parsed(name, value)
                if isinstance(value, str) and name in parsers
                else value
                for name, value in row.items()
            }
        if isinstance(row, list) and len(row) == len(self.names):
            named = self._spelled(dict(zip(self.names, row, strict=True)))
            return list(named.values())
        return row

    def _parsed(self, name: str, text: str) -> Any:
        return None if self._is_blank(name, text) else self._parsers[name](text)

    def _refuse_unknown(self, row: Mapping[str, Any], where: str) -> None:
        for name in row:
            if name in self._computed:
                asked = ", ".join(self.names)
                words = f"the service computes it; send {asked}"
                raise InputError(f"{where}{name}: {words}.")
            if not self._known(name):
                near = self._nearest(str(name))
                hint = f"; did you mean {near[0]}?" if near else "."
                raise InputError(f"{where}{name}: the model knows no such feature{hint}")

    def _refuse_missing(self, row: Mapping[str, Any], where: str) -> None:
        """Refuse a row without a value of each feature that is not nullable."""
        missing = [name for name in self.names if name in self._required and row.get(name) is None]
        if missing:
            raise InputError(f"{where}{listed(missing)}: required, and missing.")

    def _words(self, message: str, single: bool) -> str:
        """Return msgspec's message in the caller's terms: the field, its type, and what it got."""
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
        field = f"{where}.{name}" if where and name else where or name
        if "out of range" in message or re.search(r"`(float|int)` [<>]= ", message):
            return f"{field}: the number is out of range."
        got = re.search(r"got `(\w+)`", message)
        came = f", got {GOT.get(got[1], got[1])}" if got else ", got a fraction"
        expected = column.expected if column else "a row of values, or an object of features"
        return f"{field}: expected {expected}{came}."


def json_object(body: bytes) -> dict[str, Any]:
    """Decode the JSON object of a body, as `json_value` does.

    Raises:
        InputError: it is not JSON, holds an infinite number, or is not an object.
    """
    value = json_value(body)
    if not isinstance(value, dict):
        raise InputError("The body must be a JSON object.")
    return value


def is_bare(value: Any) -> bool:
    """Return whether a decoded body is one row: an object with neither payload nor instances."""
    return isinstance(value, dict) and not value.keys() & {"payload", "instances"}


def in_payload(value: Any) -> dict[str, Any]:
    """Return a decoded body as `{"payload": {...}}`: bare rows become the payload's instances.

    Raises:
        InputError: it is of no such shape.
    """
    if isinstance(value, list) and value:
        return {"payload": {"instances": value}}
    if not isinstance(value, dict) or not value:
        raise InputError(EXPECTED)
    if is_bare(value):
        return {"payload": {"instances": [value]}}
    if "payload" not in value:
        return {"payload": {"instances": value["instances"]}}
    if not isinstance(value["payload"], dict):
        raise InputError(EXPECTED)
    return value


def json_value(body: bytes) -> Any:
    """Decode the JSON value of a body. NaN, which pandas writes for a missing value, is null.

    Raises:
        InputError: it is not JSON, or holds an infinite number.
    """
    if not body.strip():
        raise InputError("The body is empty: expected JSON.")
    try:
        value = msgspec.json.decode(body.removeprefix(BYTE_ORDER_MARK))
    except RecursionError:
        raise InputError("The body is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        value = _with_nan(body) if b"NaN" in body else None
        if value is None:
            raise InputError(fault(body, error)) from None
    return value


def _with_nan(body: bytes) -> Any:
    def constant(name: str) -> None:
        if name != "NaN":
            raise ValueError(name)

    try:
        value = json.loads(body, parse_constant=constant)
        return msgspec.json.decode(msgspec.json.encode(value))  # refuses lone surrogates
    except (ValueError, RecursionError):
        return None


def _refuse_empty(rows: Sequence[Values], single: bool) -> None:
    """Refuse a row in which every value is missing: there is nothing to predict from."""
    for at, row in enumerate(rows):
        if row.count(None) == len(row):
            where = "" if single else f"instances[{at}]: "
            raise InputError(f"{where}every feature is missing.")


def _is_nan(value: Any) -> bool:
    return isinstance(value, str) and value.lower() == "nan"


def _rows_of(struct: Any) -> Any:
    return list[struct]
