"""The rows of a file of JSON objects, one a line or all in one list; without pandas."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from seedling.config.reading import Reading
from seedling.data.text_rows import text_of
from seedling.errors import InputError


class JsonRow(NamedTuple):
    """An object: its line, or its number in the list, and what is wrong with it, if anything is."""

    number: int
    values: dict[str, Any]
    fault: str = ""


def rows(path: Path, reading: Reading) -> Iterator[tuple[JsonRow, float]]:
    """Yield the objects of a file, each with the share of the file that is read, 0 to 1.

    Raises:
        InputError: it is missing or damaged, not text in this encoding, or a list that is not
            valid JSON.
    """
    missing = reading.missing
    with text_of(path, reading.encoding) as (stream, share):
        for number, line in enumerate(stream, 1):
            if number == 1 and line.lstrip().startswith("["):
                yield from ((row, 1) for row in _list(path, line + stream.read(), missing))
                return
            if line.strip():
                yield _line(number, line, missing), share()


def _line(number: int, line: str, missing: frozenset[str]) -> JsonRow:
    try:
        return _row(number, json.loads(line), missing)
    except ValueError as error:
        return JsonRow(number, {}, f"is not valid JSON: {error}")


def _list(path: Path, text: str, missing: frozenset[str]) -> Iterator[JsonRow]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path.name} is not valid JSON: {error}.") from None
    return (_row(number, value, missing) for number, value in enumerate(found, 1))


def _row(number: int, value: Any, missing: frozenset[str]) -> JsonRow:
    """Return an object as a row; text that stands for a missing value is None."""
    if not isinstance(value, dict):
        return JsonRow(number, {}, "is no JSON object")
    for name, item in value.items():
        if isinstance(item, list | dict):
            kind = "a list" if isinstance(item, list) else "an object"
            return JsonRow(number, {}, f"has {kind} as its {name}: only single values are read")
    return JsonRow(
        number,
        {
            name: None if isinstance(item, str) and item in missing else item
            for name, item in value.items()
        },
    )
