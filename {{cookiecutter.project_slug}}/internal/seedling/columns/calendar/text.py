"""Dates and times as tables and callers write them, read without pandas in a microsecond."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

AFTER_DATE = ("", " ", "T", "t")  # what follows the ten characters of an ISO date
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
PIVOT = 69  # two digits from here on are years of the twentieth century, as strptime has it

_DAY = re.compile(
    r"""
    (?P<first>\d{1,4}) (?P<mark>[-/.\ ]) (?P<second>\d{1,2}|[A-Za-z]{3,9}) (?P=mark)
        (?P<third>\d{1,4})
    | (?P<name>[A-Za-z]{3,9}) [.]?[-\ ] (?P<day>\d{1,2}) ,?[-\ ] (?P<named_year>\d{4})
    | (?P<year>\d{4}) [-/] (?P<month>\d{1,2})
    """,
    re.VERBOSE,
)
_TIME = re.compile(
    r"""
    (?:\ |,\ |T) \ ? (?P<hour>\d{1,2}) : (?P<minute>\d\d) (?: : (?P<second>\d\d) (?:[.,]\d+)? )?
    \ ? (?P<half>[AaPp][Mm])? \ ? (?P<zone>Z|UTC|GMT|[-+]\d\d:?\d\d)?
    """,
    re.VERBOSE,
)


def read(value: Any, day_first: bool | None = None) -> datetime:
    """Return the moment of a text, a date, a datetime, or a number such as 20240315.

    ISO 8601 is always read, years first, and months by their English names.

    Args:
        value: not missing.
        day_first: whether 01/02/2024 is 1 February; None refuses it.

    Raises:
        ValueError: it is none of these, or no such day exists.
    """
    if isinstance(value, str):
        return _of_text(value.strip(), day_first)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, Real) and len(digits := f"{value:.0f}") == 8 and value % 1 == 0:
        return _of_text(digits, None)
    raise ValueError(f"{value!r} is no date")


def read_iso(different: "Sequence[Any] | pd.Index[Any]") -> "np.ndarray[Any, Any] | None":
    """Return n different cells as datetime64[s] if all are ISO texts of one form, else None.

    A table of a million times is read so in a tenth of a second, which `read` takes ten times.
    """
    import pandas as pd

    first = different[0] if len(different) else None
    if not isinstance(first, str) or len(first) not in (10, 19):
        return None
    form = "%Y-%m-%d" if len(first) == 10 else f"%Y-%m-%d{first[10]}%H:%M:%S"
    if not all(isinstance(cell, str) and len(cell) == len(first) for cell in different):
        return None
    try:
        return pd.to_datetime(different, format=form).to_numpy().astype("datetime64[s]")
    except ValueError:  # among them what is out of nanoseconds' range
        return None


def _of_text(text: str, day_first: bool | None) -> datetime:
    iso = text[4:5] == "-" and text[10:11] in AFTER_DATE
    if iso or (len(text) == 8 and text.isdigit()):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    match = _DAY.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no date")
    year, month, day = _day(match, day_first)
    if match.end() == len(text):
        return datetime(year, month, day)
    after = _TIME.fullmatch(text, match.end())
    if after is None:
        raise ValueError(f"{text!r} is no date")
    hour, minute, second, half, zone = after.groups()
    if half is not None and not 1 <= int(hour) <= 12:
        raise ValueError(f"{text!r} is no time of half a day")
    hours = int(hour) if half is None else int(hour) % 12 + 12 * (half[0] in "Pp")
    return datetime(year, month, day, hours, int(minute), int(second or 0), tzinfo=_zone(zone))


def _day(match: re.Match[str], day_first: bool | None) -> tuple[int, int, int]:
    """Return year, month and day of a match of `_DAY`."""
    first, _, second, third, name, day, named_year, year, month = match.groups()
    if first is None:
        if name is None:
            return int(year), int(month), 1
        return int(named_year), _month(name), int(day)
    if len(first) == 4 and len(third) <= 2:
        return int(first), _month(second), int(third)
    if len(first) > 2 or len(third) not in (2, 4):
        raise ValueError("its year has neither two nor four digits")
    whole_year = int(third)
    if len(third) == 2:
        if len(first) + len(second) < 4:
            raise ValueError("a year of two digits needs two for day and month as well")
        whole_year += 1900 if whole_year >= PIVOT else 2000
    if second.isalpha():
        return whole_year, _month(second), int(first)
    if day_first is None:
        raise ValueError("day or month may be first")
    if day_first:
        return whole_year, int(second), int(first)
    return whole_year, int(first), int(second)


def _month(text: str) -> int:
    """Return the number of a month, of which the first three letters count."""
    return int(text) if text.isdigit() else MONTHS.index(text[:3].lower()) + 1


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=minutes if text[0] == "+" else -minutes))
