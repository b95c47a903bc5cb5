"""Confidence sequences: intervals that hold at every look at once, however often one looks.

The asymptotic confidence sequence of a mean by a normal mixture: Waudby-Smith, Arbour, Sinha,
Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
Annals of Statistics 52 (2024), theorem 2.2, with the tuning of its section 3. An interval of the
usual kind, looked at every day for a year, excludes the truth in almost half of all years.
"""

import math
from typing import NamedTuple

BEST_AT = 500  # rows at which the sequence is tightest; at a tenth or ten times as many it is near
FEWEST = 100  # rows; below, the law of large numbers that it rests on does not hold yet
FEWEST_OTHER = 20  # rows on which two versions differ at all
MOST = 1_000_000_000  # rows; nobody waits for more

BETTER, WORSE, EQUAL, NOT_YET = "better", "worse", "equal", "not yet"


class Differences(NamedTuple):
    """The differences of two versions' losses so far, the challenger's less the champion's.

    Attributes:
        rows: their number.
        mean: of them: below 0 where the challenger is better.
        sd: of one of them; where rows of an entity are alike, as much larger as these count less.
        other: the number of rows on which the two versions have another loss.
    """

    rows: int
    mean: float
    sd: float
    other: int


class Judged(NamedTuple):
    """The verdict about the differences at one look.

    Attributes:
        verdict: of the challenger: better, worse, equal within the margin, or not yet.
        low, high: the ends of the interval of the mean difference.
        needed: about how many more rows a verdict takes if all goes on so; None for a verdict, and
            where no number of rows is likely to do.
    """

    verdict: str
    low: float
    high: float
    needed: int | None = None


def half_width(rows: float, sd: float, alpha: float, best_at: float = BEST_AT) -> float:
    """Return how far the mean of all rows so far may be from the true one, at every look at once.

    Args:
        rows: their number, above 0.
        sd: the standard deviation of one.
        alpha: the probability that it is ever farther away.
        best_at: the number of rows at which this is smallest, compared with a usual interval.
    """
    log = -2 * math.log(alpha)
    spread = (log + math.log(log + 1)) / best_at  # rho squared of the paper
    scaled = rows * spread
    return sd * math.sqrt(
        2 * (scaled + 1) / (rows * scaled) * math.log(math.sqrt(scaled + 1) / alpha)
    )


def judge(found: Differences, margin: float, alpha: float) -> Judged:
    """Say whether the challenger is better or worse than the champion, or equal within a margin.

    The probability that this is ever said wrongly, in all looks together, is `alpha` at most.

    Args:
        found: the differences so far.
        margin: of mean loss, within which two versions count as equal.
        alpha: see above.
    """
    if found.rows < 2:
        return Judged(NOT_YET, -math.inf, math.inf)
    half = half_width(found.rows, found.sd, alpha)
    low, high = found.mean - half, found.mean + half
    if found.rows < FEWEST:
        return Judged(NOT_YET, low, high, _needed(found, margin, alpha))
    if high < 0 and found.other >= FEWEST_OTHER:
        return Judged(BETTER, low, high)
    if low > 0 and found.other >= FEWEST_OTHER:
        return Judged(WORSE, low, high)
    if -margin < low and high < margin:
        return Judged(EQUAL, low, high)
    return Judged(NOT_YET, low, high, _needed(found, margin, alpha))


def _needed(found: Differences, margin: float, alpha: float) -> int | None:
    """Return how many more rows it takes until the interval leaves 0, or lies within the margin."""
    narrow = max(abs(found.mean), margin - abs(found.mean))
    if not narrow > 0:
        return None
    low, high = max(found.rows, FEWEST - 1), MOST  # not enough, and enough
    if half_width(high, found.sd, alpha) > narrow:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if half_width(middle, found.sd, alpha) > narrow:
            low = middle
        else:
            high = middle
    return max(1, high - found.rows)
