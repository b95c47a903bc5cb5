"""A JSON file that holds one object, with the line of each key for errors."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seedling.config.document import PLACEHOLDER
from seedling.errors import ProjectError

# What Python's json calls a fault, and the words for it.
MALFORMED = {
    "Expecting ',' delimiter": "a comma or a closing bracket is missing before this",
    "Expecting ':' delimiter": "a : is missing after the key",
    "Expecting property name enclosed in double quotes": "expected: a key in double quotes",
    "Expecting value": "expected: a value, with text in double quotes",
    "Extra data": "nothing may follow the closing bracket",
    "Invalid control character": "a text ends in the line in which it begins",
    "Invalid \\escape": "a \\ within a text is written \\\\",
    "Unterminated string starting": "this text has no closing double quote",
}
DEEPEST = 100  # brackets within each other
LONGEST = 300  # digits of a whole number, more than which no calculation takes
_token = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]')


class JsonObject(NamedTuple):
    """A JSON file: its path, its text and its values by key."""

    path: Path
    text: str
    values: Mapping[str, Any]

    def place(self, key: str) -> str:
        """Return where a key stands, as text: `azure-config.json, line 2, subscription_id`."""
        found = re.search(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:", self.text)
        line = _line(self.text, found.start()) if found else 1
        return f"{self.path.name}, line {line}, {key}"


def read(path: Path) -> JsonObject:
    """Read a JSON file whose value is an object.

    Raises:
        ProjectError: the file is no valid JSON or no object, a key stands twice, or a value is
            still a placeholder; with the line, and the key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError(f"{path.name} is not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise ProjectError(f"{path} is not read: {error.strerror}.") from None
    _refuse_deep(path.name, text)
    twice: list[str] = []
    long: list[str] = []

    def whole(digits: str) -> int:
        if len(digits) > LONGEST:
            long.append(digits)
            return 0
        return int(digits)

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in found]
        twice.extend(key for key in keys if keys.count(key) > 1)
        return dict(found)

    try:
        values = json.loads(text, object_pairs_hook=pairs, parse_int=whole)
    except json.JSONDecodeError as error:
        raise ProjectError(f"{path.name}, {_malformed(text, error)}") from None
    if long:
        where = f"{path.name}, line {_line(text, text.index(long[0]))}"
        raise ProjectError(
            f"{where}: this number has {len(long[0]):,} digits: write a shorter one."
        )
    if not isinstance(values, dict):
        raise ProjectError(f'{path.name}, line 1: {{"key": "value"}} pairs are expected.')
    found = JsonObject(path, text, values)
    if twice:
        raise ProjectError(f"{found.place(twice[0])}: this key stands twice: keep one.")
    for key, value in values.items():
        if value == PLACEHOLDER:
            raise ProjectError(
                f"{found.place(key)}: still {PLACEHOLDER}: put your own value there."
            )
    return found


def _refuse_deep(name: str, text: str) -> None:
    """Refuse brackets that stand within too many others: no parser and no reader follows them."""
    depth = 0
    for found in _token.finditer(text):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if depth > DEEPEST:
            where = f"{name}, line {_line(text, found.start())}"
            raise ProjectError(f"{where}: this stands within {DEEPEST} brackets: nest it less.")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _malformed(text: str, error: json.JSONDecodeError) -> str:
    start = len(text[: error.pos].rstrip().rstrip(","))
    comma = re.match(r"\s*,\s*([}\]])", text[start:])
    if comma:
        at = text.index(",", start)
        return (
            f"line {_line(text, at)}: no comma may stand before the closing {comma[1]}: remove it."
        )
    words = MALFORMED.get(error.msg.removesuffix(" at"), error.msg)
    return f"line {error.lineno}: not valid JSON: {words}."
