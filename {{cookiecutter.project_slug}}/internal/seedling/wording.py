"""Words of messages: those that depend on a number, and those for a pattern."""

from collections.abc import Sequence

MOST_ROWS = 5  # whose numbers a message has
_patterns: dict[str, str] = {}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which gets an s for all numbers but 1: `6,000 rows`."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def listed(names: Sequence[str], most: int = 10) -> str:
    """Join names with commas, of many only the first ones: `a, b and 3 more`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def rows_shown(rows: Sequence[int], beside: int = 0) -> str:
    """Return row numbers in brackets, the first of them; empty for none.

    Args:
        rows: the numbers, or the first ones.
        beside: how many there are beside those.
    """
    if not rows:
        return ""
    count = len(rows) + beside
    shown = ", ".join(str(row) for row in rows[:MOST_ROWS])
    more = f" and {count - MOST_ROWS:,} more" if count > MOST_ROWS else ""
    return f" (row{'s' * (count > 1)} {shown}{more})"


def in_words(pattern: str, words: str) -> str:
    """Return a pattern, and note the words for what it takes."""
    _patterns[pattern] = words
    return pattern


def of_pattern(pattern: str) -> str:
    """Return the words for a pattern, or the pattern itself where none were noted."""
    return _patterns.get(pattern, f"a text like {pattern}")
