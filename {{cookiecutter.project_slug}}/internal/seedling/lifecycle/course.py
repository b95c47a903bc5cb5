"""The course of a comparison: what was known of two versions at the end of each day."""

import math
from collections.abc import Callable, Sequence

import pandas as pd

from seedling.lifecycle import sequence
from seedling.lifecycle.comparison import Step
from seedling.lifecycle.sequence import FEWEST, Differences

MOST = 40  # steps: of a longer time some days are left out
PARTS = 12  # of rows that are all of a day or two

Differs = Callable[..., Differences | None]


def course(tables: Sequence[pd.DataFrame], differs: Differs, alpha: float) -> list[Step]:
    """Return the difference by all rows up to the end of each day, from FEWEST rows on.

    Args:
        tables: rows with `time`, and what `differs` needs of them.
        differs: returns the differences of such tables.
        alpha: the probability that any of the intervals excludes the true difference.
    """
    times = pd.concat([table["time"] for table in tables]).sort_values(ignore_index=True)
    found = []
    for until in _ends(times):
        known = differs(*(table[table["time"] <= until] for table in tables))
        if known is None or known.rows < FEWEST:
            continue
        judged = sequence.judge(known, 0.0, alpha)
        if math.isfinite(judged.low):
            when = until.isoformat(timespec="seconds")
            found.append(Step(when, known.rows, known.mean, judged.low, judged.high))
    return found


def _ends(times: pd.Series) -> list[pd.Timestamp]:
    """Return the last of n sorted times of each day; of parts of equal size within two days."""
    if times.empty:
        return []
    days = times.dt.floor("D")
    if days.nunique() > 2:
        ends = times.groupby(days).last().tolist()
    else:
        ends = [times.iloc[len(times) * part // PARTS - 1] for part in range(1, PARTS + 1)]
    every = -(-len(ends) // MOST)
    return [*dict.fromkeys(ends[::-1][::every][::-1])]  # the last one always
