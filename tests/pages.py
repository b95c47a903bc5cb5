"""Pages whose tables say what to type and what one sees."""

import re
from collections.abc import Iterator

TYPED = "| what to type | what one sees |\n"
CELLS = re.compile(r" *(?<!\\)\| *")


def rows(section: str) -> list[list[str]]:
    """Read the cells of a text's tables, row by row, without the heads."""
    found = re.findall(r"(?m)^\|.*\n\| ?-.*\n((?:\|.*\n)+)", section)
    return [CELLS.split(line)[1:-1] for table in found for line in table.splitlines()]


def quoted(cell: str) -> list[str]:
    """Read the code spans of a cell."""
    return [text.replace("\\|", "|") for text in re.findall(r"`([^`]+)`", cell)]


def blocks(section: str, language: str) -> list[str]:
    """Read a text's blocks of code of one language."""
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def tables(page: str) -> Iterator[tuple[str, str] | str]:
    """Yield what a page says to do, in its order.

    Yields:
        (what to type, what one sees) for each row of a table of such; the text of each block of
        YAML.
    """
    for part in re.split(rf"(?m)(?=^{re.escape(TYPED)}|^```yaml\n)", page):
        if part.startswith(TYPED):
            found = rows(part[: part.find("\n\n") + 1 or None])
            yield from ((typed, seen) for typed, seen in found)
        else:
            yield from blocks(part, "yaml")
