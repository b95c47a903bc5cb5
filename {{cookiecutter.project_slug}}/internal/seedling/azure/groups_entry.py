"""Azure ML's entry script of the parallel job that fits groups: its code folder is the project."""

import argparse
import csv
import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

keys = 0


def init() -> None:
    """Read the arguments, once, as a process of the job starts; Azure ML adds its own to them."""
    global keys
    sys.path[:0] = [str(ROOT), str(ROOT / "internal")]
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, required=True)
    keys = parser.parse_known_args()[0].keys


def run(mini_batch: list[str]) -> list[str]:
    """Return CSV lines for each file, one text a file: a line for each of its groups.

    A file's first columns make the groups, its last is the target. A line has the file's name, the
    group's columns, rows, rmse, intercept, a column for each feature, and `problem`: the group
    that could not be fitted and the reason; the other columns are empty then.
    """
    return [_lines(Path(path)) for path in mini_batch]


def _lines(path: Path) -> str:
    import pandas as pd

    from seedling.training import grouped_regression

    rows = pd.read_parquet(path)
    columns = [str(column) for column in rows.columns]
    by, features, target = columns[:keys], columns[keys:-1], columns[-1]
    fitted = grouped_regression.fit(rows, by, features, target)
    found = pd.concat([fitted.rmse, fitted.coefficients.iloc[:, keys:]], axis=1)
    width = len(found.columns)
    found.insert(0, "file", path.name, allow_duplicates=True)
    found.insert(width + 1, "problem", "", allow_duplicates=True)
    text = io.StringIO()
    found.to_csv(text, header=False, index=False, lineterminator="\n")
    failed = csv.writer(text, lineterminator="\n")
    failed.writerows([path.name, *[""] * width, problem] for problem in fitted.problems)
    return text.getvalue().rstrip("\n")
