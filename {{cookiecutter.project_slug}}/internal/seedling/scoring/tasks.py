"""The parts that a batch is made of, each with the name that its file gets."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from seedling.scoring.chunk import part_name
from seedling.scoring.formats import Format
from seedling.scoring.inputs import Input
from seedling.serving import score_parts
from seedling.serving.score_files import Scorer
from seedling.serving.score_parts import Part, Range, Unread

PART_ROWS = 50_000  # read and answered at a time


class Task(NamedTuple):
    """Some rows to score: those of a range of a file, its lines, or rows that were read.

    Attributes:
        name: of the part's file.
        input: the file.
        read: the share of the file up to the end of these rows, from 0 to 1.
        range: where a worker reads them.
        part: the rows or lines, where the file is read from its beginning on.
    """

    name: str
    input: Input
    read: float
    range: Range | None = None
    part: Part | Unread | None = None

    def rows(self, scorer: Scorer) -> Part:
        """Return the rows, read now where they are a range or lines."""
        part = self.part.part() if isinstance(self.part, Unread) else self.part
        if part is None:
            assert self.range
            part = score_parts.read_range(
                self.input.path, scorer.reading, scorer.needed, self.range
            )
        return replace(part, file=self.input.file, first=part.first + self.input.before)


def of(scorer: Scorer, form: Format, found: Input, source: str, size: int) -> Iterator[Task]:
    """Yield the tasks of a file, in the order of its rows.

    Args:
        scorer: says how files are read, and by which model rows are answered.
        form: of the output.
        found: the file.
        source: the hash of its content.
        size: the rows of a part, about.

    Raises:
        ProjectError: the file cannot be read as a table, or has not all features.
    """
    reading, needed = scorer.reading, scorer.needed

    def name(first: int, rows: int) -> str:
        at = f"{first + found.before}+{rows}"
        return part_name(scorer.identity, form, source, found.file, at)

    ranges = score_parts.ranges(found.path, reading, needed, size)
    if ranges is not None:
        for each in ranges:
            yield Task(name(each.first, each.rows), found, each.read, range=each)
        return
    for part in score_parts.unread(found.path, reading, needed, size):
        yield Task(name(part.first, size), found, part.read, part=part)
