"""Parts of a moment that a model learns from: month and weekday as categories, days as a number.

A part of the day depends on the date only, a part of the time on the time of day only: a table's
many rows are computed from its few different days and times.
"""

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Value = float | str

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_SECONDS = 86_400
YEAR_DAYS = 365.25

OF_DAY: dict[str, Callable[[datetime], Value]] = {
    "year": lambda moment: float(moment.year),
    "quarter": lambda moment: f"Q{(moment.month + 2) // 3}",
    "month": lambda moment: MONTHS[moment.month - 1],
    "day": lambda moment: float(moment.day),
    "yearday": lambda moment: float(moment.timetuple().tm_yday),
    "weekday": lambda moment: WEEKDAYS[moment.weekday()],
    "weekend": lambda moment: float(moment.weekday() >= 5),
    # The year as a circle, so that its last day lies beside its first.
    "season_sin": lambda moment: math.sin(_angle(moment)),
    "season_cos": lambda moment: math.cos(_angle(moment)),
}
OF_TIME: dict[str, Callable[[datetime], Value]] = {
    "hour": lambda moment: f"{moment.hour:02}",
    "time": lambda moment: _seconds(moment) / 3600,
}
DAYS = "days"  # since a reference, with the time of day as a fraction


def encoder(
    names: Sequence[str], since: datetime
) -> Callable[[datetime], list[float | str | None]]:
    """Return a function that gives the parts of these names of one moment."""
    start = since.toordinal()
    known: dict[str, Callable[[datetime], Value]] = {
        **OF_DAY,
        **OF_TIME,
        DAYS: lambda moment: moment.toordinal() - start + _seconds(moment) / DAY_SECONDS,
    }
    functions = [known[name] for name in names]
    return lambda moment: [function(moment) for function in functions]


def table(
    names: Sequence[str], since: datetime, moments: "pd.Series"
) -> "dict[str, np.ndarray[Any, Any]]":
    """Return the same parts of n moments, NaN where a moment is missing.

    Args:
        names: the parts.
        since: the day from which days are counted.
        moments: datetime64[s].
    """
    import numpy as np
    import pandas as pd

    whole = moments.to_numpy()
    missing = np.isnat(whole)
    days = np.where(missing, np.datetime64(since, "D"), whole.astype("datetime64[D]"))
    seconds = np.where(missing, 0, (whole - days).astype("int64"))
    day_codes, day_numbers = pd.factorize(days.astype("int64"))
    time_codes, times = pd.factorize(seconds)
    midnight = [datetime(1970, 1, 1) + timedelta(days=int(number)) for number in day_numbers]
    clock = [datetime(1970, 1, 1) + timedelta(seconds=int(time)) for time in times]
    found = {}
    for name in names:
        if name == DAYS:
            start = int(np.datetime64(since, "D").astype("int64"))
            part = (days.astype("int64") - start) + seconds / DAY_SECONDS
        elif name in OF_DAY:
            part = _array(OF_DAY[name], midnight)[day_codes]
        else:
            part = _array(OF_TIME[name], clock)[time_codes]
        part[missing] = np.nan
        found[name] = part
    return found


def _array(
    function: Callable[[datetime], Value], moments: Sequence[datetime]
) -> "np.ndarray[Any, Any]":
    """Return a part of n moments, as float64 or as text also where n is 0."""
    import numpy as np

    is_text = isinstance(function(datetime(2000, 1, 1)), str)
    values = [function(moment) for moment in moments]
    return np.array(values, dtype=object if is_text else "float64")


def _angle(moment: datetime) -> float:
    """Return the day's place in the year, as an angle from 0 to two pi."""
    return math.tau * (moment.timetuple().tm_yday - 1) / YEAR_DAYS


def _seconds(moment: datetime) -> int:
    """Return the time of day in whole seconds."""
    return moment.hour * 3600 + moment.minute * 60 + moment.second
