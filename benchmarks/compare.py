"""How often `compare` errs, and how soon it decides: `python -m benchmarks.compare [--years N]`.

Simulates years of daily looks at the differences of two versions' losses, of several shapes, by the
code that `compare` runs; `--write` puts the tables into docs/monitoring.md. `ville`, a library of
confidence sequences, is asked for the same intervals in an environment of its own, where it can be
installed.
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.environments import FailedError, python_of, run
from benchmarks.page import PAGE, put
from tools.lint import INTERNAL

sys.path.insert(0, str(INTERNAL))

from seedling.lifecycle import sequence

DAYS = 365
ALPHA = 0.05
Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]

# Differences of losses with mean 0 and standard deviation 1.
SHAPES: dict[str, Draw] = {
    "normal": lambda chance, size: chance.normal(size=size),
    "heavy tails (t, 5 degrees)": lambda chance, size: (
        chance.standard_t(5, size) / math.sqrt(5 / 3)
    ),
    "skewed (exponential)": lambda chance, size: chance.exponential(size=size) - 1,
    "one row in fifty differs": lambda chance, size: _rare(chance.random(size)),
}
LIBRARY = f"""
import json
import numpy as np
from ville import best_rho
from ville.means import normal_mixture
rows = np.array([100, 300, 1000, 3000, 10000, 100000])
print(json.dumps((normal_mixture(rows, 0.05, best_rho({sequence.BEST_AT}, 0.05)) / rows).tolist()))
"""
AT = (100, 300, 1_000, 3_000, 10_000, 100_000)


def years(
    draw: Draw, count: int, per_day: int, shift: float
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield mean, standard deviation and number of other rows of all rows so far, day by day.

    Args:
        draw: the shape of the differences.
        count: of years that are simulated side by side.
        per_day: rows.
        shift: of the mean, in standard deviations.
    """
    chance = np.random.default_rng(15)
    sums, squares, other = (np.zeros(count) for _ in range(3))
    for day in range(1, DAYS + 1):
        rows = draw(chance, (count, per_day))
        other += (rows != 0).sum(axis=1)
        rows = rows + shift
        sums += rows.sum(axis=1)
        squares += (rows**2).sum(axis=1)
        mean = sums / (day * per_day)
        yield mean, np.sqrt(np.maximum(squares / (day * per_day) - mean**2, 0)), other


def first_verdicts(draw: Draw, count: int, per_day: int, shift: float) -> tuple[Array, Array]:
    """Return the rows at which each year has its first verdict, below 0 for `better`; 0 for none.

    The second array is that of the usual interval of 95 %. The arguments are those of `years`.
    """
    found = np.zeros(count), np.zeros(count)
    for day, (mean, sd, other) in enumerate(years(draw, count, per_day, shift), 1):
        rows = day * per_day
        if rows < sequence.FEWEST:
            continue
        units = sequence.half_width(rows, 1.0, ALPHA), 1.96 / math.sqrt(rows)
        for verdicts, unit in zip(found, units, strict=True):
            decided = (np.abs(mean) > unit * sd) & (other >= sequence.FEWEST_OTHER)
            new = decided & (verdicts == 0)
            verdicts[new] = np.sign(mean[new]) * rows
    return found


def _rare(chance: Array) -> Array:
    """Return -1 for one number in a hundred and 1 for another, in units of their deviation."""
    return ((chance > 0.99).astype(float) - (chance < 0.01)) / math.sqrt(0.02)


def false_alarms(count: int) -> Iterator[str]:
    """Yield the lines of how many years without a difference have a verdict, and with `better`."""
    yield "| differences | rows a day | ever `better` | any verdict | usual interval of 95 % |"
    yield "|---|---:|---:|---:|---:|"
    for name, draw in SHAPES.items():
        for per_day in (20, 200):
            ours, usual = first_verdicts(draw, count, per_day, 0.0)
            shares = (ours < 0).mean(), (ours != 0).mean(), (usual != 0).mean()
            words = " | ".join(f"{share:.1%}" for share in shares)
            yield f"| {name} | {per_day} | {words} |"


def times(count: int) -> Iterator[str]:
    """Yield the lines of when a difference is found, beside a test of a size fixed before."""
    yield "| difference | rows to a verdict, median | found in a year | fixed size, 80 % | ratio |"
    yield "|---:|---:|---:|---:|---:|"
    for shift in (0.2, 0.1, 0.05):
        found, _ = first_verdicts(SHAPES["normal"], count, 20, -shift)
        fixed = ((1.96 + 0.8416) / shift) ** 2
        median = float(np.median(np.where(found < 0, -found, np.inf)))
        cells = f"{shift} sd", f"{median:,.0f}", f"{(found < 0).mean():.1%}", f"{fixed:,.0f}"
        yield f"| {' | '.join(cells)} | {median / fixed:.2f} |"


def library() -> Iterator[str]:
    """Yield the lines of the half-widths of this project beside those of `ville`.

    Raises:
        FailedError: it cannot be installed or asked here.
    """
    with tempfile.TemporaryDirectory() as folder:
        python = python_of(Path(folder))
        run([sys.executable, "-m", "venv", folder], Path(folder))
        run([python, "-m", "pip", "install", "--quiet", "ville==0.1.0"], Path(folder))
        theirs = json.loads(run([python, "-c", LIBRARY], Path(folder)))
    yield "| rows | half-width here, in sd | ville 0.1.0 |"
    yield "|---:|---:|---:|"
    for rows, other in zip(AT, theirs, strict=True):
        yield f"| {rows:,} | {sequence.half_width(rows, 1.0, ALPHA):.4f} | {other:.4f} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=2_000, help="simulated of each kind")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    options = parser.parse_args(arguments)
    made = {
        "false": false_alarms(options.years),
        "times": times(options.years),
        "library": library(),
    }
    for part, table in made.items():
        lines = []
        try:
            for line in table:
                print(line, flush=True)
                lines.append(line)
        except FailedError as error:
            print(f"ville cannot be installed or asked here: {error}")
        print()
        if options.write and lines:
            put("compare", part, lines)


if __name__ == "__main__":
    main()
