"""The comparison of a registered version with a new model: on which rows, and why not."""

import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data import split
from seedling.registry.model_files import Predictor

FEWEST = 30  # held-out rows that neither model has seen, for a comparison to mean something


def why_not(champion: Predictor, dataset: Dataset, rows: pd.DataFrame, fewest: int = FEWEST) -> str:
    """Say why a version cannot be compared on held-out rows; empty where it can.

    Args:
        champion: the version.
        dataset: as the new model has learned it.
        rows: held out from the new model.
        fewest: the number of rows that neither has seen, from which a comparison is made.
    """
    learned, task = champion.dataset, tasks.of(dataset)
    gone = [column.name for column in learned.raw if column.name not in rows.columns]
    if gone:
        return f"the dataset has no {', '.join(gone)} any more"
    if tasks.of(learned).meaning(learned.target) != task.meaning(dataset.target):
        return "it predicts another target"
    rule = champion.held_out
    needed = split.needed(learned, rule)
    if not needed:
        return "it was made by a version that does not note which rows it has learned from"
    gone = [name for name in needed if name not in rows.columns]
    if gone:
        return f"the table has no {', '.join(gone)} any more, by which its rows were split"
    new = unseen(champion, rows)
    seen = set(task.training.values(new, dataset.target))
    if len(new) < min(fewest, len(rows)) or not seen >= set(task.outcomes(dataset.target)):
        return "it has learned from most of the rows held out now"
    return ""


def unseen(champion: Predictor, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the version's own split held out too: all, or nearly."""
    return rows[split.is_held_out(rows, champion.dataset, champion.held_out)]
