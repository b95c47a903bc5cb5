"""Expressions of Azure Pipelines: `${{ }}` at compile time, `$[ ]` and conditions while it runs.

Where the real system would go on with an empty text (a name that is not there), this refuses: a
pipeline that counts on it has a mistake in it.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<mark>[(),.\[\]]))"
)
Value = Any  # None, bool, float, str, list or dict
Functions = Mapping[str, Callable[..., Value]]
NOTHING: Mapping[str, Value] = MappingProxyType({})


class Refused(Exception):  # noqa: N818
    """What Azure Pipelines would refuse, or pass over in silence."""


class Names(dict[str, Value]):
    """Names in any case, as variables are looked up; a missing one is refused or empty.

    Args:
        values: by name.
        what: what they are, for a message.
        missing: called with a name that is not there.
    """

    def __init__(
        self,
        values: Mapping[str, Value],
        what: str = "variable",
        missing: Callable[[str], Value] | None = None,
    ) -> None:
        super().__init__(values)
        self._spelled = {name.lower(): name for name in values}
        self._what, self._missing = what, missing

    def find(self, name: str) -> Value:
        """Return the value of a name."""
        spelled = self._spelled.get(name.lower())
        if spelled is not None:
            return self[spelled]
        if self._missing:
            return self._missing(name)
        raise Refused(f"there is no {self._what} {name}; there are {sorted(self) or 'none'}")


def evaluate(text: str, contexts: Mapping[str, Value], functions: Functions = NOTHING) -> Value:
    """Return the value of an expression, without the marks around it.

    Args:
        text: the expression.
        contexts: such as `variables`, by name.
        functions: more of them, such as `succeeded`, by name in small letters.
    """
    return _Parser(text, contexts, {**FUNCTIONS, **functions}).whole()


def text_of(value: Value) -> str:
    """Return what stands for a value in a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, str):
        return value
    raise Refused(f"{value!r:.60} is no text")


def truth_of(value: Value) -> bool:
    """Return whether a value counts as true."""
    return bool(value) if not isinstance(value, list | dict) else True


class _Parser:
    def __init__(self, text: str, contexts: Mapping[str, Value], functions: Functions) -> None:
        self.text, self.at = text, 0
        self.contexts = {name.lower(): value for name, value in contexts.items()}
        self.functions = functions

    def whole(self) -> Value:
        value = self._value()
        if self.text[self.at :].strip():
            raise self._wrong()
        return value

    def _wrong(self) -> Refused:
        return Refused(f"cannot read {self.text[self.at :]!r} of the expression {self.text!r}")

    def _next(self, *marks: str) -> str | None:
        """Pass over one of these marks, and return it."""
        found = TOKEN.match(self.text, self.at)
        if found and found["mark"] in marks:
            self.at = found.end()
            return found["mark"]
        return None

    def _value(self) -> Value:
        found = TOKEN.match(self.text, self.at)
        if not found or found["mark"]:
            raise self._wrong()
        self.at = found.end()
        if found["text"]:
            return found["text"][1:-1].replace("''", "'")
        if found["number"]:
            return float(found["number"])
        name = found["name"]
        if self._next("("):
            return self._call(name)
        if name.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[name.lower()]
        if name.lower() not in self.contexts:
            known = ", ".join(sorted(self.contexts))
            raise Refused(f"{name} is not known here, only {known}: {self.text}")
        return self._inner(self.contexts[name.lower()], name)

    def _inner(self, value: Value, shown: str) -> Value:
        """Follow `.name` and `['name']`."""
        while mark := self._next(".", "["):
            if mark == ".":
                found = TOKEN.match(self.text, self.at)
                if not found or not found["name"]:
                    raise self._wrong()
                self.at, key = found.end(), found["name"]
            else:
                key = self._value()
                if not self._next("]"):
                    raise self._wrong()
            value, shown = _member(value, key, shown), f"{shown}.{text_of(key)}"
        return value

    def _call(self, name: str) -> Value:
        arguments = []
        if not self._next(")"):
            while True:
                arguments.append(self._value())
                if self._next(")"):
                    break
                if not self._next(","):
                    raise self._wrong()
        function = self.functions.get(name.lower())
        if function is None:
            raise Refused(f"there is no function {name} here: {self.text}")
        return self._inner(function(*arguments), f"{name}()")


def _member(value: Value, key: Value, shown: str) -> Value:
    if isinstance(value, Names):
        return value.find(text_of(key))
    if isinstance(value, dict) and text_of(key) in value:
        return value[text_of(key)]
    if isinstance(value, list) and isinstance(key, float) and 0 <= key < len(value):
        return value[int(key)]
    raise Refused(f"{shown} has no {text_of(key)}")


def _like(left: Value, right: Value) -> Value:
    """Return the right value as the type of the left one; ValueError where that cannot be."""
    if isinstance(left, bool):
        return truth_of(right)
    if isinstance(left, float):
        return float(text_of(right) or 0)
    if isinstance(left, str):
        return text_of(right)
    if left is None:
        return None if right in (None, "") else right
    return right


def _equal(left: Value, right: Value) -> bool:
    try:
        right = _like(left, right)
    except (ValueError, Refused):
        return False
    if isinstance(left, str):
        return left.lower() == right.lower()
    return bool(left == right)


def _less(left: Value, right: Value) -> bool:
    right = _like(left, right)
    return bool(left.lower() < right.lower() if isinstance(left, str) else left < right)


def _format(pattern: str, *values: Value) -> str:
    def put(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if int(found[1]) >= len(values):
            raise Refused(f"format has no value {found[0]}: {pattern}")
        return text_of(values[int(found[1])])

    return re.sub(r"\{\{|\}\}|\{(\d+)\}", put, pattern)


def _contains(inside: Value, part: Value) -> bool:
    if isinstance(inside, list):
        return any(_equal(each, part) for each in inside)
    return text_of(part).lower() in text_of(inside).lower()


def _join(separator: str, values: Value) -> str:
    return separator.join(map(text_of, values)) if isinstance(values, list) else text_of(values)


FUNCTIONS: Functions = {
    "and": lambda *values: all(map(truth_of, values)),
    "or": lambda *values: any(map(truth_of, values)),
    "not": lambda value: not truth_of(value),
    "xor": lambda left, right: truth_of(left) != truth_of(right),
    "eq": _equal,
    "ne": lambda left, right: not _equal(left, right),
    "lt": _less,
    "le": lambda left, right: _less(left, right) or _equal(left, right),
    "gt": lambda left, right: not (_less(left, right) or _equal(left, right)),
    "ge": lambda left, right: not _less(left, right),
    "in": lambda value, *others: any(_equal(value, each) for each in others),
    "notin": lambda value, *others: not any(_equal(value, each) for each in others),
    "contains": _contains,
    "containsvalue": lambda values, value: _contains(
        list(values.values()) if isinstance(values, dict) else values, value
    ),
    "startswith": lambda text, start: text_of(text).lower().startswith(text_of(start).lower()),
    "endswith": lambda text, end: text_of(text).lower().endswith(text_of(end).lower()),
    "format": _format,
    "join": _join,
    "split": lambda text, separator: text_of(text).split(separator),
    "replace": lambda text, old, new: text_of(text).replace(old, new),
    "lower": lambda text: text_of(text).lower(),
    "upper": lambda text: text_of(text).upper(),
    "trim": lambda text: text_of(text).strip(),
    "length": lambda value: float(len(value)),
    "coalesce": lambda *values: next((each for each in values if each not in (None, "")), None),
    "iif": lambda condition, yes, no: yes if truth_of(condition) else no,
    "converttojson": lambda value: json.dumps(value, indent=2),
}
