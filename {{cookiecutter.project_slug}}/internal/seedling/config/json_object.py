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


class JsonObject(NamedTuple):
    """A JSON file: its path, its text and its values by key."""

    path: Path
    text: str
    values: Mapping[str, Any]

    def place(self, key: str) -> str:
        """Return where a key stands, as text: `azure-config.json, line 2, subscription_id`."""
        found = re.search(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:", self.text)
        line = self.text.count("\n", 0, found.start()) + 1 if found else 1
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
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in found]
        twice.extend(key for key in keys if keys.count(key) > 1)
        return dict(found)

    try:
        values = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ProjectError(f"{path.name}, {_malformed(text, error)}") from None
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


def _malformed(text: str, error: json.JSONDecodeError) -> str:
    start = len(text[: error.pos].rstrip().rstrip(","))
    comma = re.match(r"\s*,\s*([}\]])", text[start:])
    if comma:
        at = text.index(",", start)
        line = text.count("\n", 0, at) + 1
        return f"line {line}: no comma may stand before the closing {comma[1]}: remove it."
    words = MALFORMED.get(error.msg.removesuffix(" at"), error.msg)
    return f"line {error.lineno}: not valid JSON: {words}."
