"""`.env` files: which of them are read, and their lines as names and values."""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from dotenv.parser import parse_stream

from seedling.errors import ProjectError
from seedling.wording import listed

PATTERN = "*.env"  # `.env` itself too, which comes first

# Names of files that may hold secrets; .env.example and azure-compute-config.json hold none.
_secret_name = re.compile(
    r"(?!\.env\.example$|azure-compute-config\.json$)"
    r"(?:\.env(?:\..*)?|.*\.env|azure.*config.*\.json|.*\.(?:pem|key|pfx|p12))",
    re.IGNORECASE,
)
# A variable's name has neither; a line such as `NAME:value` or `'A=B'=x` has them in its name.
_no_name = re.compile(r"[:=]")


class OverriddenWarning(UserWarning):
    """A later source has another value for a key of an earlier one."""


def may_hold_secrets(name: str) -> bool:
    """Return True if a file of this name stays on this machine: it is for credentials."""
    return _secret_name.fullmatch(name) is not None


def in_folder(folder: Path) -> list[Path]:
    """Return the `.env` files of a folder in the order in which they are read."""
    return sorted(path for path in folder.glob(PATTERN) if path.is_file())


def near(folder: Path) -> list[Path]:
    """Return the `.env` files of a folder; those of the one above it where it has none."""
    return in_folder(folder) or in_folder(folder.resolve().parent)


def read(path: Path, stacklevel: int | None = None) -> dict[str, str]:
    """Read a `.env` file; each value stays the text that it is, and `${...}` is no variable.

    Args:
        path: of the file.
        stacklevel: how many calls above this one the warning points to, which names the keys that
            the file gives two values; no warning unless given.

    Raises:
        ProjectError: the file is not UTF-8 text, or a line is no `NAME=value`.
    """
    values: dict[str, str] = {}
    twice: set[str] = set()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise ProjectError(f"{path} is not read: {error.strerror}.") from None
    if "\0" in text:  # as in UTF-16 without its mark; no variable of a process holds one
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ProjectError(f"{path}, line {line}: a NUL byte is no text: save the file as UTF-8.")
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and _no_name.search(binding.key)):
            blank = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string[:blank].count("\n")
            raise ProjectError(
                f"{path}, line {line}: this is no NAME=value; a quote that opens must close, "
                "and a quote within quotes has a backslash before it."
            )
        if binding.key is not None and binding.value is not None:
            if values.setdefault(binding.key, binding.value) != binding.value:
                twice.add(binding.key)
            values[binding.key] = binding.value
    if twice and stacklevel is not None:
        _warn(f"{path}, in a later line,", sorted(twice), stacklevel + 1)
    return values


def merged(
    sources: Sequence[tuple[str, Mapping[str, object]]], stacklevel: int
) -> dict[str, object]:
    """Merge sources, later over earlier; a warning names the keys that get another value.

    Args:
        sources: the name of each, such as that of its file, and its values by key.
        stacklevel: how many calls above this one the warning points to.
    """
    values: dict[str, object] = {}
    for name, found in sources:
        other = sorted(key for key in values.keys() & found.keys() if values[key] != found[key])
        if other:
            _warn(name, other, stacklevel + 1)
        values |= found
    return values


def _warn(name: str, keys: Sequence[str], stacklevel: int) -> None:
    words = f"{name} overrides {listed(keys)} of what was read before it."
    warnings.warn(words, OverriddenWarning, stacklevel=stacklevel + 1)
