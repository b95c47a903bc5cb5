"""The section `read` of a dataset: how the file of its source is read."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from seedling.config.document import Section

DEFAULT_ENCODING = "utf-8"
# The texts of a missing value in every text file: those of pandas.read_csv, and a question mark.
BUILT_IN_NA = frozenset(["", "<NA>", "N/A", "n/a", "NA", "NULL", "null", "None", "NaN", "nan"]) | {
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "-NaN", "-nan", "?")
}
SPELLED = {"tab": "\t", "\\t": "\t", "space": " ", "blank": " "}
WORDS = {"\t": "tab", " ": "space"}


def _known_encoding(name: str) -> str:
    try:
        return "".encode(name).decode(name) or name
    except LookupError:
        raise ValueError(f"{name!r} is no encoding: say utf-8, utf-16, cp1252 or latin-1") from None


def _character(value: Any) -> Any:
    return SPELLED.get(value.lower(), value) if isinstance(value, str) else value


def _none(value: Any) -> Any:
    return None if value == "none" else value


def _header(value: Any) -> Any:
    """Return none as False, first as True, and names with commas between as a list."""
    if not isinstance(value, str):
        return value
    words = {"none": False, "first": True}
    return words.get(value, [name.strip() for name in value.split(",")])


Encoding = Annotated[str, BeforeValidator(_known_encoding)]
Character = Annotated[str, BeforeValidator(_character), Field(min_length=1, max_length=1)]


class Reading(Section):
    """The way a file is read; a key that a file's kind does not have, as a sheet, is ignored."""

    encoding: Encoding = DEFAULT_ENCODING
    separator: Character | None = None  # None: inferred from the header line
    decimal: Literal[".", ","] = "."
    thousands: Annotated[Character | None, BeforeValidator(_none)] = None
    header: Annotated[bool | list[str], BeforeValidator(_header)] = True  # or the names themselves
    comment: Annotated[str | None, BeforeValidator(_none)] = (
        None  # what a line begins with that is no row
    )
    skip: int = Field(default=0, ge=0)  # lines before the header
    na: list[str] = []  # texts of a missing value, beside the built-in ones
    sheet: str | None = None  # None: the first

    def entry(self) -> dict[str, Any]:
        """Return the keys that differ from the default, as model.yaml has them."""
        found = self.model_dump(exclude_defaults=True)
        return found | ({"header": "none"} if self.header is False else {})

    def words(self) -> str:
        """Describe what differs from the default: `cp1252, separator ;, decimal comma`."""
        found: list[str] = []
        if self.encoding != DEFAULT_ENCODING:
            found.append(self.encoding)
        if self.separator:
            found.append(f"separator {WORDS.get(self.separator, self.separator)}")
        if self.decimal == ",":
            found.append("decimal comma")
        if self.thousands:
            found.append(f"{WORDS.get(self.thousands, self.thousands)} between thousands")
        if self.header is False:
            found.append("no header")
        if self.comment:
            found.append(f"comments begin with {self.comment}")
        if self.skip:
            found.append(f"{self.skip} lines skipped" if self.skip > 1 else "1 line skipped")
        if self.sheet:
            found.append(f"sheet {self.sheet}")
        return ", ".join(found)

    def plain_number(self, text: str) -> str:
        """Return a number's text with a point before its fraction and nothing between thousands."""
        if self.thousands:
            text = _between_thousands(self.thousands).sub("", text)
        return text.replace(",", ".") if self.decimal == "," else text

    @property
    def missing(self) -> frozenset[str]:
        """Return the texts of a missing value."""
        return BUILT_IN_NA | set(self.na)


@cache
def _between_thousands(mark: str) -> re.Pattern[str]:
    alike = {" ": "\u00a0\u202f", "'": "\u2019"}.get(mark, "")
    return re.compile(rf"(?<=\d)[{re.escape(mark + alike)}](?=\d{{3}}(?!\d))")


def column_names(reading: Reading, first: Sequence[Any]) -> tuple[list[str], dict[str, str]]:
    """Name the columns of a table.

    Args:
        reading: says whether the first row is the header.
        first: its cells.

    Returns:
        One usable name for each cell, and the remark about each name that the file does not have.
    """
    if reading.header is False:
        names = [f"column_{at}" for at, _ in enumerate(first, 1)]
        remark = "The file has no header line: name its columns by --header NAME,NAME,..."
        return names, dict.fromkeys(names, remark)
    given = first if reading.header is True else reading.header
    cells = ["" if cell is None else str(cell).strip() for cell in given]
    taken, names, remarks = set(cells), list[str](), dict[str, str]()
    for at, name in enumerate(cells, 1):
        usable, number = name or f"column_{at}", 2
        while usable in names or (usable != name and usable in taken):
            usable, number = f"{name or f'column_{at}'}_{number}", number + 1
        if not name:
            remarks[usable] = f"Column {at} has no name in the file: it is called {usable}."
        elif usable != name:
            remarks[usable] = f"Column {at} is another {name}: it is called {usable}."
        names.append(usable)
    return names, remarks
