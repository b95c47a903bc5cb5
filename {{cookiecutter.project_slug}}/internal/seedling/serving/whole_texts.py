"""A text file that is one row as a whole: read letter by letter, and copied with another text."""

import codecs
from pathlib import Path
from typing import NamedTuple

ENDING = ".txt"
MOST_BYTES = 16 * 1024 * 1024  # as a request may have
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Whole(NamedTuple):
    """The text of a file, and how the file has it.

    Attributes:
        text: all of it, with its own line ends; empty where there is a fault.
        mark: the byte order mark in front of it.
        encoding: of the bytes behind the mark.
        fault: why the file is no text.
    """

    text: str
    mark: bytes
    encoding: str
    fault: str = ""

    def copy(self, text: str) -> bytes:
        """Return the content of a copy with another text; line ends stand in the text itself."""
        return self.mark + text.encode(self.encoding, "replace")


def read(path: Path, encoding: str) -> Whole:
    """Return the text of a file.

    Args:
        path: of the file.
        encoding: of a file without a byte order mark.

    Raises:
        OSError: the file cannot be read.
    """
    if path.stat().st_size > MOST_BYTES:
        return Whole("", b"", encoding, f"is larger than {MOST_BYTES >> 20} MiB")
    content = path.read_bytes()
    marks = ((mark, known) for mark, known in MARKS if content.startswith(mark))
    mark, encoding = next(marks, (b"", encoding))
    try:
        return Whole(content[len(mark) :].decode(encoding), mark, encoding)
    except UnicodeDecodeError as error:
        place = len(mark) + error.start + 1
        return Whole(
            "",
            mark,
            encoding,
            f"is not text in {encoding}, from byte {place:,} on: name its encoding as "
            "read: {encoding: ...} in model.yaml",
        )
