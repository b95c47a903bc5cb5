"""Expressions of GitHub Actions: `${{ ... }}`, with GitHub's values, operators and functions."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*]))"
)
EMBEDDED = re.compile(r"\$\{\{((?:[^']|'(?:[^']|'')*')*?)\}\}")
STATUS = frozenset({"success", "failure", "cancelled", "always"})
CONSTANTS = {"true": True, "false": False, "null": None}
Function = Callable[..., Any]


class Refused(Exception):  # noqa: N818 - it is what the system says, not what has gone wrong here
    """What GitHub refuses before or while a workflow runs."""


class Strict(dict[str, Any]):
    """An object whose properties are known: another one is refused, instead of being empty."""


class Filtered(list[Any]):
    """What `.*` gives: a property of it is that of each element that has one."""


def evaluate(
    expression: str, contexts: Mapping[str, Any], functions: Mapping[str, Function] | None = None
) -> Any:
    """Return the value of one expression.

    Args:
        expression: without the braces around it.
        contexts: those that are available where it stands.
        functions: those of the place beside FUNCTIONS, by their names in lower case.

    Raises:
        Refused: it is no expression, or names what is not available.
    """
    known = {**FUNCTIONS, **(functions or {})}
    parser = _Parser(expression, contexts, known)
    value = parser.any_of()
    if parser.sign or parser.kind:
        raise Refused(f"Unexpected {parser.token!r} in {expression.strip()!r}")
    return value


def render(
    template: Any, contexts: Mapping[str, Any], functions: Mapping[str, Function] | None = None
) -> Any:
    """Return a value of a workflow with its expressions replaced; one that stands alone keeps
    its type.
    """
    if isinstance(template, dict):
        return {key: render(value, contexts, functions) for key, value in template.items()}
    if isinstance(template, list):
        return [render(value, contexts, functions) for value in template]
    if not isinstance(template, str):
        return template
    whole = EMBEDDED.fullmatch(template.strip())
    if whole:
        return evaluate(whole[1], contexts, functions)
    return EMBEDDED.sub(lambda found: text(evaluate(found[1], contexts, functions)), template)


def condition(
    given: Any,
    contexts: Mapping[str, Any],
    functions: Mapping[str, Function],
) -> bool:
    """Return whether an `if` holds: with `success()` unless it asks for another status itself."""
    words = "success()" if given is None else text(given)
    found = EMBEDDED.fullmatch(words.strip())
    if "${{" in words and not found:
        raise Refused(f"if: {words!r} is always true, since there is text around its expression")
    expression = found[1] if found else words
    value = evaluate(expression, contexts, functions)
    if not STATUS & {name.lower() for name in calls(expression)}:
        return truthy(functions["success"]()) and truthy(value)
    return truthy(value)


def calls(expression: str) -> Iterator[str]:
    """Yield the names of the functions that an expression calls."""
    plain = re.sub(r"'(?:[^']|'')*'", "''", expression)
    yield from re.findall(r"([A-Za-z_]\w*)\s*\(", plain)


def truthy(value: Any) -> bool:
    """Return what a condition makes of a value."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return value != 0 and not math.isnan(value)
    return isinstance(value, dict | list) or bool(value)


def text(value: Any) -> str:
    """Return a value as text, where it is put into one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, float | int):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    if isinstance(value, dict | list):
        return "Object" if isinstance(value, dict) else "Array"
    return str(value)


def number(value: Any) -> float:
    """Return a value as a number, where it is compared with another kind."""
    if value is None or isinstance(value, bool | int | float):
        return float(value or 0)
    if isinstance(value, str):
        try:
            return float(int(value, 16) if value.lower().startswith("0x") else value or 0)
        except ValueError:
            return math.nan
    return math.nan


def equal(left: Any, right: Any) -> bool:
    """Return whether values are equal: texts whatever their case, other kinds as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return left is right
    if left is None and right is None:
        return True
    return number(left) == number(right)


def less(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() < right.lower()
    return number(left) < number(right)


def member(value: Any, key: Any) -> Any:
    """Return a property of an object or an element of a list; null where there is none."""
    if isinstance(value, Filtered):
        return Filtered(
            each[key]
            for each in value
            if isinstance(each, dict) and isinstance(key, str) and key in each
        )
    if isinstance(value, list):
        at = number(key)
        return value[int(at)] if at >= 0 and at < len(value) else None
    if isinstance(value, dict):
        if key in value:
            return value[key]
        for name, each in value.items():
            if isinstance(key, str) and name.lower() == key.lower():
                return each
        if isinstance(value, Strict):
            raise Refused(f"There is no {key}; there are {', '.join(sorted(value)) or 'none'}")
    return None


class _Parser:
    """Reads and computes an expression from left to right."""

    def __init__(
        self, source: str, contexts: Mapping[str, Any], functions: Mapping[str, Function]
    ) -> None:
        self.source, self.contexts, self.functions = source, contexts, functions
        self.at, self.kind, self.token = 0, "", ""
        self.skipped = 0  # inside of the part that && or || does not compute
        self.next()

    @property
    def sign(self) -> str:
        return self.token if self.kind == "sign" else ""

    def next(self) -> str:
        """Go on to the next token; return the one before."""
        before, rest = self.token, self.source[self.at :]
        if not rest.strip():
            self.kind = self.token = ""
            return before
        found = TOKEN.match(self.source, self.at)
        if not found or not found.lastgroup:
            raise Refused(f"Unexpected {rest.strip()[:20]!r} in {self.source.strip()!r}")
        self.at, self.kind, self.token = found.end(), found.lastgroup, found[found.lastgroup]
        return before

    def take(self, sign: str) -> bool:
        """Return whether the token is this sign; go on if so."""
        if self.sign != sign:
            return False
        self.next()
        return True

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise Refused(f"Expected {sign!r}, not {self.token!r}, in {self.source.strip()!r}")

    def any_of(self) -> Any:
        value = self.all_of()
        while self.take("||"):
            held = truthy(value)
            other = self.lazily(self.all_of, held)
            value = value if held else other
        return value

    def all_of(self) -> Any:
        value = self.equality()
        while self.take("&&"):
            held = truthy(value)
            other = self.lazily(self.equality, not held)
            value = other if held else value
        return value

    def lazily(self, part: Callable[[], Any], skip: bool) -> Any:
        """Read a part; names in it need not exist if it is not computed."""
        self.skipped += skip
        try:
            return part()
        finally:
            self.skipped -= skip

    def equality(self) -> Any:
        value = self.order()
        while self.sign in ("==", "!="):
            same = self.next() == "=="
            value = equal(value, self.order()) == same
        return value

    def order(self) -> Any:
        value = self.negation()
        while self.sign in ("<", "<=", ">", ">="):
            sign, other = self.next(), self.negation()
            first, second = (value, other) if "<" in sign else (other, value)
            value = less(first, second) or (sign.endswith("=") and equal(value, other))
        return value

    def negation(self) -> Any:
        return not truthy(self.negation()) if self.take("!") else self.path()

    def path(self) -> Any:
        value = self.primary()
        while self.sign in (".", "["):
            if self.next() == ".":
                value = self.filtered(value) if self.take("*") else self.property(value)
            else:
                key = "*" if self.take("*") else self.any_of()
                self.expect("]")
                value = self.filtered(value) if key == "*" else self.of(value, key)
        return value

    def property(self, value: Any) -> Any:
        if self.kind != "name":
            raise Refused(f"Expected a property, not {self.token!r}, in {self.source.strip()!r}")
        return self.of(value, self.next())

    def of(self, value: Any, key: Any) -> Any:
        return None if self.skipped else member(value, key)

    @staticmethod
    def filtered(value: Any) -> Filtered:
        found = value.values() if isinstance(value, dict) else value
        return Filtered(found if isinstance(value, dict | list) else [])

    def primary(self) -> Any:
        kind, token = self.kind, self.token
        if self.take("("):
            value = self.any_of()
            self.expect(")")
            return value
        if kind == "text":
            return self.next()[1:-1].replace("''", "'")
        if kind == "number":
            return number(self.next())
        if kind != "name":
            raise Refused(f"Unexpected {token or 'end'!r} in {self.source.strip()!r}")
        self.next()
        if self.take("("):
            return self.call(token)
        if token in CONSTANTS:
            return CONSTANTS[token]
        if token.lower() not in self.contexts:
            raise Refused(f"There is no context {token} here: {self.source.strip()!r}")
        return self.contexts[token.lower()]

    def call(self, name: str) -> Any:
        given = []
        while not self.take(")"):
            given.append(self.any_of())
            if self.sign != ")":
                self.expect(",")
        if name.lower() not in self.functions:
            raise Refused(f"There is no function {name} here: {self.source.strip()!r}")
        try:
            return None if self.skipped else self.functions[name.lower()](*given)
        except TypeError as error:
            raise Refused(f"{name}: {error}") from None


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(equal(each, what) for each in where)
    return text(what).lower() in text(where).lower()


def _format(template: Any, *values: Any) -> str:
    def filled(found: "re.Match[str]") -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if not found[1] or int(found[1]) >= len(values):
            raise Refused(f"format: {found[0]} of {template!r} has no value")
        return text(values[int(found[1])])

    return re.sub(r"\{\{|\}\}|\{(\d*)\}|[{}]", filled, text(template))


def _join(values: Any, separator: Any = ",") -> str:
    listed = values if isinstance(values, list) else [values]
    return text(separator).join(text(each) for each in listed)


def _from_json(value: Any) -> Any:
    try:
        return json.loads(text(value))
    except ValueError as error:
        raise Refused(f"fromJSON: {value!r:.80} is no JSON: {error}") from None


def _case(*given: Any) -> Any:
    if len(given) < 3 or len(given) % 2 == 0:
        raise Refused("case takes pairs of a condition and a value, and a value for the rest")
    pairs = zip(given[:-1:2], given[1::2], strict=True)
    return next((value for held, value in pairs if held is True), given[-1])


FUNCTIONS: dict[str, Function] = {
    "case": _case,
    "contains": _contains,
    "endswith": lambda where, what: text(where).lower().endswith(text(what).lower()),
    "format": _format,
    "fromjson": _from_json,
    "join": _join,
    "startswith": lambda where, what: text(where).lower().startswith(text(what).lower()),
    "tojson": lambda value: json.dumps(value, indent=2),
}
