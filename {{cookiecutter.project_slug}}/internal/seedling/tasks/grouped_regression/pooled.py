"""The effect of pooling on the coefficients of groups, and the groups that lose by it."""

from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.data.scalars import short
from seedling.data.schema import model_frame
from seedling.tasks.grouped_regression import errors
from seedling.tasks.training_protocol import Section
from seedling.wording import counted

if TYPE_CHECKING:
    from seedling.config import Dataset

MOST_SHOWN = 20  # coefficients of a drawing; those with the largest spread
MOST_LOST = 10  # groups of the table


def sections(
    model: Any, found: pd.DataFrame, truth: pd.Series, rows: pd.DataFrame, dataset: "Dataset"
) -> list[Section]:
    """Return the section about pooling; none for a model that does not pool.

    Args:
        model: what train_model returned.
        found: a row for each group of the held-out rows, with `name`, `rows` and `rmse`.
        truth: the target of the rows.
        rows: the held-out rows.
        dataset: the dataset of the model.
    """
    if not hasattr(model, "moments_") or model.pooling == "none":
        return []
    own = _unpooled(model)
    alone = {"predictions": own.predict(model_frame(rows, dataset.features))}
    theirs = errors.by_group(truth, alone, rows, dataset.groups)
    both = found.assign(own=theirs["rmse"])
    lost = both[both["rmse"] > both["own"]]
    lost = lost.assign(more=lost["rows"] * (lost["rmse"] ** 2 - lost["own"] ** 2))
    worst = lost.sort_values("more", ascending=False, kind="stable").head(MOST_LOST)
    total, count = (np.sqrt(each["squares"].sum() / each["rows"].sum()) for each in (found, theirs))
    before, after = (_spread(each) for each in (own, model))
    return [
        Section(
            "Coefficients before and after pooling",
            f"With pooling the RMSE of all held-out rows is {short(total)}; with a least squares "
            f"line of each group's own it would be {short(count)}. "
            f"{len(lost):,} of {counted(len(both), 'group')} would do better with their own line; "
            "those that lose most stand below.",
            {
                "Spread of coefficients (tenth to ninetieth percentile)": partial(
                    _draw_spread, _names(model), before, after
                )
            },
            ("group", "rows", "rmse", "rmse by its own line") if len(worst) else (),
            [
                (name, f"{size:,}", short(rmse), short(mine))
                for name, size, rmse, mine in zip(
                    worst["name"], worst["rows"], worst["rmse"], worst["own"], strict=True
                )
            ],
        )
    ]


def _unpooled(model: Any) -> Any:
    """Return the model with a least squares line for each group, of the same sums."""
    own = copy(model)
    own.set_params(pooling="none")
    return own._take(model.moments_).finish()


def _spread(model: Any) -> npt.NDArray[np.float64]:
    """Return the 10th and the 90th percentile of the groups' coefficients, 2 x p."""
    spread: npt.NDArray[np.float64] = np.quantile(model.coef_, [0.1, 0.9], axis=0)
    return spread


def _names(model: Any) -> list[str]:
    return [name.rpartition("__")[2] for name in model.moments_.features]


def _draw_spread(
    names: list[str], before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], axes: Any
) -> None:
    widest = np.argsort(-(before[1] - before[0]), kind="stable")[:MOST_SHOWN][::-1]
    scale = np.maximum(np.abs(before[:, widest]).max(axis=0), 1e-300)
    places = np.arange(len(widest))
    for spread, shift, label in ((before, 0.15, "by least squares"), (after, -0.15, "pooled")):
        low, high = spread[:, widest] / scale
        axes.hlines(places + shift, low, high, linewidth=3, label=label, colors=f"C{shift < 0:d}")
    axes.set_yticks(places, [names[at] for at in widest])
    axes.set_xlabel("coefficient, as a share of the widest")
    axes.legend()
