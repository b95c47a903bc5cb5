"""Names that all of Azure, or a region of it, shares."""

import re
from collections.abc import Iterator

TRIED = 20  # names, where they are taken


def numbered(name: str, longest: int) -> Iterator[str]:
    """Yield `x`, `x-2`, `x-3` and so on; after `x-3`, `x-4`. Each has at most `longest` letters."""
    found = re.fullmatch(r"(.+)-(\d+)", name)
    stem, first = (found[1], int(found[2])) if found else (name, 1)
    yield name
    for number in range(first + 1, first + TRIED):
        end = f"-{number}"
        yield stem[: longest - len(end)].rstrip("-") + end
