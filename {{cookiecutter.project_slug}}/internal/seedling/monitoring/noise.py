"""The size of a difference that is none: of two samples of the reference, each as large as its own.

It is drawn from the reference's own counts, so it holds for ties, for few values and for heavy
tails alike. Rows of a window are rounded down to two digits, so that windows share it.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# The reference's shares, its rows, and shares of two samples -> squared size, over the last axis.
Sizes = Callable[[Floats, int, Floats, Floats], Floats]

DRAWS = 200
LEVEL = 0.95  # of the quantile
SEED = 56


def of_shares(
    shares: Floats, rows_then: int, rows_now: int, sizes: Sizes, independent: bool = False
) -> tuple[float, float]:
    """Return the mean and the quantile of the squared size for two samples.

    Args:
        shares: of the reference's cells.
        rows_then, rows_now: of the two samples.
        sizes: a function of a module, by which the result is kept.
        independent: whether each share is drawn for itself, as those of words are.
    """
    digits = max(0, len(str(rows_now)) - 2)
    rounded = rows_now // 10**digits * 10**digits
    return _of_bytes(shares.astype("float64").tobytes(), rows_then, rounded, sizes, independent)


@lru_cache(maxsize=4096)
def _of_bytes(
    shares: bytes, rows_then: int, rows_now: int, sizes: Sizes, independent: bool
) -> tuple[float, float]:
    known = np.frombuffer(shares)
    draw = np.random.default_rng(SEED)

    def sample(rows: int) -> Floats:
        if independent:
            return draw.binomial(rows, known, (DRAWS, len(known))) / rows
        return draw.multinomial(rows, known, DRAWS) / rows

    found = sizes(known, rows_then, sample(rows_then), sample(rows_now))
    return float(found.mean()), float(np.quantile(found, LEVEL))
