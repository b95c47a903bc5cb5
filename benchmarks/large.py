"""What a large table takes: `python -m benchmarks.large [--rows N] [--columns N] [--model NAME]`.

A table of integers, numbers, categories and booleans is made, and brought to a fresh finance
project. Each verb is a process, measured with those that it starts: seconds by the clock, seconds
of CPU, and the largest memory of all of them together. A plain script reads the same Parquet file,
fits the same estimator on the same share of the rows and scores it; the ratios are to that. It runs
before and after the verbs, since a shared machine is slower at one time than at another.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import psutil

from benchmarks.environments import FailedError, search_path
from tools.demo import ROOT

PACKAGE = "income_bracket"
ROWS, COLUMNS = 1_000_000, 11
MB = 1e6
SAMPLED = 0.05  # seconds between two looks at the memory

# The estimators are those of the ready models, with the values that model.yaml gives them.
PLAIN = """
import sys
from time import perf_counter

started = perf_counter()
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

path, model = sys.argv[1:]
if model == "xgboost":
    from xgboost import XGBClassifier
    estimator = XGBClassifier(n_estimators=200, learning_rate=0.1, max_depth=4, random_state=20)
elif model == "random_forest":
    from sklearn.ensemble import RandomForestClassifier
    estimator = RandomForestClassifier(n_estimators=200, min_samples_leaf=3, random_state=20)
else:
    from sklearn.linear_model import LogisticRegression
    estimator = LogisticRegression(max_iter=1000)
rows = pd.read_parquet(path)
y, X = rows.pop("churned"), rows.drop(columns="customer_id")
numbers = list(X.select_dtypes(["number", "bool"]))
texts = [name for name in X if name not in numbers]
encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
prepared = make_column_transformer(
    (SimpleImputer(strategy="median"), numbers),
    (make_pipeline(SimpleImputer(strategy="constant", fill_value="missing"), encoder), texts),
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
pipeline = make_pipeline(prepared, estimator).fit(X_train, y_train)
print(roc_auc_score(y_test, pipeline.predict_proba(X_test)[:, 1]))
"""


class Measured(NamedTuple):
    """One process and those that it started."""

    name: str
    seconds: float
    cpu: float
    memory: float  # MB: the most that all of them held at one moment
    said: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="default: %(default)s")
    parser.add_argument("--columns", type=int, default=COLUMNS, help="default: %(default)s")
    parser.add_argument("--model", default="xgboost", help="default: %(default)s")
    parser.add_argument("--threads", type=int, help="of each model; on a busy machine 1 says most")
    parser.add_argument("--work", type=Path, help="keep table and project in this folder")
    options = parser.parse_args()
    if options.threads:
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        show(measure(work, options.rows, options.columns, options.model))


def table(rows: int, columns: int = COLUMNS) -> pd.DataFrame:
    """Return customers of whom some leave: a key, features of every type, and `churned`.

    Columns beyond eleven are numbers, of which every tenth tells something of the target.
    """
    draw = np.random.default_rng(0)
    age = draw.integers(18, 90, rows)
    income = draw.lognormal(10, 0.6, rows).round(2)
    found = {
        "customer_id": draw.permutation(rows) + 1,
        "age": age,
        "tenure": draw.integers(0, 240, rows),
        "visits": draw.poisson(4, rows),
        "income": np.where(draw.random(rows) < 0.05, np.nan, income),
        "balance": draw.normal(0, 5000, rows).round(2),
        "plan": draw.choice(["basic", "free", "gold", "plus", "pro"], rows),
        "city": np.array([f"city {n:02d}" for n in range(40)])[draw.integers(0, 40, rows)],
        "newsletter": draw.random(rows) < 0.4,
        "active": draw.random(rows) < 0.8,
    }
    odds = (age - 50) / 20 - found["tenure"] / 100 + (found["plan"] == "free")
    odds = odds + np.log(income) - 10.5 - found["active"] + (found["balance"] < 0)
    for at in range(columns - COLUMNS):
        found[f"n{at:03d}"] = number = draw.normal(0, 1, rows).round(3)
        odds = odds + number / 4 if at % 10 == 0 else odds
    found["churned"] = (odds + draw.logistic(0, 1, rows) > 0).astype(int)
    return pd.DataFrame(found)


def measure(work: Path, rows: int, columns: int, model: str) -> list[Measured]:
    """Return the plain script, each verb, and the plain script again."""
    source, script = work / "customers.parquet", work / "plain.py"
    if not source.exists():
        table(rows, columns).to_parquet(source, index=False)
    script.write_text(PLAIN, encoding="utf-8")
    project = work / PACKAGE
    shutil.rmtree(project, ignore_errors=True)
    generate(work, model)
    seedling = [sys.executable, "-m", "seedling"]
    bring = ["create-local-datasets", "--from", str(source), "--target", "churned"]
    plain = [sys.executable, str(script), str(source), model]
    commands = {
        "plain script": plain,
        "create-local-datasets": [*seedling, *bring, "--key", "customer_id", "--yes"],
        "validate-datasets": [*seedling, "validate-datasets"],
        f"train --model {model}": [*seedling, "train", "--model", model],
        "train again, with a champion": [*seedling, "train", "--model", model],
        "plain script, again": plain,
    }
    return [run(name, command, project) for name, command in commands.items()]


def generate(work: Path, model: str) -> None:
    """Generate a finance project with one model below the work folder."""
    settings = work / "cookiecutter.yaml"
    settings.write_text(f"replay_dir: {work / 'replay'}\n", encoding="utf-8")
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--config-file", str(settings)]
    answers = ["--output-dir", str(work), str(ROOT), "vertical=finance", f"models={model}"]
    subprocess.run([*command, *answers], check=True, stdout=subprocess.PIPE)


def run(name: str, command: list[str], folder: Path) -> Measured:
    """Run a command and watch it.

    Raises:
        FailedError: it did not end well.
    """
    started, before = time.perf_counter(), cpu_of_children()
    variables = os.environ | {"PATH": search_path(), "COLUMNS": "200"}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    peak = [0.0]
    watcher = threading.Thread(target=watch, args=(process, peak))
    watcher.start()
    said, _ = process.communicate()
    seconds, cpu = time.perf_counter() - started, cpu_of_children() - before
    watcher.join()
    if process.returncode:
        raise FailedError(f"{name}: {said.strip()[-500:]}")
    return Measured(name, seconds, cpu, peak[0], said)


def watch(process: "subprocess.Popen[str]", peak: list[float]) -> None:
    """Note the largest memory of a process and its children, until it ends."""
    try:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            held = 0.0
            for each in [root, *root.children(recursive=True)]:
                try:
                    held += each.memory_info().rss / MB
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], held)
            time.sleep(SAMPLED)
    except psutil.NoSuchProcess:
        return


def cpu_of_children() -> float:
    """Return the seconds that processes which have ended took; 0 on Windows."""
    times = os.times()
    return times.children_user + times.children_system


def show(found: list[Measured]) -> None:
    """Print a line for each, with its ratios to the mean of the plain script's two runs."""
    plain = [each for each in found if each.name.startswith("plain")]
    seconds = sum(each.seconds for each in plain) / len(plain)
    cpu = sum(each.cpu for each in plain) / len(plain)
    if hasattr(os, "getloadavg"):
        print(f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':32}{'clock':>9}{'/ plain':>9}{'CPU':>9}{'/ plain':>9}{'memory':>10}")
    for each in found:
        clock = f"{each.seconds:>7.1f} s{each.seconds / seconds:>8.2f}x"
        work = f"{each.cpu:>7.1f} s{each.cpu / cpu:>8.2f}x"
        print(f"{each.name:32}{clock}{work}{each.memory:>7.0f} MB")
        for line in each.said.splitlines():
            if " done in " in line:
                print(f"    {line.strip()}")


if __name__ == "__main__":
    main()
