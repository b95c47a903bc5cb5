"""Intervals, verdicts and estimates beside a known truth: `python -m benchmarks.performance`.

Makes the tables of docs/monitoring.md, "Truth and performance", and puts them there with `--write`;
`--draws` says of how many drawn tables each number is made. Needs what the tests of internal/ need.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import msgspec
import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from benchmarks.page import PAGE, put
from tools.lint import INTERNAL

sys.path.insert(0, str(INTERNAL))
from seedling import tasks
from seedling.config import Dataset
from seedling.monitoring import performance
from seedling.monitoring.structs import Profile
from seedling.tasks.classification import exact
from seedling.tasks.evidence import Interval, read_then

TABLE: dict[str, Any] = {
    "name": "drawn",
    "source": "drawn.csv",
    "file_name": "drawn.parquet",
    "version": "1",
    "features": [{"name": "x", "type": "number"}],
}
CLASSES = Dataset.model_validate(
    TABLE
    | {"task": "classification", "metric": "roc_auc"}
    | {"target": {"name": "y", "type": "category", "labels": ["no", "yes"]}}
)
NUMBERS = Dataset.model_validate(
    TABLE
    | {"task": "grouped_regression", "metric": "rmse", "groups": ["g"]}
    | {"target": {"name": "y", "type": "number"}}
    | {"features": [*TABLE["features"], {"name": "g", "type": "integer"}]}
)
MANY = 400_000  # rows whose metrics are taken for the true ones
LOOKS = 365
MODERATE = 0.02
Draw = Callable[[int, np.random.Generator], pd.DataFrame]


def classes(rare: float, over: float = 1.0) -> Draw:
    """Scores of two labels; `over` above 1 makes them over-confident."""

    def draw(rows: int, generator: np.random.Generator) -> pd.DataFrame:
        x = generator.normal(0, 1.2, rows)
        score = expit(over * x - rare)
        came = generator.random(rows) < expit(x - rare)
        return pd.DataFrame(
            {
                "x": x,
                "prediction": np.where(score > 0.5, "yes", "no"),
                "score_no": 1 - score,
                "score_yes": score,
                "y": np.where(came, "yes", "no"),
            }
        )

    return draw


def numbers(heavy: bool = False) -> Draw:
    """Numbers with intervals whose widths are right; `heavy` makes the errors heavy-tailed."""

    def draw(rows: int, generator: np.random.Generator) -> pd.DataFrame:
        said, spread = generator.normal(20, 5, rows), generator.choice([1.0, 2.0, 4.0], rows)
        noise = (
            generator.standard_t(5, rows) / np.sqrt(5 / 3) if heavy else generator.normal(size=rows)
        )
        return pd.DataFrame(
            {
                "x": said,
                "g": generator.integers(0, 4, rows),
                "prediction": said,
                "low": said - 1.96 * spread,
                "high": said + 1.96 * spread,
                "flags": "",
                "y": said + spread * noise,
            }
        )

    return draw


DRAWN = {
    "half positive": (CLASSES, classes(0)),
    "1 in 40 positive": (CLASSES, classes(4.2)),
    "normal errors": (NUMBERS, numbers()),
    "heavy tails": (NUMBERS, numbers(heavy=True)),
}


def profile(dataset: Dataset, rows: pd.DataFrame) -> Profile:
    training = tasks.of(dataset).training
    truth, answer = training.values(rows, dataset.target), training.answered(rows, dataset)
    text = training.reference(truth, answer, rows, dataset)
    return Profile(len(rows), {}, performance=msgspec.Raw(text))


def intervals(dataset: Dataset, rows: pd.DataFrame) -> dict[str, Interval]:
    training = tasks.of(dataset).training
    truth, answer = training.values(rows, dataset.target), training.answered(rows, dataset)
    return training.intervals(truth, answer, rows, dataset, 0.95)


def coverage(draws: int) -> Iterator[list[str]]:
    """How often a 95 % interval holds the true metric, by metric and number of rows."""
    for name, (dataset, draw) in DRAWN.items():
        true = intervals(dataset, draw(MANY, np.random.default_rng(0)))
        true.pop("mean_group_rmse", None)  # of four groups: another draw of groups is meant
        for rows in (100, 300, 1_000, 5_000):
            held, known = dict.fromkeys(true, 0), dict.fromkeys(true, 0)
            for seed in range(draws):
                try:
                    found = intervals(dataset, draw(rows, np.random.default_rng([rows, seed])))
                except ValueError:  # no row is positive
                    continue
                for key, each in true.items():
                    if found[key].low is not None:
                        known[key] += 1
                        held[key] += found[key].low <= each.value <= found[key].high
            shares = [f"{key} {held[key] / known[key]:.1%}" for key in true if known[key]]
            yield [name, f"{rows:,}", ", ".join(shares)]


def years(draws: int) -> Iterator[list[str]]:
    """The share of years with an alarm, of windows that have not changed, looked at daily.

    A day whose interval holds the score of the held-out rows cannot alarm; only the others are
    judged by the whole code.
    """
    for name, rows in (("half positive", 200), ("half positive", 3_000)):
        dataset, draw = DRAWN[name]
        once = spent = 0
        for year in range(draws):
            generator = np.random.default_rng([7, rows, year])
            then = profile(dataset, draw(20_000, generator))
            before = read_then(then.performance).metrics[dataset.metric].value or 0.0
            days = (draw(rows, generator) for _ in range(LOOKS))
            with mock.patch.object(exact, "DRAWN", 1):  # of other metrics, which judge nothing
                off = [day for day in days if _high(dataset, day) < before]
            seen = [performance.measured(dataset, day, then, alpha=0.05 / LOOKS) for day in off]
            spent += any(each.verdict in ("moderate", "severe") for each in seen)
            worse = [each.worse_by for each in seen]
            once += any(each.low > 0 and each.value >= MODERATE for each in worse)
        shares = [share(hits, draws) for hits in (once, spent)]
        yield [name, f"{rows:,}", *shares]


def _high(dataset: Dataset, rows: pd.DataFrame) -> float:
    return intervals(dataset, rows)[dataset.metric].high or 1.0


def share(hits: int, count: int) -> str:
    """Return a share with the interval in which it is at 95 %."""
    limits = stats.binomtest(hits, count).proportion_ci(method="wilson")
    return f"{hits / count:.0%} ({limits.low:.0%} to {limits.high:.0%}; {count})"


def estimates(draws: int) -> Iterator[list[str]]:
    """How often the interval of an estimate without truth holds what came true."""
    cases = {
        "calibrated scores": (CLASSES, classes(0)),
        "over-confident scores": (CLASSES, classes(0, over=3)),
        "1 in 40 positive": (CLASSES, classes(4.2)),
        "intervals of numbers": (NUMBERS, numbers()),
    }
    for name, (dataset, draw) in cases.items():
        for rows in (300, 1_000, 5_000):
            held: dict[str, int] = {}
            known = 0
            for seed in range(draws):
                generator = np.random.default_rng([rows, seed, 5])
                then, table = profile(dataset, draw(5_000, generator)), draw(rows, generator)
                guess = performance.estimated(dataset, table, then)
                if guess.refused:
                    continue
                real = intervals(dataset, table)
                known += 1
                for key, each in guess.metrics.items():
                    value = real[key].value
                    held[key] = held.get(key, 0) + (each.low <= value <= each.high)
            shares = ", ".join(f"{key} {count / known:.0%}" for key, count in held.items())
            yield [name, f"{rows:,}", shares, f"{draws - known} of {draws}"]


def calibrated(draws: int) -> Iterator[list[str]]:
    """How often calibrated scores, and such that are off, are called off."""
    training = tasks.of(CLASSES).training
    for name, over in (("calibrated", 1.0), ("logits 1.5 times as large", 1.5)):
        shares = []
        for rows in (100, 300, 1_000, 5_000):
            off = 0
            for seed in range(draws):
                table = classes(1, over)(rows, np.random.default_rng([rows, seed, 3]))
                truth, answer = (
                    training.values(table, CLASSES.target),
                    training.answered(table, CLASSES),
                )
                found = training.calibration(truth, answer, CLASSES)
                off += found is not None and found.off
            shares.append(f"{off / draws:.1%}")
        yield [name, *shares]


PARTS: dict[str, tuple[list[str], Callable[[int], Iterator[list[str]]], int]] = {
    "intervals": (["drawn", "rows", "within the interval, of 95 %"], coverage, 1),
    "calibrated": (["scores", "100 rows", "300", "1,000", "5,000"], calibrated, 1),
    "estimates": (["drawn", "rows", "what came true is within, of 95 %", "refused"], estimates, 1),
    "years": (
        ["drawn", "rows a day", "years with an alarm at 95 % a day", "as monitor does it"],
        years,
        5,
    ),
}  # heads, lines, and by how much fewer are drawn


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1_000, help="of a line; of years a fifth")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    options = parser.parse_args(arguments)
    for part in options.only:
        heads, made, fewer = PARTS[part]
        lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
        print("\n".join(lines), flush=True)
        for cells in made(max(1, options.draws // fewer)):
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
        print()
        if options.write:
            put("performance", part, lines)


if __name__ == "__main__":
    main()
