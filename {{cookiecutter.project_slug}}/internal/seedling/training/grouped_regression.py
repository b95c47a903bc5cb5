"""One linear regression for each group of rows, all groups at once.

For a group with features X (n rows), target y and their means, least squares solves
`(Z'Z) b = Z'(y - mean(y))`, Z being X less its mean in units of its standard deviation. The
coefficients are `b` divided by those deviations, the intercept is
`mean(y) - mean(X) . coefficients`. Sums over groups are sums over stretches of sorted rows, so that
ten thousand groups take the time of a few passes over the table. See Hastie, Tibshirani, Friedman:
The Elements of Statistical Learning, section 3.2.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.errors import ProjectError
from seedling.wording import counted

CONSTANT = 1e-12  # a deviation below this share of the largest value is none
DEPENDENT = 1e-10  # an eigenvalue of the correlations below this is none

Numbers = npt.NDArray[np.float64]


class Fitted(NamedTuple):
    """
    Attributes:
        coefficients: for each group that could be fitted, its key, `intercept`, and a column for
            each feature.
        rmse: its key, `rows`, and `rmse` on the rows that it has learned from.
        problems: why the other groups could not be fitted.
    """

    coefficients: pd.DataFrame
    rmse: pd.DataFrame
    problems: list[str]


def fit(rows: pd.DataFrame, by: Sequence[str], features: Sequence[str], target: str) -> Fitted:
    """Fit a linear regression for each group.

    Args:
        rows: with the columns below; a row with a missing value among them is left out.
        by: the columns that make a group.
        features: numeric columns.
        target: the numeric column to predict.

    Raises:
        ProjectError: there is no complete row.
    """
    whole = complete(rows, by, features, target)
    numbers = whole.groupby(list(by), sort=True).ngroup().to_numpy()
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    counts = np.diff(starts, append=len(order))
    x = whole[list(features)].to_numpy("float64")[order]
    y = whole[target].to_numpy("float64")[order]
    keys = whole[list(by)].iloc[order[starts]].reset_index(drop=True)

    x_mean, y_mean = _means(x, starts, counts), _means(y, starts, counts)
    z = x - np.repeat(x_mean, counts, axis=0)
    scale = np.sqrt(_means(z**2, starts, counts))
    constant = scale <= CONSTANT * np.maximum.reduceat(np.abs(x), starts, axis=0)
    z /= np.repeat(np.where(constant, 1, scale), counts, axis=0)
    centred = y - np.repeat(y_mean, counts)
    correlations = _products(z, starts, counts)
    few = counts < len(features) + 2
    dependent = np.linalg.eigvalsh(correlations)[:, 0] < DEPENDENT
    problems = _reasons(keys, counts, features, few, constant, dependent)
    problems += left_out(rows[list(by)], keys)
    good = ~(few | constant.any(axis=1) | dependent)

    moments = _means(z * centred[:, None], starts, counts)
    solved = np.zeros_like(x_mean)
    solved[good] = np.linalg.solve(correlations[good], moments[good][:, :, None])[:, :, 0]
    residuals = centred - np.einsum("ij,ij->i", z, np.repeat(solved, counts, axis=0))
    rmse = np.sqrt(_means(residuals**2, starts, counts))
    slopes = solved / np.where(constant, 1, scale)
    intercept = y_mean - np.einsum("ij,ij->i", slopes, x_mean)

    kept = keys[good].reset_index(drop=True)
    found = pd.DataFrame(slopes[good], columns=list(features))
    found.insert(0, "intercept", intercept[good])
    return Fitted(
        pd.concat([kept, found], axis=1),
        kept.assign(rows=counts[good], rmse=rmse[good]),
        problems,
    )


def complete(
    rows: pd.DataFrame, by: Sequence[str], features: Sequence[str], target: str
) -> pd.DataFrame:
    """Return the rows without a gap in these columns, and these columns only; see `fit`.

    Raises:
        ProjectError: every row has a gap.
    """
    whole = rows[[*by, *features, target]].dropna()
    if whole.empty:
        raise ProjectError(f"No row has all of {', '.join([*by, *features, target])}.")
    return whole


def parts(whole: pd.DataFrame, by: Sequence[str], count: int) -> Iterator[pd.DataFrame]:
    """Cut complete rows into about equal parts, each of whole groups.

    `fit` on one part after the other gives the groups of `fit` on all rows, in the same order.

    Args:
        whole: the rows.
        by: the columns that make a group.
        count: of parts, at most.
    """
    numbers = whole.groupby(list(by), sort=True).ngroup().to_numpy()
    sizes = np.bincount(numbers)
    begins = np.cumsum(sizes) - sizes
    part = (begins * count // len(whole))[numbers]
    for number in np.unique(part):
        yield whole[part == number]


def left_out(groups: pd.DataFrame, keys: pd.DataFrame) -> list[str]:
    """Return a sentence for each group without a complete row, and one for rows without a group.

    Args:
        groups: the columns that make a group, of all rows.
        keys: the groups with a complete row, each once.
    """
    named = groups.dropna().drop_duplicates()
    found = named.merge(keys, how="left", indicator=True)
    reasons = [
        f"{_name(row)}: no complete row."
        for _, row in found[found["_merge"] == "left_only"].drop(columns="_merge").iterrows()
    ]
    nowhere = int(groups.isna().any(axis=1).sum())
    if nowhere:
        reasons.append(
            f"{counted(nowhere, 'row')} in no group: {', '.join(groups)} is missing there."
        )
    return reasons


def _means(values: Numbers, starts: Any, counts: Any) -> Numbers:
    """Return the mean of each group."""
    sums = np.add.reduceat(values, starts, axis=0)
    return np.asarray(sums / (counts if values.ndim == 1 else counts[:, None]))


def _products(z: Numbers, starts: Any, counts: Any) -> Numbers:
    """Return the mean of z'z of each group, width x width."""
    width = z.shape[1]
    found = np.empty((len(starts), width, width))
    for at in range(width):
        for other in range(at + 1):
            mean = _means(z[:, at] * z[:, other], starts, counts)
            found[:, at, other] = found[:, other, at] = mean
    return found


def _name(key: pd.Series) -> str:
    return ", ".join(f"{column} {value}" for column, value in key.items())


def _reasons(
    keys: pd.DataFrame,
    counts: Any,
    features: Sequence[str],
    few: Any,
    constant: Any,
    dependent: Any,
) -> list[str]:
    """Return a sentence for each group that cannot be fitted, with the reason."""
    reasons = []
    for at in np.flatnonzero(few | constant.any(axis=1) | dependent):
        name = _name(keys.iloc[at])
        if few[at]:
            why = f"{counts[at]} complete rows, and {len(features) + 2} are needed"
        elif constant[at].any():
            same = [feature for feature, flat in zip(features, constant[at], strict=True) if flat]
            why = f"{', '.join(same)} does not vary"
        else:
            why = "one of its features follows from the others"
        reasons.append(f"{name}: {why}.")
    return reasons
