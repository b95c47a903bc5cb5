"""Compares a column of texts in two profiles: cells of a table with two rows."""

import numpy as np

from seedling.monitoring import noise
from seedling.monitoring.compared import (
    FEWEST,
    Compared,
    divergence,
    homogeneity,
    sizes_of_cells,
    stability_index,
    two_shares,
)
from seedling.monitoring.structs import ColumnProfile

NAMED = 5  # new texts


def compare(old: ColumnProfile, new: ColumnProfile) -> Compared:
    """Compare the texts of a window with the reference's; both have some.

    Texts with few rows in both are one cell, with a test of its own: else chi-squared would find a
    difference in each text that has occurred once.
    """
    texts = [*old.values, *(text for text in new.values if text not in old.values)]
    then = np.array([old.values.get(text, 0) for text in texts] + [old.rest], dtype="float64")
    now = np.array([new.values.get(text, 0) for text in texts] + [new.rest], dtype="float64")
    total = old.known + new.known
    is_rare = (then + now) * min(old.known, new.known) < FEWEST * total
    rare = int(then[is_rare].sum()), int(now[is_rare].sum())
    cells = [
        np.append(counts[~is_rare], few) for counts, few in zip((then, now), rare, strict=True)
    ]
    if not sum(rare):
        cells = [counts[:-1] for counts in cells]
    kept = cells
    tests = {}
    if sum(rare):
        tests["rare_texts"] = two_shares(rare[0], old.known, rare[1], new.known)
        if sum(rare) * min(old.known, new.known) < FEWEST * total:
            kept = [counts[:-1] for counts in cells]
    chi2 = 0.0
    if len(kept[0]) > 1:
        chi2, tests["chi2"] = homogeneity(*kept)
    one, other = (counts / counts.sum() for counts in cells)
    null = noise.of_shares(one, old.known, new.known, sizes_of_cells)
    size = float(sizes_of_cells(one, old.known, one, other))
    found = Compared(tests or {"chi2": 1.0}, size, null)
    found.chi2 = chi2
    found.js = float(np.sqrt(max(0.0, divergence(one, other) / np.log(2))))
    found.psi = stability_index(one, other)
    if not old.rest:
        fresh = {text: count for text, count in new.values.items() if text not in old.values}
        found.new_share = (sum(fresh.values()) + new.rest) / new.known
        found.new_values = sorted(fresh, key=lambda text: (-fresh[text], text))[:NAMED]
    return found
