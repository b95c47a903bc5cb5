"""The alarms of drift, without and with a cause: `python -m benchmarks.false_alarms`.

Tables are made up: normal numbers, heavy tails, whole numbers with many ties, mostly zeros, gaps,
texts of five and of forty kinds. Each window is drawn anew, and so is a reference of 20,000 rows:
one for as many rows of windows, or for one window. Of large windows the counts are drawn, and not
the rows. The tables go into docs/monitoring.md with `--write`, each line in the place of its last.
"""

import argparse
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from unittest import mock

import numpy as np
import numpy.typing as npt
import pandas as pd
from msgspec.structs import replace
from scipy import special, stats

from benchmarks.page import PAGE, put
from seedling.config import Dataset
from seedling.monitoring import compare_categories, noise, spending
from seedling.monitoring.compared import two_shares
from seedling.monitoring.drift import Drift, DriftSettings, drifts
from seedling.monitoring.profiles import ColumnProfile, Profile, Profiler

REFERENCE = 20_000
WINDOWS = 20  # for each reference, at most
DAYS = 365
TOGETHER = 0.7  # correlation of all columns
ROWS = (50, 100, 300, 1_000, 20_000, 1_000_000)
FEATURES = (7, 20, 200)
MOVED = ("moved, harmless", "moderate", "severe")
POINTS, COMMON = 160_000, 16  # of a normal distribution, and of what correlated columns share
LARGE = 100_000  # rows; of a larger window counts are drawn
PARTS = ("windows", "year", "detection")
FORTY = np.cumsum(1 / np.arange(1, 41))
TEXTS = [str(at) for at in range(len(FORTY))]

Floats = npt.NDArray[np.float64]

KINDS: list[tuple[str, Callable[[Floats], npt.NDArray]]] = [
    ("number", lambda z: z),
    ("number", lambda z: np.sinh(2 * z)),  # heavy on both sides
    ("number", lambda z: np.floor(np.exp(0.7 * z) * 3)),  # whole, with ties
    ("number", lambda z: np.where(z > 1.3, np.exp(z), 0.0)),  # nine of ten are 0
    ("category", lambda z: np.floor(special.ndtr(z) * 5).astype("int64")),
    ("number", lambda z: np.where(np.abs(z) < 0.1, np.nan, z)),  # gaps
    ("category", lambda z: np.searchsorted(FORTY, special.ndtr(z) * FORTY[-1])),
]


class Source:
    """Draws tables of so many features, which come from one normal distribution.

    Its numbers are POINTS ones, each as probable, so that the chances of all counts are known.
    """

    def __init__(self, features: int, together: float, seed: int = 0) -> None:
        self.draw = np.random.default_rng([seed, features, round(100 * together)])
        shared = COMMON if together else 1
        self.common = np.sqrt(together) * points(shared)
        self.own = np.sqrt(1 - together) * points(POINTS // shared)
        self.kinds = {f"x{at}": KINDS[at % len(KINDS)] for at in range(features)}
        self.dataset = Dataset.model_validate(
            {
                "name": "simulated",
                "source": "simulated",
                "file_name": "simulated.parquet",
                "version": "1",
                "task": "regression",
                "metric": "mae",
                "target": {"name": "y", "type": "number"},
                "features": [
                    {"name": name, "type": kind}
                    | ({"categories": ["0"], "others": True} if kind == "category" else {})
                    for name, (kind, _) in self.kinds.items()
                ],
            }
        )

    def table(self, rows: int, shift: float = 0.0) -> pd.DataFrame:
        """Draw rows; the first column is shifted, in standard deviations."""
        common = self.draw.choice(self.common, rows)
        found = {}
        for name, (_, made) in self.kinds.items():
            own = self.draw.choice(self.own, rows)
            found[name] = made(common + own + (shift if name == "x0" else 0.0))
        return pd.DataFrame(found)

    def profile(self, rows: int, like: Profile | None = None, shift: float = 0.0) -> Profile:
        profiler = Profiler(self.dataset, like)
        for first in range(0, rows, 100_000):
            profiler.add(self.table(min(100_000, rows - first), shift))
        return profiler.finish()

    def counted(self, reference: Profile, rows: int) -> Profile:
        """Draw the counts of a window of rows, by the chances of each cell of the reference."""
        parts = self.draw.multinomial(rows, np.full(len(self.common), 1 / len(self.common)))
        found = {}
        for name, known in reference.features.items():
            counts = sum(
                self.draw.multinomial(part, of / of.sum())
                for part, of in zip(parts, self._chances(known), strict=True)
            )
            missing, cells = int(counts[0]), counts[1:]
            window = replace(known, rows=rows, missing=missing, inside=[], apart=[])
            if known.kind == "categories":
                window.values = {
                    text: n for text, n in zip(TEXTS, cells.tolist(), strict=True) if n
                }
            elif known.exact:
                at, inside = np.split(cells, 2)
                window.counts, window.inside = (at + inside).tolist(), inside.tolist()
            else:
                window.counts = cells.tolist()
            found[name] = window
        return Profile(rows, found)

    def _chances(self, known: ColumnProfile) -> Iterator[Floats]:
        """Yield how many points are missing and in each cell, for each of the common numbers."""
        for values in self._values(self.kinds[known.name][1]):
            is_known = ~np.isnan(values)
            missing, there = [(~is_known).sum()], values[is_known]
            if known.kind == "categories":
                yield np.append(missing, np.bincount(there.astype("int64"), minlength=len(TEXTS)))
                continue
            until, below = (np.searchsorted(there, known.edges, side) for side in ("right", "left"))
            counts = np.diff(until, prepend=0, append=len(there))
            inside = np.append(below, len(there)) - np.append(0, until)
            inside[-1] = 0  # what is beyond all edges is counted as a whole
            yield np.concatenate(
                [missing, counts - inside, inside] if known.exact else [missing, counts]
            )

    @functools.cache  # noqa: B019 - a few sources live as long as the process
    def _values(self, made: Callable[[Floats], npt.NDArray]) -> list[Floats]:
        """Return a column's values in ascending order, for each of the common numbers."""
        return [np.sort(made(common + self.own).astype("float64")) for common in self.common]

    def judged(self, rows: int, count: int, shift: float = 0.0) -> Iterator[list[Drift]]:
        """Yield the verdicts about `count` windows; few that are large share a reference."""
        each = min(WINDOWS, max(1, REFERENCE // rows))
        for at in range(count):
            if at % each == 0:
                reference = self.profile(REFERENCE)
            if rows > LARGE and not shift:
                yield drifts(reference, self.counted(reference, rows))
            else:
                yield drifts(reference, self.profile(rows, reference, shift))


def points(count: int) -> Floats:
    """Return so many numbers, each as probable, that are about a standard normal distribution."""
    found = special.ndtri((np.arange(count) + 0.5) / count)
    return found / (found.std() or 1.0)


def windows(simulations: int, of_rows: Sequence[int], of_features: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the table of windows in which nothing has moved."""
    yield "| rows | features | alarms, independent columns | alarms, correlated columns |"
    yield "|---:|---:|---|---|"
    for rows in of_rows:
        for features in of_features:
            count = simulations // (1 if features < 200 else 2)
            cells = []
            for together in (0.0, TOGETHER):
                source = Source(features, together, rows)
                # An effect, and what noise makes of it, decides how bad an alarm is, not whether.
                with mock.patch.object(noise, "of_shares", return_value=(0.0, 0.0)):
                    found = source.judged(rows, count)
                    alarms = sum(any(d.status in MOVED for d in ds) for ds in found)
                cells.append(share(alarms, count))
            yield f"| {rows:,} | {features} | {' | '.join(cells)} |"


def year(years: int) -> Iterator[str]:
    """Yield the lines of the table of years of daily windows, a reference for each year."""
    yield "| rows a day | features | years with an alarm, of 365 looks each |"
    yield "|---:|---:|---|"
    settings = DriftSettings(spending.alpha_by_time(0.05, timedelta(days=1)))
    for rows, features, count in ((300, 7, years), (1_000, 7, years // 2), (1_000, 20, years // 4)):
        source, alarms = Source(features, TOGETHER, rows), 0
        for _ in range(count):
            reference, days = source.profile(REFERENCE), source.table(DAYS * rows)
            for day in suspicious(reference, days, rows, 10 * settings.alpha):
                profiler = Profiler(source.dataset, reference)
                profiler.add(days[day * rows : (day + 1) * rows])
                window = drifts(reference, profiler.finish(), settings)
                if any(drift.status in MOVED for drift in window):
                    alarms += 1
                    break
        yield f"| {rows:,} | {features} | {share(alarms, count)} |"


def suspicious(reference: Profile, table: pd.DataFrame, rows: int, below: float) -> list[int]:
    """Return the days on which a column's p-value may be below a limit; the others cannot alarm.

    They are computed for all days at once, by the formulas of `seedling.monitoring`.
    """
    least = np.ones(DAYS)
    for name, known in reference.features.items():
        cells = table[name].to_numpy().reshape(DAYS, rows)
        p = of_numbers(known, cells) if known.kind == "numbers" else of_texts(known, cells)
        least = np.minimum(least, p)
    return np.flatnonzero(least <= below).tolist()


def of_numbers(known: ColumnProfile, cells: Floats) -> Floats:
    """Return the p-value of each row of numbers, its missing ones with them."""
    then, width = np.array(known.counts, dtype="float64"), len(known.counts)
    places = np.searchsorted(known.edges, cells)
    places[np.isnan(cells)] = width
    now = counted(places, width + 1)
    missing, now = now[:, -1], now[:, :-1]
    many, few = then.sum(), now.sum(axis=1)
    apart = np.abs(np.cumsum(then / many - now / few[:, None], axis=1)).max(axis=1)
    total, both = many + few, then + now
    ties = (both**3 - both).sum(axis=1) / (total * (total - 1))
    above = now @ (np.cumsum(then) - then / 2) - many * few / 2
    ranks = 2 * special.ndtr(-np.abs(above) / np.sqrt(many * few / 12 * (total + 1 - ties)))
    heights = special.kolmogorov(apart * np.sqrt(many * few / total))
    gaps = (
        [two_shares(known.missing, known.rows, int(gap), cells.shape[1]) for gap in missing]
        if known.missing
        else 1.0
    )
    return np.minimum(np.minimum(ranks, heights), gaps)


def of_texts(known: ColumnProfile, cells: npt.NDArray) -> Floats:
    """Return the p-value of each row of texts, which are small whole numbers."""
    now = counted(cells, int(cells.max()) + 1)
    found = []
    for counts in now.astype("int64").tolist():
        values = {str(at): count for at, count in enumerate(counts) if count}
        found.append(ColumnProfile(known.name, known.kind, cells.shape[1], values=values))
    return np.array([compare_categories.compare(known, window).p for window in found])


def counted(places: npt.NDArray, width: int) -> Floats:
    """Return how often each place stands in each row."""
    rows = np.arange(len(places))[:, None] * width
    found = np.bincount((places + rows).ravel(), minlength=len(places) * width)
    return found.reshape(len(places), width).astype("float64")


def detection(simulations: int) -> Iterator[str]:
    """Yield the lines of the table of one column of normal numbers that has moved."""
    yield "| shift, sd | rows | features | found | found, one look of a year's daily ones |"
    yield "|---:|---:|---:|---|---|"
    alpha = spending.alpha_by_time(0.05, timedelta(days=1))
    for shift, rows, features in (
        (0.2, 1_000, 7),
        (0.2, 1_000, 20),
        (0.2, 1_000, 200),
        (0.5, 300, 20),
        (0.15, 5_000, 20),
    ):
        count = simulations if features < 200 else simulations // 4
        source = Source(features, TOGETHER, rows)
        found = [ds[0] for ds in source.judged(rows, count, shift)]
        named = [drift.status in ("moderate", "severe") for drift in found]
        daily = [name and d.adjusted_p <= alpha for name, d in zip(named, found, strict=True)]
        cells = share(sum(named), count), share(sum(daily), count)
        yield f"| {shift} | {rows:,} | {features} | {' | '.join(cells)} |"


def share(hits: int, count: int) -> str:
    """Return a share with the interval in which it is at 95 %."""
    interval = stats.binomtest(hits, count).proportion_ci(method="wilson")
    limits = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    return f"{100 * hits / count:.1f} % ({limits}; {count:,})"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument(
        "--simulations", type=int, default=200, help="of a line; of 200 features half"
    )
    parser.add_argument(
        "--years",
        type=int,
        default=100,
        help="of 365 daily windows; of more rows or features fewer",
    )
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help="of windows")
    parser.add_argument("--features", type=int, nargs="+", default=FEATURES, help="of windows")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    options = parser.parse_args(arguments)
    made = {
        "windows": lambda: windows(options.simulations, options.rows, options.features),
        "year": lambda: year(options.years),
        "detection": lambda: detection(options.simulations),
    }
    for part in options.only:
        begin, lines = time.process_time(), []
        for line in made[part]():
            print(line, flush=True)
            lines.append(line)
        print(f"\n{part}: {time.process_time() - begin:,.0f} s of a core\n", flush=True)
        if options.write:
            put("false_alarms", part, lines, merge=True)


if __name__ == "__main__":
    main()
