"""The difference of a project's data to that of before: schema, rows, and each column's drift."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from seedling.config import Dataset, Project
from seedling.config.document import parse, read_text
from seedling.data.dataset_files import note_path
from seedling.data.datasets import read_table
from seedling.data.large_table import tables
from seedling.files import read_json, sha256
from seedling.lifecycle.review.notes import Created, Rows
from seedling.monitoring import drift, expected
from seedling.monitoring.drift import ORDER, Drift, DriftSettings
from seedling.monitoring.profiles import Profiler

BATCH = 50_000  # rows that are counted at once
MAKERS = ("dataset_creation", "common_utils")  # folders whose code makes a dataset's rows
COLUMNS = ("features", "inputs", "target")

Entry = Mapping[str, Any]


def entries(root: Path) -> dict[str, Any]:
    """Read model.yaml as plain values, also one that this version would refuse."""
    from ruamel.yaml import YAML

    path = root / "model.yaml"
    found: dict[str, Any] = parse(YAML(typ="safe", pure=True), read_text(path), path)
    return found


def of_dataset(found: Mapping[str, Any], name: str) -> Entry:
    """Return the entry of a dataset; empty if there is none."""
    listed = found.get("datasets") or []
    return next((each for each in listed if isinstance(each, dict) and each["name"] == name), {})


def schema(entry: Entry) -> list[str]:
    """Return a dataset's entry as lines: one for each column, and one for each other key."""
    lines = []
    for key, value in entry.items():
        for each in value if key in COLUMNS and isinstance(value, list) else [value]:
            lines.append(f"{key}: {_flow(each)}")
    return lines


def schema_changes(before: Entry, here: Entry) -> tuple[list[str], list[str]]:
    """Return the lines of the schema that are gone, and those that are new."""
    old, new = schema(before), schema(here)
    return [line for line in old if line not in new], [line for line in new if line not in old]


def is_made_alike(before: Path, here: Path, name: str) -> bool:
    """Say whether the files of two folders yield the same rows of a dataset from one source."""
    old, new = entries(before), entries(here)
    if of_dataset(old, name) != of_dataset(new, name):
        return False
    if old.get("feature_store") != new.get("feature_store"):
        return False
    source = str(of_dataset(new, name).get("source", ""))
    return all(_hash(before / each) == _hash(here / each) for each in (*MAKERS, source))


def compared(project: Project, dataset: Dataset, before: Created | None, entry: Entry) -> Rows:
    """Compare a dataset with that of before.

    Args:
        project: this checkout's.
        dataset: one of it, which is created.
        before: what the files of before have yielded; None where these are the same rows.
        entry: the dataset's entry in the model.yaml of before; empty if it has none.
    """
    here = of_dataset(entries(project.root), dataset.name)
    path = project.dataset_path(dataset)
    rows = _count(path)
    if not entry:
        return Rows(dataset.name, rows=rows, remark="A new dataset.")
    removed, added = schema_changes(entry, here)
    if before is None:
        return Rows(dataset.name, removed, added, rows, rows, same=True)
    if before.problem:
        remark = f"The files of before yield no rows here: {before.problem}."
        return Rows(dataset.name, removed, added, rows, remark=remark)
    old = Path(before.path)
    drifts = _drifts(project, dataset, old, path)
    return Rows(dataset.name, removed, added, rows, _count(old), drifts=drifts)


def _drifts(project: Project, dataset: Dataset, old: Path, new: Path) -> list[Drift]:
    """Compare the columns that both files have, target included where it can be counted."""
    reference = Profiler(dataset)
    for rows in _parts(old):
        reference.add(rows)
    known = reference.finish()
    window = Profiler(dataset, known)
    for rows in _parts(new):
        window.add(rows)
    limits = project.config.monitoring.drift
    settings = DriftSettings(limits.alpha, limits.moderate, limits.severe)
    found = drift.drifts(known, window.finish(), settings, expected.of(dataset))
    return sorted(found, key=lambda each: (-ORDER.index(each.status), -each.effect))


def _count(path: Path) -> int:
    """Return the number of rows that was noted when a dataset's file was created."""
    return int(read_json(note_path(path))["rows"])


def _parts(path: Path) -> Iterator[pd.DataFrame]:
    if path.suffix == ".parquet":
        yield from (table.to_pandas(ignore_metadata=True) for table in tables(path, BATCH))
    else:
        yield read_table(path)


def _flow(value: Any) -> str:
    """Return a value as YAML writes it in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_flow(each) for each in value)}]"
    if isinstance(value, str):
        plain = value and value.isascii() and value.replace("_", "a").replace(" ", "a").isalnum()
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=str)


def _hash(path: Path) -> str:
    return sha256(path) if path.exists() else ""
