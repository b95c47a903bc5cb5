"""The form of a text that a model reads, and the way back to the text as it was given."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from itertools import pairwise

LINE_END = re.compile(r"\r\n?")
BLANKS = "\xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
LINE_ENDS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
HYPHENS = "\u2010\u2011"
ALIKE = str.maketrans(
    dict.fromkeys(BLANKS, " ") | dict.fromkeys(LINE_ENDS, "\n") | dict.fromkeys(HYPHENS, "-")
)


class Normal:
    """A text in composed characters (NFC), with one kind of line end, of blank and of hyphen.

    What cannot be seen, such as a soft hyphen, is left out. So a form gets the same answer
    whichever system it was written on, and whether it was typed or copied from a page.

    Args:
        given: any text.

    Attributes:
        text: the text for the model.
    """

    def __init__(self, given: str) -> None:
        self.text = plain = given.translate(ALIKE)
        self._places: list[int] = []  # in `given`, of each character of `text`; empty: the same
        self._end = len(given)
        hidden = {mark for mark in {*plain} if unicodedata.category(mark) == "Cf"}
        if not plain.strip("".join(hidden)) or not (
            hidden or "\r" in plain or not unicodedata.is_normalized("NFC", plain)
        ):
            return
        parts = []
        for start, end in pairwise(_clusters(plain, hidden)):
            seen = "".join(mark for mark in plain[start:end] if mark not in hidden)
            part = unicodedata.normalize("NFC", LINE_END.sub("\n", seen))
            parts.append(part)
            self._places += [min(start + place, end - 1) for place in range(len(part))]
        self.text = "".join(parts)

    def given(self, start: int, end: int) -> tuple[int, int]:
        """Return the place of a span of `text` in the text as given."""
        if not self._places:
            return start, end
        after = self._places[end] if end < len(self._places) else self._end
        return self._places[start], max(after, self._places[start] + 1)

    def within(self, start: int, end: int) -> tuple[int, int]:
        """Return the place of a span of the text as given in `text`: the least that holds it."""
        if not self._places:
            return start, end
        first = bisect_right(self._places, start) - 1
        return bisect_left(self._places, self._places[first]), bisect_right(self._places, end - 1)


def _clusters(text: str, hidden: set[str]) -> list[int]:
    """Return where the parts of a text begin that become one character each, and its end.

    What is hidden belongs to the part before it; at the beginning, to the one behind it.
    """
    first = len(text) - len(text.lstrip("".join(hidden))) if hidden else 0
    found = [
        place
        for place, mark in enumerate(text)
        if place > first
        and mark not in hidden
        and not (
            unicodedata.category(mark).startswith("M")
            or "\u1160" <= mark <= "\u11ff"  # the vowels and the finals of Hangul
            or (mark == "\n" and text[place - 1] == "\r")
        )
    ]
    return [0, *found, len(text)] if text else []
