"""The others' side: the plain pipeline and FLAML on the same rows, in their own environment."""

import csv
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environments import python_of, run, search_path
from benchmarks.tables.project import Trained
from benchmarks.tables.sources import Table

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"


def environment(work: Path) -> Path:
    """The virtual environment of requirements.txt, made once per work folder."""
    folder, wanted = work / "environment", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv", path=search_path()) or "uv"
    run([uv, "venv", "--quiet", "--python", sys.executable, folder], work)
    install = [uv, "pip", "install", "--quiet", "--python", python_of(folder), "-r", REQUIREMENTS]
    run(install, work)
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def job(table: Table, path: Path, trained: Trained, answer: Path) -> dict[str, Any]:
    """What a peer is told: the file and how it is read, the target, and the rows of each side.

    How the file is read is what `create-local-datasets` has found, for read_csv finds none of it.
    """
    facts = trained.facts
    read = read_options(facts, path)
    return {
        "path": str(path),
        "read": read,
        "target": table.target,
        "left_out": facts["key"],
        "numbers": table.numbers,
        "day_first": facts["day_first"],
        "training": facts["training"],
        "holdout": facts["holdout"],
        "answer": str(answer),
        "seconds": trained.seconds,
    }


def read_options(facts: dict[str, Any], path: Path) -> dict[str, Any]:
    """The arguments of `pandas.read_csv` that read a file as the project does."""
    read = facts["read"]
    separator = read["separator"] or ("\t" if path.suffix == ".tsv" else ",")
    options = {"sep": separator, "encoding": read["encoding"], "decimal": read["decimal"]}
    options |= {"thousands": read["thousands"], "comment": read["comment"] or None}
    options |= {"skiprows": read["skip"] or None, "na_values": read["na"] or None}
    if read["header"] is not True:
        with path.open(encoding=read["encoding"], newline="") as stream:
            width = len(next(csv.reader(stream, delimiter=separator)))
        options["header"] = None
        options["names"] = read["header"] or [f"column_{at}" for at in range(1, width + 1)]
    kept = {name: value for name, value in options.items() if value is not None}
    kept |= {"header": None} if "names" in kept else {}
    return kept | {"on_bad_lines": "skip", "low_memory": False}


def scores(environment: Path, script: str, told: dict[str, Any], work: Path) -> tuple[Any, Any]:
    """What a peer answers for the holdout, with its labels in their order."""
    path = work / f"{Path(script).stem}.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    run([python_of(environment), HERE / script, path], work)
    with np.load(told["answer"]) as found:
        return found["scores"], [str(label) for label in found["labels"]]
