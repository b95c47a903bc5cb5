"""The rows of a month that is simulated: drawn from the dataset, under keys that are new."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from seedling.config import Dataset, Project
from seedling.data import datasets
from seedling.data.split import is_held_out
from seedling.errors import ProjectError
from seedling.registry import model_files, traffic
from seedling.wording import listed

ROWS = 1_000  # of a month, unless there are fewer
FEW = 300  # held-out rows: with fewer, a month has rows that the model learned from


class Drawn(NamedTuple):
    """Rows of a dataset, and whether the champion has learned from none of them.

    Attributes:
        keys: new ones, where the dataset has a key that is no feature.
    """

    rows: pd.DataFrame
    unseen: bool
    keys: list[int] | list[str]


def draw(
    project: Project,
    model: str,
    dataset: Dataset,
    count: int | None,
    before: int,
    generator: np.random.Generator,
) -> Drawn:
    """Draw rows of a dataset, each once where there are as many.

    They are held-out ones where these suffice, since a model does better on rows that it has
    learned from. The last rows by time are not like the others: where they are held out, all are
    drawn from.

    Args:
        project: the project.
        model: its champion is the one that may have learned from a row.
        dataset: that of the model.
        count: how many; unless given, ROWS or as many as there are.
        before: the rows of months that were simulated earlier.
        generator: chooses the rows.

    Raises:
        ProjectError: no version of the model is registered, it learned other columns than
            model.yaml has by now, or the dataset is not there.
    """
    champion = traffic.champion_of(project, model)
    learned, rule = model_files.read_schema(project.model_path(champion))
    then, now = ({(each.name, each.type) for each in one.raw} for one in (learned, dataset))
    if then != now:
        names = listed(sorted({name for name, _ in then ^ now}))
        raise ProjectError(
            f"The schema of {dataset.name} has changed since version {champion.version} of {model} "
            f"({names}): a month of it would be refused. Run train, then simulate-month."
        )
    rows = datasets.load(project, dataset)
    unseen = rows.iloc[:0] if rule.by else rows[is_held_out(rows, learned, rule)]
    enough = len(unseen) >= (FEW if count is None else count)
    source = unseen if enough else rows
    wanted = min(ROWS, len(source)) if count is None else count
    found = source.sample(wanted, replace=wanted > len(source), random_state=generator)
    own = own_key(dataset)
    keys = new_keys(rows[own], wanted, before) if own else []
    return Drawn(found.reset_index(drop=True), enough, keys)


def own_key(dataset: Dataset) -> str:
    """Return the column of the entity key that is no feature; empty where there is none."""
    features = {column.name for column in dataset.raw}
    return next((name for name in dataset.entity_key if name not in features), "")


def new_keys(known: pd.Series, count: int, before: int) -> list[int] | list[str]:
    """Return keys that no row of the dataset has.

    Numbers have more digits than those of the dataset; other keys are texts that say what they are.

    Args:
        known: the key's column in the dataset.
        count: how many are wanted.
        before: the rows of months that were simulated earlier, whose keys are not given again.
    """
    numbers = range(before + 1, before + count + 1)
    if pd.api.types.is_numeric_dtype(known) and (known.dropna() % 1 == 0).all():
        start = 10 ** len(str(int(known.abs().max())))
        return [start + number for number in numbers]
    return [f"simulated-{number}" for number in numbers]
