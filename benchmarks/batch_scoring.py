"""What scoring many rows takes: `python -m benchmarks.batch_scoring [--rows N] [--models A,B]`.

A fresh finance project learns its models; rows like its sample's are then scored from CSV and from
Parquet: by a plain script (the saved pipeline's `predict_proba` on one pandas frame), with
`--pyfunc` by mlflow.pyfunc in chunks, with `--ray` by Ray Data (in an environment of its own), and
by the verb `batch-score`, as a user calls it. Each is a process that reads the file and writes a
CSV: measured with its children, start-up included, and by the seconds between its imports and its
end. Of the verb that is its time less that for a file of one row. All scores must be equal.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.environments import _install as install
from benchmarks.environments import python_of
from benchmarks.large import PACKAGE, Measured, run
from tools.demo import ROOT

MODELS = ("logistic_regression", "gradient_boosting", "xgboost", "random_forest")
TARGETS = dict(zip(MODELS, (10, 5, 2.3, 1.3), strict=True))
MOST = 0.5  # GB
CLOSE = 1e-6  # of two probabilities
RAY = "ray[data]==2.60.0"

READ = """
import pickle, sys
from time import perf_counter

sys.path[:0] = [".", "internal"]
import pandas as pd
import sklearn.pipeline

source, target, folder = sys.argv[1:]

def ready():
    global started
    started = perf_counter()

def table():
    return pd.read_parquet(source) if source.endswith(".parquet") else pd.read_csv(source)

def scored(rows, pipeline):
    X = rows[list(pipeline.feature_names_in_)]
    scores = pipeline.predict_proba(X)
    found = rows[["person_id"]].assign(prediction=pipeline.classes_[scores.argmax(axis=1)])
    for at, label in enumerate(pipeline.classes_):
        found[f"score_{label}"] = scores[:, at]
    return found

def load():
    with open(folder + "/model.pkl", "rb") as stream:
        return pickle.load(stream)
"""
PLAIN = (
    READ
    + """
pipeline = load()
ready()
scored(table(), pipeline).to_csv(target, index=False)
print("SECONDS", perf_counter() - started)
"""
)
PYFUNC = (
    READ
    + """
import mlflow.pyfunc
model = mlflow.pyfunc.load_model(folder)
ready()
if source.endswith(".parquet"):
    import pyarrow.parquet
    file = pyarrow.parquet.ParquetFile(source)
    chunks = (batch.to_pandas() for batch in file.iter_batches(50_000))
else:
    chunks = pd.read_csv(source, chunksize=50_000)
for at, rows in enumerate(chunks):
    found = rows[["person_id"]].assign(prediction=model.predict(rows))
    found.to_csv(target, index=False, mode="a" if at else "w", header=not at)
print("SECONDS", perf_counter() - started)
"""
)
RAY_DATA = (
    READ
    + """
import ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
pipeline = ray.put(load())
ready()
read = ray.data.read_parquet if source.endswith(".parquet") else ray.data.read_csv
def answer(rows):
    return scored(rows, ray.get(pipeline))
found = read(source).map_batches(answer, batch_format="pandas", batch_size=50_000)
found.to_pandas().to_csv(target, index=False)
print("SECONDS", perf_counter() - started)
"""
)


class Result(NamedTuple):
    """A run of one of them on one file: what was measured, and the seconds without start-up."""

    name: str
    measured: Measured
    alone: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--models", default=",".join(MODELS), help="default: %(default)s")
    parser.add_argument("--kinds", default="csv,parquet", help="default: %(default)s")
    parser.add_argument("--ray", action="store_true", help="install and measure Ray Data too")
    parser.add_argument("--pyfunc", action="store_true", help="measure mlflow.pyfunc too")
    parser.add_argument("--work", type=Path, help="keep project, rows and answers in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = (options.work or Path(folder)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        project = trained(work)
        make(project, work, options.rows)
        others = {"mlflow.pyfunc": (PYFUNC, sys.executable)} if options.pyfunc else {}
        if options.ray:
            others["Ray Data"] = (RAY_DATA, ray_python(work, project))
        print("| model, file | who | rows/s | of plain | without start-up | of plain | CPU | MB |")
        print("|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
        for model in options.models.split(","):
            for kind in options.kinds.split(","):
                show(model, kind, measure(project, work, model, kind, others), options.rows)


def trained(work: Path) -> Path:
    """Return the project, generated and trained unless it is there."""
    project = work / PACKAGE
    if (project / "local_assets" / "models" / "registered.yaml").exists():
        return project
    settings = work / "cookiecutter.yaml"
    settings.write_text(f"replay_dir: {work / 'replay'}\n", encoding="utf-8")
    generate = ["cookiecutter", "--no-input", "--config-file", str(settings), "-f"]
    answers = ["-o", str(work), str(ROOT), "vertical=finance", f"models={','.join(MODELS)}"]
    run("generate", [sys.executable, "-m", *generate, *answers], work)
    for verb in ("create-local-datasets", "train"):
        run(verb, [sys.executable, "-m", "seedling", verb], project)
    return project


def make(project: Path, work: Path, count: int) -> None:
    """Write rows of the sample, drawn again with other numbers, as CSV and Parquet."""
    if (work / f"{count}.parquet").exists():
        return
    (sample,) = (project / "local_assets" / "datasets").glob("*.parquet")
    draw = np.random.default_rng(0)
    rows = pd.read_parquet(sample).drop(columns="income")
    rows = rows.iloc[draw.integers(0, len(rows), count)].reset_index(drop=True)
    rows["person_id"] = np.arange(count)
    rows["age"] = draw.integers(17, 91, count)
    rows["hours_per_week"] = draw.integers(1, 100, count)
    for name, table in ((str(count), rows), ("1", rows.head(1))):
        table.to_csv(work / f"{name}.csv", index=False)
        table.to_parquet(work / f"{name}.parquet", index=False, row_group_size=50_000)
    (work / "rows.json").write_text(json.dumps(count), encoding="utf-8")


def ray_python(work: Path, project: Path) -> str:
    """Return the Python of an environment with Ray and what the models were trained with."""
    folder = work / "environments" / "ray"
    if not python_of(folder).exists():
        packages = ["pandas", "scikit-learn", "xgboost-cpu", "pyarrow", "numpy"]
        words = [*packages, RAY, f"seedling[train] @ {(project / 'internal').as_uri()}"]
        install(folder, [*words, "-c", str(project / "constraints.txt")])
    return str(python_of(folder))


def measure(
    project: Path, work: Path, model: str, kind: str, others: dict[str, tuple[str, str]]
) -> list[Result]:
    """Return the plain script, the others, and the plain script again; equal scores are checked."""
    count = json.loads((work / "rows.json").read_text(encoding="utf-8"))
    source = work / f"{count}.{kind}"
    (folder,) = (project / "local_assets" / "models").glob(f"*-{model}/1")
    scripts = {"plain script": (PLAIN, sys.executable), **others}
    scripts["batch-score"] = ("", sys.executable)
    scripts["plain script, again"] = (PLAIN, sys.executable)
    found = []
    for name, (text, python) in scripts.items():
        target = work / f"{model}-{kind}-{name.partition(',')[0].replace(' ', '-')}.csv"
        if text:
            script = work / "script.py"
            script.write_text(text, encoding="utf-8")
            words = [python, str(script), str(source), str(target), str(folder)]
            measured = run(name, words, project)
            alone = float(measured.said.rpartition("SECONDS ")[2])
        else:
            verb = [sys.executable, "-m", "seedling", "batch-score", "--model", model]
            start = run(name, [*verb, str(work / f"1.{kind}"), str(work / "one.csv")], project)
            measured = run(name, [*verb, "--restart", str(source), str(target)], project)
            alone = measured.seconds - start.seconds
        found.append(Result(name, measured, alone))
        check(target, work / f"{model}-{kind}-plain-script.csv")
    return found


def check(target: Path, plain: Path) -> None:
    """Compare a file of answers with the plain script's; stop where they differ."""
    one, other = (pd.read_csv(path).sort_values("person_id") for path in (target, plain))
    scores = [name for name in other if name.startswith("score_") and name in one]
    near = (one[scores].to_numpy() - other[scores].to_numpy()) if scores else np.zeros(1)
    even = np.abs(other.filter(like="score_").iloc[:, 0].to_numpy() - 0.5) < CLOSE
    alike = one["prediction"].to_numpy() == other["prediction"].to_numpy()
    if np.abs(near).max() > CLOSE or not (alike | even).all():
        raise SystemExit(f"{target.name} differs from {plain.name} by {np.abs(near).max():.2g}")


def show(model: str, kind: str, found: list[Result], rows: int) -> None:
    """Print a line of a table for each, with its ratios to the mean of the plain script's runs."""
    plain = [each for each in found if each.name.startswith("plain")]
    whole = sum(each.measured.seconds for each in plain) / len(plain)
    alone = sum(each.alone for each in plain) / len(plain)
    for each in found:
        took = each.measured
        print(
            f"| {model}, {kind} | {each.name} | {rows / took.seconds / 1000:,.0f} k | "
            f"{whole / took.seconds:.2f}x | {rows / each.alone / 1000:,.0f} k | "
            f"{alone / each.alone:.2f}x | {took.cpu:.1f} s | {took.memory:,.0f} |",
            flush=True,
        )
    if hasattr(os, "getloadavg"):
        print(f"load {os.getloadavg()[0]:.1f}; the target is {TARGETS.get(model)}x", flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.stderr or str(error)) from None
