"""Edits arrays of strings in the text of TOML files; every other line stays byte for byte.

It needs nothing but the standard library, as edit_text.py does.
"""

import re

from seedling.errors import ProjectError
from seedling.scaffold.edit_text import COMMENT, split, with_lines


def insert(text: str, table: str, key: str, strings: list[str], file: str) -> str:
    """Return a TOML text with more strings in an array, each on its own line.

    Args:
        text: the whole text.
        table: the name in the brackets above the array.
        key: the array's.
        strings: those that the array has already are left out.
        file: the file's name, for the error.

    Raises:
        ProjectError: there is no such array with a line for each string.
    """
    lines = split(text)
    inside = _array(lines, table, key, file)
    known = {_string(lines[number]) for number in inside}
    new = "".join(f'    "{string}",\n' for string in strings if string not in known)
    # After the last comma, since the last string may stand without one.
    commas = [number for number in inside if COMMENT.sub("", lines[number]).rstrip().endswith(",")]
    return with_lines(text, commas[-1] + 1 if commas else inside.start, new)


def remove(text: str, table: str, key: str, strings: set[str], file: str) -> str:
    """Return a TOML text without the lines of some strings of an array; see insert."""
    lines = split(text)
    for number in reversed(_array(lines, table, key, file)):
        if _string(lines[number]) in strings:
            del lines[number]
    return "".join(lines)


def _array(lines: list[str], table: str, key: str, file: str) -> range:
    """Return the numbers of the lines between the brackets of a TOML array."""
    within = False
    for number, line in enumerate(lines):
        if line.startswith("["):
            within = line.startswith(f"[{table}]")
        elif within and re.match(rf"{key}\s*=\s*\[\s*(#.*)?$", line):
            end = next((n for n in range(number, len(lines)) if lines[n].startswith("]")), None)
            if end is not None:
                return range(number + 1, end)
    raise ProjectError(f"{file}, {table}: write the group {key} with each requirement on a line.")


def _string(line: str) -> str | None:
    """Return the string that a line of an array begins with."""
    found = re.match(r"\s*([\"'])(.*?)\1", line)
    return found[2] if found else None
