"""The tables of groups: which columns of a table make some, and the files beside a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from seedling.errors import ProjectError
from seedling.wording import listed

if TYPE_CHECKING:
    from seedling.config import Dataset

MOST_DECIMALS = "%.10g"
BESIDE = ("rows", "rank", "shrinkage", "rmse", "flag")  # columns of `table_` beside coefficients


def proposed(rows: pd.DataFrame, target: str, groups: Sequence[str] | None) -> list[str]:
    """Return the groups of an own table, as they were named.

    Args:
        rows: the table, its cells as they are.
        target: the column to predict.
        groups: columns; none where none was named.

    Raises:
        ProjectError: none was named, and which columns look like groups; or there is no such
            column, or it is the target.
    """
    if not groups:
        alike = [str(each) for each in rows if each != target and _repeats(rows[each])]
        words = f", such as {','.join(alike[:2])}" if alike else ""
        more = f" ({listed(alike)} have values that repeat)" if len(alike) > 1 else ""
        raise ProjectError(f"Name the columns that make a group with --groups{words}{more}.")
    for column in groups:
        if column not in rows:
            known = listed([str(each) for each in rows])
            raise ProjectError(f"--groups: the table has no column {column!r}; it has {known}.")
        if column == target:
            raise ProjectError(f"--groups: {column} is the target.")
    return [*dict.fromkeys(groups)]


def _repeats(cells: pd.Series) -> bool:
    """Say whether a column's values are names or whole numbers that several rows share each."""
    known = cells.dropna()
    if known.empty or known.dtype.kind in "mMb":
        return False
    if known.dtype.kind == "f" and not bool((known % 1 == 0).all()):
        return False
    count = known.nunique()
    return 2 <= count <= len(known) / 3


def write(model: Any, dataset: "Dataset", folder: Path) -> None:
    """Write coefficient.csv and rmse.csv into a folder, a row for each group.

    Nothing is written for a model that has no `table_`: one of the team's own.
    """
    if not hasattr(model, "table_"):
        return
    table = model.table_()
    keys = [*dataset.groups]
    others = [name for name in table if name not in {*keys, *BESIDE}]
    errors = [name for name in BESIDE if name in table]
    for file, names in (("coefficient.csv", others), ("rmse.csv", errors)):
        shown = table[[*keys, *names]].rename(columns=_plain)
        shown.to_csv(folder / file, index=False, lineterminator="\n", float_format=MOST_DECIMALS)


def _plain(name: str) -> str:
    """Return a coefficient's name without the part of the preprocessing: `se_numbers__price`."""
    error, _, rest = name.rpartition("__") if "__" in name else ("", "", name)
    return f"se_{rest}" if error.startswith("se_") else rest
