"""Words of messages that depend on a number."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which gets an s for all numbers but 1: `6,000 rows`."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"
