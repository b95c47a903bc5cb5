"""The report's sections about groups: where the error is, curves, and what pooling does."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling.data.scalars import short
from seedling.data.times import times
from seedling.tasks.grouped_regression import errors, pooled
from seedling.tasks.training_protocol import Section
from seedling.wording import counted

if TYPE_CHECKING:
    from seedling.config import Dataset

MOST_GROUPS = 5_000  # that a drawing has
CURVES = 3  # groups at either end that are drawn
FEWEST = 3  # rows of a group whose curve says something


def sections(
    model: Any,
    truth: pd.Series,
    answer: Mapping[str, Any],
    rows: pd.DataFrame,
    dataset: "Dataset",
) -> list[Section]:
    """Return the sections of the report; the arguments are those of `TaskTraining.sections`."""
    found = errors.by_group(truth, answer, rows, dataset.groups)
    found = found.assign(name=[errors.name(key, dataset.groups) for _, key in found.iterrows()])
    return [
        _map(found, answer, dataset),
        *_curves(found, truth, answer, rows, dataset),
        *pooled.sections(model, found, truth, rows, dataset),
    ]


def _map(found: pd.DataFrame, answer: Mapping[str, Any], dataset: "Dataset") -> Section:
    """Return the map of groups by size and error, and the groups that have most of the error."""
    flags = pd.Series([*answer["flags"]]).value_counts()
    of_flags = "; ".join(f"{flag}: {count:,}" for flag, count in flags.items() if flag)
    most = found.sort_values("squares", ascending=False, kind="stable").head(10)
    total = found["squares"].sum() or 1.0
    return Section(
        "Where the error is, by group",
        f"{counted(len(found), 'group')} of {', '.join(dataset.groups)} on the holdout. "
        f"Rows by the flag of their group: {of_flags or 'none is flagged'}.",
        {"Groups by held-out rows and RMSE": partial(_draw_map, found)},
        ("group", "rows", "rmse", "share of the squared error"),
        [
            (name, f"{count:,}", short(rmse), f"{squares / total:.1%}")
            for name, count, rmse, squares in zip(
                most["name"], most["rows"], most["rmse"], most["squares"], strict=True
            )
        ],
    )


def _draw_map(found: pd.DataFrame, axes: Any) -> None:
    shown = found.sample(min(MOST_GROUPS, len(found)), random_state=0)
    axes.scatter(shown["rows"], shown["rmse"], s=12, alpha=0.5)
    axes.set_xscale("log")
    axes.set_xlabel("held-out rows of the group")
    axes.set_ylabel("RMSE of the group")


def _curves(
    found: pd.DataFrame,
    truth: pd.Series,
    answer: Mapping[str, Any],
    rows: pd.DataFrame,
    dataset: "Dataset",
) -> list[Section]:
    """Return the section of the best and the worst groups, actual and predicted."""
    whole = found[found["rows"] >= FEWEST].sort_values("rmse", kind="stable")
    if whole.empty:
        return []
    chosen = [("best", whole.head(CURVES)), ("worst", whole[::-1].head(CURVES))]
    by = dataset.by_time
    when = times(rows, by, dataset) if by else np.arange(len(rows))
    predicted = np.asarray(answer["predictions"], dtype="float64")
    plots: dict[str, Callable[[Any], object]] = {}
    for word, groups in chosen:
        for _, group in groups.iterrows():
            places = np.flatnonzero((rows[dataset.groups] == group[dataset.groups]).all(axis=1))
            places = places[np.argsort(when[places], kind="stable")]
            title = f"{word}: {group['name']} (RMSE {short(group['rmse'])})"
            values = truth.to_numpy()[places], predicted[places]
            plots.setdefault(title, partial(_draw_curve, *values, by, dataset.target.name))
    order = f"by {by}" if by else "in the order of the table"
    return [Section("The best and the worst groups", f"Held-out rows {order}.", plots)]


def _draw_curve(
    actual: npt.NDArray[np.float64],
    predicted: npt.NDArray[np.float64],
    by: str,
    target: str,
    axes: Any,
) -> None:
    axes.plot(actual, marker="o", markersize=3, label="actual")
    axes.plot(predicted, marker="o", markersize=3, label="predicted")
    axes.set_xlabel(f"rows by {by}" if by else "rows")
    axes.set_ylabel(target)
    axes.legend()
