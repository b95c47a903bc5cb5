"""Words of messages that depend on a number."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which gets an s for all numbers but 1: `6,000 rows`."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def listed(names: Sequence[str], most: int = 10) -> str:
    """Join names with commas, of many only the first ones: `a, b and 3 more`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
