"""Edits the text of YAML files: inserts entries and takes them out, by indentation.

Nothing is parsed and written anew, so comments, quotes and every other line stay byte for byte. It
needs nothing but the standard library, since it runs before anything is installed. `edit_array.py`
does the same for arrays of TOML files.

A path leads from the outermost key to the innermost: `training.models`. What a key holds stands on
the lines below it, as the items of a list or as more keys.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from textwrap import indent

from seedling.errors import ProjectError

# A key with or without quotes, and what stands behind it on its line.
KEY = re.compile(r"[\"']?([\w.$-]+)[\"']?[ \t]*:(?:[ \t]+(.*))?$")
COMMENT = re.compile(r"(?:^|[ \t]+)#.*")
DASH = re.compile(r"-( |$)")
LINE = re.compile(r"[^\n]*\n|[^\n]+")


class Entry:
    """A key or an item of a list, with the lines that belong to it.

    Args:
        first: the number of its first line, from 0.
        end: the number of the first line that is not its own any more.
        depth: how many spaces stand before it.
        key: empty for an item.
        held: what stands behind the key or the dash on the same line.

    `entries` are the items or keys that it holds.
    """

    def __init__(self, first: int, end: int, depth: int, key: str = "", held: str = "") -> None:
        self.first, self.end, self.depth = first, end, depth
        self.key, self.held = key, held
        self.entries: list[Entry] = []

    def find(self, path: str) -> "Entry | None":
        """Return the entry at the end of a path; None where there is none."""
        key, _, rest = path.partition(".")
        found = next((entry for entry in self.entries if entry.key == key), None)
        return found.find(rest) if found and rest else found

    def value(self, path: str) -> str | None:
        """Return the value at the end of a path, without quotes; None where there is none."""
        *outer, key = path.split(".")
        found = self.find(path)
        if found:
            return _plain(found.held)
        holder = self.find(".".join(outer)) if outer else self
        pair = re.search(rf"[{{,]\s*[\"']?{key}[\"']?\s*:([^,}}]*)", holder.held if holder else "")
        return _plain(pair[1]) if pair else None


def read(path: Path) -> str:
    """Return the text of a UTF-8 file with its line ends as they are."""
    return path.read_bytes().decode("utf-8")


@lru_cache(maxsize=8)  # one edit asks for several values of the same text
def outline(text: str) -> Entry:
    """Return an entry for a whole YAML text, which holds all others.

    An entry ends before the next that is not further to the right. A comment between two belongs to
    the first where it is further to the right, a blank line to none.
    """
    lines = split(text)
    around = [Entry(0, len(lines), -1)]
    for number, line in enumerate(lines):
        code = line.strip()
        if not code:
            continue
        depth = len(line) - len(line.lstrip(" "))
        begun = list(_begun(number, depth, code))
        for entry in begun:
            while not _holds(around[-1], entry):
                around.pop()
            around[-1].entries.append(entry)
            around.append(entry)
        for entry in around[1:]:
            if begun or entry.depth < depth:
                entry.end = number + 1
    return around[0]


def insert(text: str, path: str, entry: str, file: str) -> str:
    """Return a YAML text with one more entry below the key at the end of a path.

    Args:
        text: the whole text.
        path: keys with dots between.
        entry: the lines to insert after those that are there, from the left edge.
        file: the file's name, for the error.

    Raises:
        ProjectError: there is no such key, or its entries do not stand on lines of their own.
    """
    holder = _holder(text, path, file)
    depth = holder.entries[0].depth if holder.entries else holder.depth + 2
    return with_lines(text, holder.end, indent(entry, " " * depth))


def insert_after(text: str, key: str, line: str, file: str) -> str:
    """Return a YAML text with a line after all that belongs to an outer key.

    Raises:
        ProjectError: there is no such key.
    """
    found = outline(text).find(key)
    if not found:
        raise ProjectError(f"{file} has no {key}.")
    return with_lines(text, found.end, line)


def entries(text: str, path: str, file: str) -> list[Entry]:
    """Return the entries below the key at the end of a path.

    Raises:
        ProjectError: there is no such key, or its entries do not stand on lines of their own.
    """
    return _holder(text, path, file).entries


def lines_of(text: str, entry: Entry) -> str:
    """Return the lines of an entry, moved to the left edge."""
    own = "".join(split(text)[entry.first : entry.end])
    return re.sub(rf"(?m)^ {{1,{entry.depth}}}", "", own) if entry.depth else own


def without(text: str, gone: Iterable[Entry]) -> str:
    """Return a YAML text without the lines of some entries, and the blank line before each."""
    lines = split(text)
    for entry in sorted(gone, key=lambda entry: entry.first, reverse=True):
        is_apart = entry.first > 0 and not lines[entry.first - 1].strip()
        del lines[entry.first - is_apart : entry.end]
    return "".join(lines)


def words(text: str, key: str) -> list[str] | None:
    """Return the words that an outer key of a YAML text lists, in brackets or one a line."""
    found = outline(text).find(key)
    if not found:
        return None
    own = "".join(COMMENT.sub("", line) for line in split(text)[found.first : found.end])
    return re.findall(r"\w[\w-]*", own.partition(":")[2])


def split(text: str) -> list[str]:
    """Split a text after each LF, so that its lines together are the text."""
    return LINE.findall(text)


def with_lines(text: str, number: int, new: str) -> str:
    """Return the text with new lines before the line of that number, ended as the others are."""
    lines = split(text)
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    before = "".join(lines[:number])
    if new and before and not before.endswith("\n"):
        before += end
    return "".join([before, new.replace("\r\n", "\n").replace("\n", end), *lines[number:]])


def _begun(number: int, depth: int, code: str) -> Iterator[Entry]:
    """Yield the entries that begin on a line: `- name: a` is an item, and a key within it."""
    while DASH.match(code):
        held = code[1:].lstrip()
        yield Entry(number, number + 1, depth, held=held)
        depth += len(code) - len(held)
        code = held
    key = KEY.match(code)
    if key:
        yield Entry(number, number + 1, depth, key[1], key[2] or "")


def _holds(outer: Entry, entry: Entry) -> bool:
    """Tell whether an entry belongs to the one that began before it.

    The items of a list may stand as far to the left as their key.
    """
    is_item_of_key = not entry.key and bool(outer.key)
    return entry.depth > outer.depth or (is_item_of_key and entry.depth == outer.depth)


def _holder(text: str, path: str, file: str) -> Entry:
    """Find the key at the end of a path, and refuse one that holds something on its own line."""
    found = outline(text).find(path)
    if not found or _plain(found.held):
        raise ProjectError(
            f"{file} has no {path} with its entries on the lines below: give each entry a line."
        )
    return found


def _plain(held: str) -> str | None:
    """Return a value without comment and quotes."""
    return COMMENT.sub("", held).strip().strip("\"'") or None
