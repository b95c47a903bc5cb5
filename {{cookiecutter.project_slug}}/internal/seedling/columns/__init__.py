"""The types of columns, each behind the protocol of `protocol.py`.

A module of this package is a type; a team adds one of its own as the project's file
`columns/<name>.py`. Either has a `TYPE`, which is a class of `protocol.Column`.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from seedling import team_code
from seedling.columns.protocol import Column

OWN_FOLDER = "columns"  # of a project
NOT_TYPES = ("protocol", "calendar")


def read(entry: Any) -> Any:
    """Return the column that an entry of `features` describes; a column as it is.

    Raises:
        ValidationError: its type is not known, or a key does not fit the type.
        ProjectError: the project's file with the type cannot be imported.
    """
    if not isinstance(entry, Mapping):
        return entry
    named = entry.get("type")
    kind = find(named) if isinstance(named, str) else None
    if kind is None:
        raise ValidationError.from_exception_data("Column", [_unknown(entry)])
    # Schemas of models from before this package name every key of every type, most of them empty.
    return kind.model_validate({k: v for k, v in entry.items() if v is not None and v != []})


AnyColumn = SerializeAsAny[Annotated[Column, BeforeValidator(read)]]


@cache
def find(name: str) -> type[Column] | None:
    """Return the type of this name, or None.

    Raises:
        ProjectError: the project's file with the type cannot be imported, or has no TYPE.
    """
    if name in _built_in():
        found: type[Column] = import_module(f"{__name__}.{name}").TYPE
        return found
    return team_code.column_type(name) if name in team_code.modules(OWN_FOLDER) else None


def names() -> list[str]:
    """Return the names of all types that this project knows."""
    return sorted({*_built_in(), *team_code.modules(OWN_FOLDER)})


def to_propose() -> list[tuple[str, type[Column]]]:
    """Return all types with their names, in the order in which they are asked about a table."""
    found = ((name, find(name)) for name in names())
    known = [(name, kind) for name, kind in found if kind is not None]
    return sorted(known, key=lambda named: named[1].asked)


def part_names(columns: Iterable[Column]) -> list[str]:
    """Return the names of the columns that a model of these features is trained on."""
    return [name for column in columns for name in column.part_names()]


@cache
def _built_in() -> list[str]:
    return [module.name for module in iter_modules(__path__) if module.name not in NOT_TYPES]


def _unknown(entry: Mapping[str, Any]) -> InitErrorDetails:
    """Return the error of an entry whose type is missing or is no type."""
    if "type" not in entry:
        return {"type": "missing", "loc": ("type",), "input": dict(entry)}
    words = "there is no column type {type}; there are {known}: define it in columns/<name>.py"
    context = {"type": repr(entry["type"]), "known": ", ".join(names())}
    error = PydanticCustomError("unknown_type", words, context)
    return {"type": error, "loc": ("type",), "input": entry["type"]}
