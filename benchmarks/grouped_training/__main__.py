"""Many regressions at once: `python -m benchmarks.grouped_training [--only PART ...]`.

- `speed`: this project's sums and solve beside a loop over groups, joblib, scikit-lego's
  HierarchicalRegressor, polars-ds and DuckDB, each a process in an environment of its own.
- `error`: held-out errors of simulations beside the least possible.
- `tables`: held-out errors of five tables beside two simple ways.
- `growth`: 100 to 100,000 groups and 1 to 50 million rows; `--most-rows` bounds it.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.environments import FailedError, python_of, run, search_path
from benchmarks.grouped_training import accuracy
from benchmarks.grouped_training.simulation import simulate
from tools.demo import ROOT
from tools.lint import INTERNAL

PEERS = {
    "loop": "pandas groupby, LinearRegression",
    "processes": "the same, joblib, 2 processes",
    "sklego": "scikit-lego HierarchicalRegressor",
    "polars": "polars-ds lin_reg",
    "duckdb": "DuckDB sums, 500 MB, and solve",
    "ours": "GroupedLinear, pooling none",
    "pooled": "GroupedLinear, empirical Bayes",
}
PACKAGES = ["scikit-lego==0.9.10", "polars-ds==0.13.0", "polars", "duckdb==2.0.1", "pandas<3"]
PACKAGES += ["pyarrow", "scikit-learn", "joblib"]
SCRIPT = Path(__file__).with_name("contestants.py")
AT_ONCE = 1_000_000
PARTS = ("speed", "error", "tables", "growth")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--groups", type=int, default=10_000, help="of simulations and speed")
    parser.add_argument("--rows", type=int, default=2_000_000, help="of speed")
    parser.add_argument("--most-rows", type=int, default=20_000_000, help="of growth; 50 million")
    parser.add_argument("--folder", type=Path, default=ROOT.parent / "shared" / "data" / "tables")
    parser.add_argument("--work", type=Path, help="keep environment and tables in this folder")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        if "error" in options.only:
            accuracy.simulated(options.groups)
        if "tables" in options.only:
            accuracy.tables(options.folder)
        if "speed" in options.only:
            speed(work, options.rows, options.groups)
        if "growth" in options.only:
            growth(work, options.most_rows)


def speed(work: Path, rows: int, groups: int) -> None:
    """Print seconds, CPU and memory of each way, on many rows and on the simulated sizes."""
    environment = peers(work)
    every = {f"{rows:,} rows x 8, {groups:,} groups": big(work, rows, groups)}
    its = simulate("sizes", 2000)
    small = work / "small.parquet"
    its.before.assign(y=its.y).to_parquet(small)
    every[f"{len(its.y):,} rows x 7, 2,000 groups of lognormal sizes"] = small
    for title, path in every.items():
        print(f"\n| {title} | s | CPU s | of pooled | peak MB | difference |")
        print("|---|---:|---:|---:|---:|---:|")
        found = {name: measured(name, path, environment, work) for name in PEERS}
        base = found["pooled"]["cpu"]
        expected = np.load(work / "loop.npy")
        for name, words in PEERS.items():
            one = found[name]
            if "failed" in one:
                print(f"| {words} | {one['failed']} |  |  |  |  |")
                continue
            cpu = one["cpu"]
            print(f"| {words} | {one['seconds']:.2f} | {cpu:.2f} | {cpu / base:.1f}x | "
                  f"{one['mb']:.0f} | {difference(np.load(work / f'{name}.npy'), expected)} |",
                  flush=True)  # fmt: skip


def difference(found: Any, expected: Any) -> str:
    """Return the largest difference of coefficients, and how many groups have none."""
    if found.shape != expected.shape:
        return ""
    absent = np.isnan(found).any(axis=1)
    size = np.abs(found - expected)[~absent].max() if not absent.all() else np.nan
    return f"{size:.0e}" + (f", {absent.sum():,} groups without" if absent.any() else "")


def growth(work: Path, most: int) -> None:
    """Print time and peak memory of sums and empirical Bayes as groups and rows grow."""
    environment = peers(work)
    print("\n| groups | rows | s | CPU s | peak MB |\n|---:|---:|---:|---:|---:|")
    sizes = [(groups, 1_000_000) for groups in (100, 1_000, 10_000, 100_000)]
    sizes += [(10_000, rows) for rows in (5_000_000, 20_000_000, 50_000_000)]
    sizes.append((100_000, 20_000_000))
    for groups, rows in sizes:
        if rows <= most:
            path = big(work, rows, groups)
            one = measured("pooled", path, environment, work)
            path.unlink()
            print(f"| {groups:,} | {rows:,} | {one['seconds']:.1f} | {one['cpu']:.1f} | "
                  f"{one['mb']:.0f} |", flush=True)  # fmt: skip


def big(work: Path, rows: int, groups: int) -> Path:
    """Return a Parquet file of `rows` x 8 with text keys, written a million rows at a time."""
    path = work / f"{rows}-{groups}.parquet"
    if path.exists():
        return path
    draw = np.random.default_rng(0)
    b = draw.normal(size=(groups, 9))
    names = pa.array([f"group {number:06d}" for number in range(groups)])
    writer = None
    for first in range(0, rows, AT_ONCE):
        count = min(AT_ONCE, rows - first)
        numbers = draw.integers(0, groups, count)
        if not first:
            numbers[:groups] = np.arange(min(groups, count))
        x = draw.normal(size=(count, 8))
        y = b[numbers, 0] + (x * b[numbers, 1:]).sum(axis=1) + draw.normal(size=count)
        columns = {"group": names.take(pa.array(numbers))}
        columns |= {f"x{at}": x[:, at] for at in range(8)} | {"y": y}
        table = pa.table(columns)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()
    return path


def measured(name: str, path: Path, environment: Path, work: Path) -> dict[str, Any]:
    """Run one way as a process; return what it took, or why it failed."""
    own = name in ("ours", "pooled")
    python = Path(sys.executable) if own else python_of(environment)
    os.environ["PYTHONPATH"] = str(INTERNAL) if own else ""
    try:
        said = run([python, SCRIPT, name, big(work, 400, 10), path, work / f"{name}.npy"], work)
    except FailedError as error:
        return {"failed": str(error)}
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def peers(work: Path) -> Path:
    """The environment of all peers, made once per work folder."""
    folder = work / "peers"
    if not (folder / ".installed").exists():
        uv = shutil.which("uv", path=search_path()) or "uv"
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], work)
        install = [uv, "pip", "install", "--quiet", "--python", python_of(folder)]
        run([*install, *PACKAGES], work)
        (folder / ".installed").touch()
    return folder


if __name__ == "__main__":
    main()
