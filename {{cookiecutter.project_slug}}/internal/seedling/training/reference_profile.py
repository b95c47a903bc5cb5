"""The profile of a model's own rows, which later ones are compared with.

The train step counts the training rows; the evaluate step goes on with the held-out ones and the
model's answers to them; the register step puts the file among those of the version.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from seedling.config import Dataset
from seedling.monitoring import profiles
from seedling.monitoring.profiles import Profile, Profiler


def write(path: Path, dataset: Dataset, tables: Iterable[pd.DataFrame]) -> None:
    """Write the profile of training rows, which come in tables."""
    profiler = Profiler(dataset)
    for rows in tables:
        profiler.add(rows)
    profiles.write(path, profiler.finish())


def completed(
    path: Path, dataset: Dataset, rows: pd.DataFrame, answer: Mapping[str, Any]
) -> Profile:
    """Return the profile of training rows with that of held-out rows and answers.

    Args:
        path: of the training rows' profile; it may be missing.
        dataset: as the model has learned it.
        rows: all held-out ones.
        answer: the model's to those that it is measured on.
    """
    known = profiles.read(path) if path.exists() else None
    profiler = Profiler.resumed(dataset, known) if known else Profiler(dataset)
    profiler.add(rows, profiles.answer_frame(dataset, answer))
    return profiler.finish()
