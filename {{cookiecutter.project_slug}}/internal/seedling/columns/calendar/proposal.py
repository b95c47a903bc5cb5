"""Recognises days and times in a table: their spelling, zone, range, and the parts that vary."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from seedling.columns.calendar import parts
from seedling.columns.calendar.text import read, read_iso
from seedling.data.spelled import NO_VALUE

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 500  # different cells that are looked at first
SHARE = 0.5  # of the different cells that are days or times at least; the others do not fit
YEARS = (1800, 2200)  # outside of which cells are taken for something else
OPEN = (1, 9999)  # the years that are written for an end that is open
MOST = 0.95  # of the moments that must be in these years
ASSUMED = "01/02/2024 is 1 February, which no row decides"
NAMED = re.compile(
    r"(^|[_\W])(date|day|datum|fecha|data|dt|yyyymmdd|ymd)($|[_\W\d])|[a-z]Date$", re.IGNORECASE
)


class Found(NamedTuple):
    """A column of days or times.

    Attributes:
        moments: datetime64[s], of the different cells; times that have a zone are in UTC.
        timed: whether a moment has a time of day, as it is written.
        day_first: None where no cell leaves it open.
        assumed: whether every cell leaves it open.
        zoned: whether a moment has a zone.
    """

    moments: "pd.Series"
    timed: bool
    day_first: bool | None = None
    assumed: bool = False
    zoned: bool = False


def find(values: "pd.Series", sample: bool = False) -> Found | None:
    """Return the days or times that a column holds, or None where it holds something else.

    Args:
        values: n values that are not missing.
        sample: look at the first SAMPLE different ones only.
    """
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        zoned, written = values.dt.tz is not None, values.dt.tz_localize(None)
        timed = _are_timed(written)
        moments = values.dt.tz_convert("UTC").dt.tz_localize(None) if zoned and timed else written
        return Found(moments.astype("datetime64[s]"), timed, zoned=zoned)
    if pd.api.types.is_bool_dtype(values.dtype):
        return None
    named = NAMED.search(str(values.name)) is not None
    if pd.api.types.is_numeric_dtype(values.dtype) and not (named and (values % 1 == 0).all()):
        return None
    different = list(values.unique())
    first = _read_all(_known(different[:SAMPLE], named))
    if first is None or sample or len(different) <= SAMPLE:
        return first
    return _read_all(_known(different, named))


def keys(found: Found, names: tuple[str, ...], since: Any) -> dict[str, Any]:
    """Return the entry's keys: `day_first`, and `parts` where some of `names` never vary.

    What was assumed is the description, which the service's documents show too.
    """
    wanted: dict[str, Any] = {} if found.day_first is None else {"day_first": found.day_first}
    if found.assumed:
        wanted["description"] = ASSUMED
    columns = parts.table(names, since, found.moments)
    varying = [name for name, part in columns.items() if (part != part[0]).any()]
    return wanted if tuple(varying) == names or not varying else {**wanted, "parts": varying}


def _known(different: list[Any], named: bool) -> list[Any]:
    """Return the cells without texts for no value; 20240315 is no date unless the name says so."""
    known = [cell for cell in different if str(cell).strip().casefold() not in NO_VALUE]
    return known if named else [None if str(cell).isdigit() else cell for cell in known]


def _read_all(different: list[Any]) -> Found | None:
    """Return what most of these cells are, by the order of day and month that reads most."""
    import pandas as pd

    iso = read_iso(different)
    if iso is not None:
        return _plausible(Found(pd.Series(iso), _are_timed(pd.Series(iso))))
    least = max(SHARE * len(different), 1)
    orders = {}
    for order in (None, True, False):
        orders[order] = [read for cell in different if (read := _read(cell, order)) is not None]
        if order is None and len(orders[None]) == len(different):
            break
    best = max(orders, key=lambda order: len(orders[order]))  # of equals the day is first
    known = orders[best]
    if len(known) < least:
        return None
    zoned = any(moment.tzinfo is not None for moment in known)
    written = pd.Series([moment.replace(tzinfo=None) for moment in known]).astype("datetime64[s]")
    timed = _are_timed(written)
    if zoned and timed:
        written = pd.Series([_in_utc(moment) for moment in known]).astype("datetime64[s]")
    assumed = best is True and len(orders[False]) == len(known)
    return _plausible(Found(written, timed, best, assumed, zoned))


def _plausible(found: Found) -> Found | None:
    """Return what was found, unless many years are none that a table has."""
    years = found.moments.dt.year
    return found if (years.between(*YEARS) | years.isin(OPEN)).mean() > MOST else None


def _are_timed(moments: "pd.Series") -> bool:
    """Return whether a moment is none at midnight."""
    return bool((moments.dt.normalize() != moments).any())


def _read(cell: Any, day_first: bool | None) -> datetime | None:
    try:
        return read(cell, day_first)
    except ValueError:
        return None


def _in_utc(moment: datetime) -> datetime:
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).replace(tzinfo=None)
