"""The faults of a base script, a line for each."""

from collections.abc import Sequence
from typing import NamedTuple

from seedling.errors import ProjectError


class Fault(NamedTuple):
    """A fault, and the line of the base script, from 1, where it is."""

    line: int
    words: str


class Faulty(ProjectError):
    """Refuse a base script.

    Attributes:
        lines: `file:line: words` for each fault.
    """

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.lines = [f"{name}:{fault.line}: {fault.words}." for fault in sorted(faults)]
        super().__init__("\n".join(self.lines))
