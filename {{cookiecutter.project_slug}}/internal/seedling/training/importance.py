"""Permutation importance: a model's loss in its metric when a feature's values are shuffled."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

from seedling import tasks
from seedling.data.schema import model_frame
from seedling.registry.model_files import Predictor
from seedling.tasks import measuring
from seedling.wording import counted

MOST_ROWS = 1_000
REPEATS = 3
MOST_FEATURES = 30  # that are measured with all rows and repeats
SCREENED_ROWS = 250  # with which these are chosen
AT_ONCE = 50  # features of which the shuffled rows are answered together


class Importance(NamedTuple):
    """The features, that with the largest loss first, and what was drawn to measure them.

    Each has `name`, `mean` and `std` in the metric's unit, and `share` of the largest, 0 to 1.
    """

    features: list[dict[str, Any]]
    drawn: str


def of(predictor: Predictor, rows: pd.DataFrame) -> Importance:
    """Measure the importance of a model's features on held-out rows.

    Of many rows some are drawn. Of many features those are measured that lose most when each is
    shuffled once on a few rows.
    """
    dataset = predictor.dataset
    task = tasks.of(dataset)
    if task.training.slow and len(dataset.features) == 1:
        return Importance([], f"Everything follows from {dataset.features[0].name}.")
    sample = rows.sample(min(MOST_ROWS, len(rows)), random_state=0)
    parts = model_frame(sample, dataset.features)
    truth = task.training.values(sample, dataset.target)
    sign = -1 if dataset.metric in measuring.lower_is_better(dataset) else 1

    def measure(y: pd.Series, answer: Mapping[str, Any]) -> float:
        decided = measuring.decided(answer, dataset)
        few = sample[: len(y)]  # those that are screened are the first ones
        return sign * measuring.measure(y, decided, dataset, few)[dataset.metric]

    def score(_: Any, X: pd.DataFrame, y: pd.Series) -> float:
        whole = parts.assign(**dict(X.items())) if len(X.columns) < len(parts.columns) else X
        return measure(y, predictor.predict(predictor.model, whole))

    names = [str(name) for name in parts.columns]
    if len(names) > MOST_FEATURES:
        few, few_truth = parts[:SCREENED_ROWS], truth[:SCREENED_ROWS]
        answers = _shuffled(predictor, few, task.by_row)
        left = {name: measure(few_truth, answer) for name, answer in answers}
        names = sorted(names, key=lambda name: np.nan_to_num(left[name], nan=np.inf))
        names = names[:MOST_FEATURES]
    found = permutation_importance(
        predictor.model,
        parts[names],
        truth,
        scoring=score,
        n_repeats=REPEATS,
        random_state=0,
    )
    means, stds = found["importances_mean"], found["importances_std"]
    losses = sorted(zip(names, means, stds, strict=True), key=lambda loss: -loss[1])
    largest = max((mean for _, mean, _ in losses), default=0) or 1
    features = [
        {"name": name, "mean": mean, "std": std, "share": max(0, mean / largest)}
        for name, mean, std in losses
    ]
    return Importance(features, _drawn(len(rows), len(parts.columns)))


def _shuffled(
    predictor: Predictor, rows: pd.DataFrame, by_row: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each feature's name with the answer to the rows in which it alone is shuffled."""
    order = np.random.default_rng(0).permutation(len(rows))
    names, count = list(rows.columns), len(rows)
    for start in range(0, len(names), AT_ONCE):
        group = names[start : start + AT_ONCE]
        tables = [rows.assign(**{name: rows[name].to_numpy()[order]}) for name in group]
        answer = predictor.predict(predictor.model, pd.concat(tables, ignore_index=True))
        for place, name in enumerate(group):
            own = slice(place * count, (place + 1) * count)
            yield name, {key: at[own] if key in by_row else at for key, at in answer.items()}


def _drawn(rows: int, features: int) -> str:
    """Say what was drawn, empty where everything was measured."""
    words = ""
    if rows > MOST_ROWS:
        words = f"Measured on {MOST_ROWS:,} of the {counted(rows, 'row')}, drawn at random."
    if features > MOST_FEATURES:
        words += (
            f" Of {features:,} columns these {MOST_FEATURES} are measured: shuffled once on "
            f"{min(SCREENED_ROWS, rows)} rows, each lost more than any other."
        )
    return words.strip()
