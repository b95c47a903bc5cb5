"""The sections of a base script: their names in order, and the parts of a script's text."""

import re
from enum import StrEnum
from typing import NamedTuple

MARK = "#====="
SECTIONS = (
    "base imports",
    "custom imports",
    "base setup",
    "set experiment and model name",
    "connect to services",
    "start the run",
    "import data",
    "custom training code",
    "save the model",
    "standard metrics",
    "record with MLFlow",
    "log stdout debug text lines",
    "save metrics",
    "create example inputs",
    "register the model",
    "add tags if present",
    "save performance plots",
    "closing",
)
# Those that an author writes, and the names that they set for the sections after them.
OWED = {
    "set experiment and model name": ("experiment_name", "model_name"),
    "import data": ("X_train", "y_train", "X_test", "y_test"),
    "custom training code": ("model",),
}
REQUIRED = tuple(OWED)
# The guide of the predecessor has this header with its remark: it means the section.
ALSO = {
    "save performance plots (if selected in `AzureMLRun` settings)": "save performance plots",
}
_code = re.compile(r"(?m)^[ \t]*[^\s#]")


class Origin(StrEnum):
    """The origin of a section of a completed script."""

    YOURS = "yours"
    FILLED_IN = "filled in"
    SKIPPED = "skipped"


class Section(NamedTuple):
    """A section of a script.

    Attributes:
        name: of SECTIONS.
        line: of its header, from 1.
        header: that line.
        text: the lines below it, up to the next header.
    """

    name: str
    line: int
    header: str
    text: str

    @property
    def is_empty(self) -> bool:
        """Return True if it has no code: nothing, or comments only."""
        return _code.search(self.text) is None


class Base(NamedTuple):
    """A base script.

    Attributes:
        head: the lines above the first section: a docstring and comments.
        sections: in the order of SECTIONS.
    """

    head: str
    sections: dict[str, Section]


def header(name: str) -> str:
    """Return the line that heads a section."""
    return f"{MARK}{name}"
