"""Tables as people have them: `python -m benchmarks.tables [--folder FOLDER] [--only NAME ...]`.

Each table is brought to a fresh project with no more than its target and its key. All models are
trained; the best of them answers the project's holdout, and so do a plain pipeline (`plain.py`) and
FLAML, which had as many seconds as `train`. Then every row of the file must have a line in
`batch-score`, and 200 rows as they are typed an answer over HTTP, the same one.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.environments import FailedError
from benchmarks.tables import answers, compare, peers, project, sources
from benchmarks.tables.project import RefusedError, Trained
from benchmarks.tables.sources import Table
from tools.demo import ROOT

FOLDER = ROOT.parent / "shared" / "data" / "tables"
MODELS = "logistic_regression,random_forest,gradient_boosting,xgboost"
FEWEST, BELOW = 500, 0.005  # holdout rows, from which on no more than this is lost to plain
HEAD = (
    "| table | rows | held out | proposed | best model | score | plain | difference | FLAML | "
    "difference | train | answers |\n|---|---:|---:|---|---|---:|---:|---|---:|---|---:|---|"
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.tables", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of tables; default: beside us")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="tables by name")
    parser.add_argument("--models", default=MODELS, help="default: %(default)s")
    parser.add_argument("--no-flaml", action="store_true", help="compare with plain only")
    parser.add_argument("--no-answers", action="store_true", help="neither batch nor HTTP")
    parser.add_argument("--work", type=Path, help="keep environment, tables and results here")
    options = parser.parse_args(arguments)
    tables = [*sources.FOLDER, *sources.PACKAGED]
    if options.only:
        tables = [table for table in tables if table.name in options.only]
    if any(table.in_folder for table in tables) and not options.folder.is_dir():
        print(f"There is no folder {options.folder}: its tables are left out (--folder).")
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        environment = peers.environment(work)
        files = sources.files(tables, options.folder, environment, work / "tables")
        print(HEAD, flush=True)
        faults = []
        for table, path in files.items():
            root = project.generate(work, table.numbers, options.models)
            faults += measure(table, path, root, work, options)
            shutil.rmtree(root.parent, ignore_errors=True)  # a service may still be ending
    print()
    for fault in faults:
        print(f"- {fault}")
    return bool(faults)


def measure(
    table: Table, path: Path, root: Path, work: Path, options: argparse.Namespace
) -> list[str]:
    """Print a table's line; return what is wrong, and keep all of it as JSON in the work folder."""
    environment = work / "environment"
    try:
        trained = project.train(root, table, path)
    except RefusedError as error:
        print(f"| {table.name} |  |  | {error} |" + "  |" * 8, flush=True)
        return [f"{table.name}: {error}"]
    found: dict[str, Any] = {"table": table.name}
    faults: list[str] = []
    truth = compare.truth(trained.facts["truth"], trained.facts["labels"])
    ours = truth.score(trained.scores)
    cells = []
    for script in ["plain.py", *([] if options.no_flaml else ["flaml_automl.py"])]:
        told = peers.job(table, path, trained, work / "answer.npz")
        try:
            scores, labels = peers.scores(environment, script, told, work)
        except FailedError as error:
            faults.append(f"{table.name}: {error}")
            cells.append("failed |")
            continue
        scores = compare.in_order(scores, labels, truth)
        theirs = truth.score(scores)
        low, high = compare.interval(truth, trained.scores, scores)
        cells.append(f"{theirs:.4f} | {ours - theirs:+.4f} ({low:+.4f} to {high:+.4f})")
        found[script] = theirs
        if script == "plain.py" and len(truth.values) > FEWEST and ours < theirs - BELOW:
            faults.append(f"{table.name}: {theirs - ours:.4f} below the plain pipeline")
    cells += [" | "] * (2 - len(cells))
    answered = ""
    if not options.no_answers:
        rows = typed(path, trained)
        wrong = answers.faults(trained, rows, path)
        faults += [f"{table.name}: {each}" for each in wrong]
        answered = f"{len(wrong)} faults" if wrong else "all"
    total = len(trained.facts["training"]) + len(truth.values)
    print(
        f"| {table.name} | {total:,} | {len(truth.values):,} | {trained.proposed} | "
        f"{trained.facts['best']} | {truth.metric} {ours:.4f} | {' | '.join(cells)} | "
        f"{trained.seconds:.0f} s | {answered} |",
        flush=True,
    )
    found |= {"ours": ours, "seconds": trained.seconds, "metrics": trained.facts["metrics"]}
    found |= {"held out": len(truth.values), "faults": faults}
    with (work / "results.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(found) + "\n")
    return faults


def typed(path: Path, trained: Trained) -> list[dict[str, Any]]:
    """The rows of the original file as a person would type them: texts, as they stand there."""
    if path.suffix == ".parquet":
        rows = pd.read_parquet(path)
        return json.loads(rows.to_json(orient="records", date_format="iso"))
    told = peers.read_options(trained.facts, path)
    told = {name: told[name] for name in told if name not in ("decimal", "thousands", "na_values")}
    rows = pd.read_csv(path, **told, dtype=str, keep_default_na=False)
    rows = rows.loc[:, (rows != "").any()]  # nobody types what follows a trailing separator
    return [{str(name): row[name] for name in row} for row in rows.to_dict("records")]


if __name__ == "__main__":
    sys.exit(main())
