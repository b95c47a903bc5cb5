"""The probability of a false alarm, divided among the looks at one model's log.

A look at alpha each day would alarm about every third week. Divided evenly over the looks of a
year, it is alpha in a year, whether windows overlap or not.
"""

from datetime import timedelta

YEAR = timedelta(days=365)


def alpha_by_time(alpha: float, step: timedelta) -> float:
    """Return alpha of each look, for looks at this distance: at most alpha in a year."""
    return alpha / max(1, round(YEAR / step))


def alpha_by_look(alpha: float, look: int) -> float:
    """Return alpha of look 1, 2, ... where their number is not known: at most alpha for ever.

    The later a look, the less is left: alpha / (look * (look + 1)).
    """
    return alpha / (look * (look + 1))
