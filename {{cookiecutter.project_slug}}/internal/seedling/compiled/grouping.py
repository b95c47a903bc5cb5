"""Writes the arrays of a fitted estimator of groups."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.compiled.estimators import Core, NotCompilable
from seedling.compiled.group_flags import FLAGS
from seedling.compiled.grouped import FOLDER, LINES, PAIRS, RESTS, SPREADS, Groups
from seedling.config import Dataset
from seedling.data.distinct import is_missing
from seedling.data.scalars import plain

Floats = npt.NDArray[np.float64]


def reads(model: Any) -> bool:
    """Say whether a model is an estimator of groups whose arrays can be written."""
    return type(model).__name__ == "GroupedLinear" and bool(model.groups)


def write(model: Any, dataset: Dataset, home: Path) -> tuple[Core, Groups]:
    """Write the arrays below the folder of a form.

    Args:
        model: as `reads` wants it, fitted.
        dataset: the one that it was trained on.
        home: the folder of the form.

    Returns:
        The numbers that every form has, and what the groups have in common.

    Raises:
        NotCompilable: a column that makes groups has several parts.
    """
    names = [column.name for column in dataset.features if column.name in model.groups]
    parts = [name for column in dataset.features for name in column.part_names()]
    if not {*names} <= {*parts} or {*names} != {*model.groups}:
        raise NotCompilable("a column that makes its groups is no feature with one part")
    model.finish()
    solved, units, keys = model._solved, model._units, model.moments_.keys
    folder = home / FOLDER
    folder.mkdir()
    means, spreads = solved.new_means(), solved.new_covariances()
    count, width = len(keys), means.shape[1]
    lines = np.vstack([solved.coefficients, means])
    np.save(folder / LINES, lines)
    packed = np.empty((len(lines), width * (width + 1) // 2))
    for some, covariances in _covariances(model):
        packed[some] = _packed(covariances)
    packed[count:] = _packed(spreads)
    np.save(folder / SPREADS, packed)
    flags = [FLAGS.index(flag) for flag in model.flags_]
    groups = np.stack([solved.noise, model.quantiles_, flags], axis=1)
    new = [solved.prior_noise, model.prior_quantile_, FLAGS.index("new")]
    np.save(folder / RESTS, np.vstack([groups, np.tile(new, (len(means), 1))]))
    for at, pairs in enumerate(keys.stages):
        np.save(folder / PAIRS.format(at), np.ascontiguousarray(pairs, dtype=np.int64))
    columns = {column.name: column for column in dataset.features}
    gap = pd.Series([None], dtype=object)
    gaps = [columns[name].frame(gap)[name].iloc[0] for name in keys.names]
    common = Groups(
        places=[parts.index(name) for name in keys.names],
        values=[[plain(value) for value in values] for values in keys.values],
        missing=[None if is_missing(value) else plain(value) for value in gaps],
        groups=count,
        parents=len(means) > 1,
        centres=units.centre.tolist(),
        scales=units.scale.tolist(),
        target_centre=units.target_centre,
        target_scale=units.target_scale,
    )
    return Core("identity", [], [0.0]), common


def _covariances(model: Any) -> Iterator[tuple[Any, Floats]]:
    """Yield the places of some groups with their covariances, in units of the regressors."""
    from seedling.training.grouped.standard import sums

    for some in sums(model.moments_, model._units):
        yield some.part, model._solved.covariances(some)


def _packed(covariances: Floats) -> Floats:
    """Return the lower triangles of g x q x q by rows, numbers beside the diagonal doubled."""
    rows, columns = np.tril_indices(covariances.shape[1])
    return covariances[:, rows, columns] * np.where(rows == columns, 1.0, 2.0)
