"""The section `read` of a dataset: how the file of its source is read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from seedling.config.document import Section
from seedling.data.spelled import NOTHING
from seedling.errors import InputError
from seedling.wording import counted

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
    found = SPELLED.get(value.lower(), value) if isinstance(value, str) else value
    if isinstance(found, str) and len(found) != 1:
        raise ValueError("say one character, or tab or space")
    return found


def _none(value: Any) -> Any:
    return None if value == "none" else value


def _thousands(value: Any) -> Any:
    return value if value == NOTHING else _character(value)


def _header(value: Any) -> Any:
    """Return none as False, first as True, and names with commas between as a list."""
    if not isinstance(value, str):
        return value
    words = {"none": False, "first": True}
    return words.get(value, [name.strip() for name in value.split(",")])


Encoding = Annotated[str, BeforeValidator(_known_encoding)]
Character = Annotated[str, BeforeValidator(_character)]


class Reading(Section):
    """The way a file is read; a key that a file's kind does not have, as a sheet, is ignored."""

    encoding: Encoding = DEFAULT_ENCODING
    separator: Character | None = None  # None: inferred from the header line
    decimal: Literal[".", ","] = "."
    thousands: Annotated[str | None, BeforeValidator(_thousands)] = None  # "none" for nothing
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
        for key in ("separator", "thousands"):
            if key in found:
                found[key] = self._spelled(found[key])
        return found | ({"header": "none"} if self.header is False else {})

    def words(self, columns: int = 0) -> str:
        """Say what differs from the default, each with the option of verbs that says otherwise.

        Args:
            columns: those that were found; 0 where that is not known.
        """
        apart = "nothing" if self.thousands == NOTHING else self._spelled(self.thousands)
        header = f"{len(self.header)} names" if isinstance(self.header, list) else "no header"
        found = {
            "encoding": f"encoding {self.encoding}",
            "sep": "no separator" if columns == 1 else f"separator {self._spelled(self.separator)}",
            "decimal": f"decimal {self.decimal}",
            "thousands": f"{apart} between thousands",
            "header": header,
            "comment": f"comments after {self.comment}",
            "skip": f"{counted(self.skip, 'line')} skipped",
            "na": f"{', '.join(self.na)} for a missing value",
            "sheet": f"sheet {self.sheet}",
        }
        differing = {"sep" if key == "separator" else key for key in self.entry()}
        return ", ".join(f"{words} (--{key})" for key, words in found.items() if key in differing)

    @staticmethod
    def _spelled(mark: str | None) -> str:
        return WORDS.get(mark or "", mark or "")

    @property
    def missing(self) -> frozenset[str]:
        """Return the texts of a missing value."""
        return BUILT_IN_NA | set(self.na)


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
        called = "column is" if len(names) == 1 else "columns are"
        shown = " to ".join(dict.fromkeys((names[0], names[-1])))
        remark = (
            f"It has no header line: its {called} called {shown}. "
            "Name them by --header NAME,NAME,..."
        )
        return names, dict.fromkeys(names, remark)
    cells = _given(reading, first)
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


def copies(reading: Reading, first: Sequence[Any]) -> dict[str, str]:
    """Return the names that `column_names` gives to columns whose own name stands before, too.

    Args:
        reading, first: as in `column_names`.

    Returns:
        Of each such column the name that the file has: `units_2: units`.
    """
    if reading.header is False:
        return {}
    names = zip(column_names(reading, first)[0], _given(reading, first), strict=True)
    return {usable: name for usable, name in names if name not in ("", usable)}


def refuse_copies(
    copies: Mapping[str, str], needed: Iterable[str], known: Collection[str], file: str
) -> None:
    """Refuse a file in which it is not clear which column is meant.

    Args:
        copies: of the file, as the function of this name has them.
        needed: the columns that are read.
        known: columns of the dataset: a copy that is called as one of them is that one.
        file: its name, for the message.

    Raises:
        InputError: a column that is read is there again.
    """
    unclear = [name for copy, name in copies.items() if copy not in known]
    for name in needed:
        if name in unclear:
            count = unclear.count(name) + 1
            times = "twice" if count == 2 else f"{count} times"
            raise InputError(f"{file} has the column {name} {times}: leave only one in it.")


def _given(reading: Reading, first: Sequence[Any]) -> list[str]:
    """Return the names that are given, by the file or beside it; empty where one is missing."""
    given = reading.header if isinstance(reading.header, list) else first
    return ["" if cell is None else str(cell).strip() for cell in given]
