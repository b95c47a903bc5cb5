"""Drift of a large table beside Evidently's: `python -m benchmarks.drift`.

Both get the same two Parquet files, each in a process and an environment of its own. Ours has the
reference's profile, as a version has it; making that is measured too. `--python` names an
interpreter that has Evidently, if one is there already. Where Evidently does not end in time, the
ratio is more than what is printed. Its results stay in the folder `--work`, and are not measured
again.

On fewer rows each statistic is compared with Evidently's, where both measure the same; at the
largest size the Kolmogorov-Smirnov statistics are compared with scipy's of all rows.
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from scipy import stats

from benchmarks.drift import tables
from benchmarks.environments import python_of, run
from benchmarks.page import PAGE, put
from tools.demo import ROOT

PACKAGES = ["evidently==0.7.23", "pandas<3.1", "pyarrow"]  # as resolved, it does not import
SCRIPT = Path(__file__).with_name("contestants.py")
FEW = (20_000, 5_000)  # rows on which both are to agree
ROWS = (10_000, 100_000, 300_000, 1_000_000)
LIMIT = 1_800  # seconds
Found = dict[str, Any]

# Each with Evidently's name of it, the kind of column, where ours is, and what theirs is of it:
# its Mann-Whitney has one side, and its Jensen-Shannon natural logarithms.
STATISTICS: list[tuple[str, str, str, Callable[[Found], float], Callable[[float], float]]] = [
    ("Kolmogorov-Smirnov, p", "ks", "num", lambda found: found["tests"]["ks"], float),
    (
        "Mann-Whitney, p",
        "mannw",
        "num",
        lambda found: found["tests"]["mann_whitney"],
        lambda p: 2 * min(p, 1 - p),
    ),
    ("Wasserstein, in sd", "wasserstein", "num", lambda found: found["wasserstein"], float),
    (
        "Jensen-Shannon of texts",
        "jensenshannon",
        "cat",
        lambda found: found["js"],
        lambda distance: distance / math.sqrt(math.log(2)),
    ),
    ("PSI of texts", "psi", "cat", lambda found: found["psi"], float),
    ("chi-squared, p", "chisquare", "cat", lambda found: found["tests"]["chi2"], float),
]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help="of either table")
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--python", type=Path, help="an interpreter with Evidently")
    parser.add_argument(
        "--work", type=Path, help="keep environment, tables and Evidently's results"
    )
    parser.add_argument("--limit", type=int, default=LIMIT, help="seconds of a core for Evidently")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        python = options.python or environment(work)
        made = {
            "agreement": agreement(work, python),
            "speed": speed(work, python, options.rows, options.columns, options.limit),
        }
        for name, table in made.items():
            lines = []
            for line in table:
                print(line, flush=True)
                lines.append(line)
            print()
            if options.write:
                put("drift", name, lines)
        bounds(pair(work, (max(options.rows),) * 2, options.columns))


def environment(work: Path) -> Path:
    """Make an environment with Evidently, unless there is one; return its interpreter."""
    folder = work / "evidently"
    if not folder.exists():
        run([sys.executable, "-m", "venv", folder], work)
        run([python_of(folder), "-m", "pip", "install", "--quiet", *PACKAGES], work)
    return Path(python_of(folder))


def asked(
    python: Path | str, name: str, files: tuple[Path, Path], limit: int = LIMIT
) -> dict[str, Any]:
    """Run a contestant; return what it printed."""
    said = run([python, SCRIPT, name, *files, str(limit)], ROOT)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def pair(work: Path, rows: tuple[int, int], columns: int) -> tuple[Path, Path]:
    """Write the two tables, unless they are there."""
    files = tuple(work / f"{side}-{rows[0]}-{columns}.parquet" for side in ("then", "now"))
    for seed, (path, count) in enumerate(zip(files, rows, strict=True)):
        if not path.exists():
            tables.write(path, count, columns, moved=seed == 1, seed=seed)
    return files[0], files[1]


def agreement(work: Path, python: Path) -> Iterator[str]:
    """Yield the lines of each statistic beside Evidently's, on tables of a few thousand rows."""
    files = pair(work, FEW, 10)
    asked(sys.executable, "profile", files)
    own = asked(sys.executable, "ours", files)["columns"]
    yield "| statistic | columns | largest difference | there ours | Evidently's |"
    yield "|---|---:|---:|---:|---:|"
    asked_for: dict[str, list[Any]] = {
        kind: [each for each in STATISTICS if each[2] == kind] for kind in ("num", "cat")
    }
    for first, second in zip(asked_for["num"], asked_for["cat"], strict=True):
        theirs = asked(python, f"evidently:{first[1]}:{second[1]}", files)["columns"]
        for label, _, kind, measured, meant in (first, second):
            pairs = [
                (measured(found), meant(theirs[name]["score"]))
                for name, found in own.items()
                if (found["ks"] is None) == (kind == "cat")
            ]
            one, other = max(pairs, key=lambda each: abs(each[0] - each[1]))
            cells = [f"{abs(one - other):.2g}", f"{one:.4g}", f"{other:.4g}"]
            yield f"| {label} | {len(pairs)} | {' | '.join(cells)} |"


def speed(work: Path, python: Path, of_rows: list[int], columns: int, limit: int) -> Iterator[str]:
    """Yield the lines of seconds of a core and memory of both, by the number of rows."""
    heads = (
        "rows on both sides",
        "ours",
        "profile, once",
        "peak MB",
        "Evidently",
        "peak MB",
        "times",
    )
    yield f"| {' | '.join(heads)} |"
    yield "|---:|---:|---:|---:|---:|---:|---:|"
    for rows in of_rows:
        files = pair(work, (rows, rows), columns)
        profile, ours = (asked(sys.executable, name, files) for name in ("profile", "ours"))
        kept = work / f"evidently-{rows}-{columns}.json"
        if not kept.exists():
            kept.write_text(json.dumps(asked(python, "evidently", files, limit)), encoding="utf-8")
        theirs = json.loads(kept.read_text(encoding="utf-8"))
        more = "" if theirs["ended"] else "more than "
        peak = max(profile["megabytes"], ours["megabytes"])
        cells = [f"{rows:,}", f"{ours['core']:.1f} s", f"{profile['core']:.1f} s", f"{peak:,.0f}"]
        cells += [f"{more}{theirs['core']:.0f} s", f"{theirs['megabytes']:,.0f}"]
        yield f"| {' | '.join(cells)} | {more}{theirs['core'] / ours['core']:.0f} |"


def bounds(files: tuple[Path, Path]) -> None:
    """Print whether each D is within its bound of scipy's, of all rows, and what is named."""
    own = asked(sys.executable, "ours", files)["columns"]
    worst = apart = outside = 0.0
    numbers = {name: found for name, found in own.items() if found["ks"] is not None}
    for name, found in numbers.items():
        then, now = (pd.read_parquet(path, columns=[name])[name] for path in files)
        exact = stats.ks_2samp(then, now, method="asymp").statistic
        worst = max(worst, abs(exact - found["ks"]))
        moved = stats.wasserstein_distance(then, now) / then.std(ddof=0)
        apart = max(apart, abs(moved - found["wasserstein"]))
        outside += not found["ks"] - 1e-9 <= exact <= found["ks"] + found["bound"] + 1e-9
    largest = max(found["bound"] for found in numbers.values())
    print(f"Of {len(numbers)} columns, D differs from scipy's of all rows by {worst:.5f} at most,")
    print(f"and Wasserstein's distance by {apart:.5f} standard deviations;")
    print(f"the printed bounds are at most {largest:.5f}; {outside:.0f} beyond its bound")
    for word, key in (("moved", "moved"), ("moderate or severe", "drift")):
        named = [name for name, found in own.items() if found[key]]
        print(f"{word}: {', '.join(named)}")


if __name__ == "__main__":
    main()
