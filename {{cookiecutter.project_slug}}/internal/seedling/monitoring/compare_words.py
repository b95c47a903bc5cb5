"""Compares the words of a column of texts in two profiles: by the share of rows with each word."""

import numpy as np

from seedling.monitoring import noise
from seedling.monitoring.compared import FEWEST, Compared, Floats, squared_size, two_shares
from seedling.monitoring.structs import ColumnProfile


def compare(old: ColumnProfile, new: ColumnProfile) -> Compared:
    """Compare the words of a window with the reference's; the effect is that of the one that
    changed most.

    Words of a row come together, so each is tested for itself: chi-squared of all would count a row
    many times.
    """
    total = old.known + new.known
    least = FEWEST * total / min(old.known, new.known)
    words = [word for word in old.values if old.values[word] + new.values.get(word, 0) >= least]
    if not words:
        return Compared({"words": 1.0}, 0.0, (0.0, 0.0))
    then = np.array([old.values[word] for word in words])
    now = np.array([new.values.get(word, 0) for word in words])
    each = [
        two_shares(one, old.known, other, new.known)
        for one, other in zip(then.tolist(), now.tolist(), strict=True)
    ]
    one, other = then / old.known, now / new.known
    null = noise.of_shares(one, old.known, new.known, _largest, independent=True)
    found = Compared(
        {"words": min(1.0, len(words) * min(each))},
        float(_largest(one, old.known, one, other)),
        null,
    )
    found.js = float(np.sqrt(found.size / 8 / np.log(2)))
    return found


def _largest(shares: Floats, rows: int, then: Floats, now: Floats) -> Floats:
    """Return the squared size of the word that has changed most, over the last axis."""
    pairs = (np.stack([share, 1 - share], axis=-1) for share in (then, now))
    return np.asarray(squared_size(*pairs).max(axis=-1))
