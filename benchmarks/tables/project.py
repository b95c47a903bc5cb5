"""The project's side: a fresh one takes the table, trains, and says what it answers."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.environments import search_path
from benchmarks.tables.sources import Table
from tools.demo import ROOT

# Positions are those of the table's rows, as its file has them.
ANSWERS = """
import json, sys
import numpy as np
from seedling.config import Project
from seedling.data import datasets
from seedling.data.sides import sides
from seedling.registry import model_files
from seedling.serving import unnamed
project = Project.find()
config, dataset = project.config, project.config.datasets[0]
read = datasets.labelled(datasets.rows_of(project, dataset).rows, dataset, dataset.name)
rows = datasets.load(project, dataset)
assert len(rows) == len(read)
rows.index = read.index
found = sides(rows, dataset, config.holdout(dataset))
champions = unnamed.on_disk(project, config)
best = unnamed.choose(config, champions).model
entry = next(each for each in config.models if each.model == best)
folder = project.model_path(entry)
champion = model_files.load(best, entry.version, folder, entry.sha256)
said = champion.answer(champion.derived(found.holdout))
numbers = dataset.task == "regression"
np.savez(sys.argv[1], scores=np.asarray(said["predictions" if numbers else "scores"], dtype=float))
truth = found.holdout[dataset.target.name].tolist()
print(json.dumps({
    "training": found.training.index.tolist(), "holdout": found.holdout.index.tolist(),
    "truth": [value if numbers else str(value) for value in truth],
    "labels": [] if numbers else [str(label) for label in said["labels"]],
    "best": best, "key": dataset.entity_key, "read": dataset.read.model_dump(mode="json"),
    "metrics": {name: each.metrics.get(dataset.metric) for name, each in champions.items()},
    "features": {column.name: column.type for column in dataset.features},
    "ignored": list(dataset.ignored),
    "day_first": any(getattr(column, "day_first", False) for column in dataset.raw),
}))
"""


class RefusedError(Exception):
    """A verb that ended with an error; the message is its line."""


class Trained(NamedTuple):
    """A project that has learned from a table.

    Attributes:
        root: its folder.
        proposed: what the verb made of the table, in a few words.
        seconds: that `train` took.
        facts: what ANSWERS prints.
        scores: of the best model for the holdout: n numbers, or n rows of probabilities.
    """

    root: Path
    proposed: str
    seconds: float
    facts: dict[str, Any]
    scores: Any


def generate(work: Path, numbers: bool, models: str) -> Path:
    """A fresh project for classes or numbers, in a folder of its own."""
    work = Path(tempfile.mkdtemp(prefix="project-", dir=work))
    vertical = "hello_world" if numbers else "finance"
    models = models.replace("logistic", "linear") if numbers else models
    settings = work / "cookiecutter.yaml"
    settings.write_text(f"replay_dir: {work / 'replay'}\n", encoding="utf-8")
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--config-file", str(settings)]
    answers = [f"vertical={vertical}", "project_slug=brought", f"models={models}"]
    root = work / "brought"
    subprocess.run([*command, "-o", str(work), str(ROOT), *answers], check=True)
    return root


def verb(root: Path, *words: str) -> str:
    """What a verb of the project prints.

    Raises:
        RefusedError: it ended with an error.
    """
    done = subprocess.run(
        [sys.executable, "-m", "seedling", *words],
        cwd=root,
        env=os.environ | {"PATH": search_path(), "COLUMNS": "300"},
        text=True,
        encoding="utf-8",
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        errors = [line for line in said if line.startswith("Error: ")]
        raise RefusedError((errors or said or ["nothing was said"])[-1])
    return done.stdout


def train(root: Path, table: Table, path: Path) -> Trained:
    """Bring the table, train every model, and answer the holdout.

    Raises:
        RefusedError: the table was not taken, or not trained from.
    """
    options = ["--target", table.target, *(["--key", table.key] if table.key else [])]
    verb(root, "create-local-datasets", "--from", str(path), *options, "--yes")
    started = time.perf_counter()
    verb(root, "train")
    seconds = time.perf_counter() - started
    answers = root / "answers.npz"
    done = subprocess.run(
        [sys.executable, "-c", ANSWERS, str(answers)],
        cwd=root,
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    facts = json.loads(done.stdout.splitlines()[-1])
    return Trained(root, words(facts), seconds, facts, np.load(answers)["scores"])


def words(facts: dict[str, Any]) -> str:
    """The features by type, the key and what was left out: `8 numbers, 2 dates; key id; no zip`."""
    kinds = list(facts["features"].values())
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    key = f"; key {', '.join(facts['key'])}" if facts["key"] else ""
    ignored = [name for name in facts["ignored"] if name not in facts["key"]]
    shown = ", ".join(ignored[:4]) + (f" and {len(ignored) - 4} more" if ignored[4:] else "")
    return counted + key + (f"; without {shown}" if ignored else "")
