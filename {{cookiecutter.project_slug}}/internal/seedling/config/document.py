"""Reads a YAML document, and says where a fault stands: file, line, key and remedy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from seedling.config.filled_in import FilledIn
from seedling.errors import ProjectError
from seedling.wording import counted, of_pattern

PLACEHOLDER = "_CHANGE_ME_"

WHOLE, NUMBER, FLAG = "expected: a whole number", "expected: a number", "expected: true or false"
# What pydantic calls a fault, and the words for it.
PROBLEMS = {
    "extra_forbidden": "no such key here: correct its name or remove it",
    "missing": "this key is missing",
    "string_type": "this must be text: put it into quotes",
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "finite_number": "expected: a finite number",
    "bool_type": FLAG,
    "bool_parsing": FLAG,
    "list_type": "expected: a list, such as [a, b]",
    "dict_type": "expected: keys with values",
    "model_type": "expected: keys with values",
    "model_attributes_type": "expected: keys with values",
    "none_required": "expected: null",
}
BOUNDS = {
    "greater_than_equal": ("a number of at least", "ge"),
    "greater_than": ("a number above", "gt"),
    "less_than_equal": ("a number of at most", "le"),
    "less_than": ("a number below", "lt"),
}
LENGTHS = {
    "string_too_short": ("at least", "min_length", "character"),
    "string_too_long": ("at most", "max_length", "character"),
    "too_short": ("at least", "min_length", "item"),
    "too_long": ("at most", "max_length", "item"),
}


class Section(BaseModel):
    """A part of a YAML document; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    @classmethod
    def filled_in(cls, document: Mapping[str, Any], folder: Path) -> FilledIn:
        """Return a document of this kind with what the files of its folder say beside it."""
        return FilledIn({**document}, {})


S = TypeVar("S", bound=Section)


def round_trip() -> YAML:
    """Return a YAML reader and writer that keeps comments, and knows each key's line."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def read_text(path: Path) -> str:
    """Read a UTF-8 text, with its line ends as they are.

    Raises:
        ProjectError: the file is missing, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: every verb reads it.") from None
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path.name} is not UTF-8 text (byte {error.start}).") from None


def parse(yaml: YAML, text: str, path: Path) -> Any:
    """Parse a YAML text; `path` is where it stands.

    Raises:
        ProjectError: it is not valid YAML, with the line.
    """
    try:
        return yaml.load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ProjectError(f"{path.name}{line}: not valid YAML: {problem}.") from None


def validated(text: str, path: Path, kind: type[S]) -> S:
    """Parse a YAML text and validate it as a document of this kind.

    Raises:
        ProjectError: one line with file, line, key and what is expected there.
    """
    document = parse(YAML(typ="safe", pure=True), text, path)
    if not isinstance(document, Mapping):
        raise ProjectError(f"{path.name} holds no keys: restore it from version control.")
    try:
        placeholder = _find_placeholder(document, ())
    except RecursionError:
        raise ProjectError(f"{path.name}: an alias (*) stands within what it names.") from None
    if placeholder:
        where = place(path, text, placeholder)
        raise ProjectError(f"{where}: still {PLACEHOLDER}: put your own value there.")
    found, places = kind.filled_in(document, path.parent)
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        keys, problem = problem_of(error)
        where = place(path, text, (*places.get(keys[:2], keys[:2]), *keys[2:]))
        raise ProjectError(f"{where}: {problem}.") from None


def problem_of(error: ValidationError) -> tuple[tuple[Any, ...], str]:
    """Return the keys that lead to the first fault of a document, and the words for it."""
    # A key that is not known, often a misspelt one, explains the one that is missing.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return first["loc"], f"{words_of(first)}{more}"


def words_of(found: Mapping[str, Any]) -> str:
    """Return the words for one of the faults that pydantic has found, without the value."""
    kind, context = found["type"], found.get("ctx", {})
    if kind in PROBLEMS:
        return PROBLEMS[kind]
    if kind == "string_pattern_mismatch":
        return f"expected: {of_pattern(context['pattern'])}"
    if kind in BOUNDS:
        words, key = BOUNDS[kind]
        return f"expected: {words} {context[key]}"
    if kind in LENGTHS:
        words, key, noun = LENGTHS[kind]
        return f"expected: {words} {counted(context[key], noun)}"
    if kind in ("literal_error", "enum"):
        return f"expected: {context['expected']}"
    return str(found["msg"]).removeprefix("Value error, ")


def _find_placeholder(node: Any, keys: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return the keys that lead to the first placeholder in a node, which `keys` lead to."""
    if node == PLACEHOLDER:
        return keys
    items: Any = ()
    if isinstance(node, Mapping):
        items = node.items()
    elif isinstance(node, Sequence) and not isinstance(node, str):
        items = enumerate(node)
    return next(
        (found for key, value in items if (found := _find_placeholder(value, (*keys, key)))), None
    )


def place(path: Path, text: str, keys: Sequence[Any]) -> str:
    """Return where the keys lead, as text: `model.yaml, line 12, datasets.0.target`."""
    line: int = 1
    node: Any = round_trip().load(text)
    for key in keys:
        try:
            marks = node.lc
            find = marks.item if isinstance(node, list) else marks.value
            line, node = find(key)[0] + 1, node[key]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    dotted = ".".join(str(key) for key in keys)
    return f"{path.name}, line {line}" + (f", {dotted}" if dotted else "")
