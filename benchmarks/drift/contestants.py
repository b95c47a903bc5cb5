"""One way to look for drift between two Parquet files, in a process and an environment of its own.

`contestants.py NAME REFERENCE LATER LIMIT`: prints one line of JSON, at the latest after so many
seconds of a core. `evidently:ks:psi` asks Evidently for two statistics, of numbers and of
categories, in the place of its defaults. This script imports nothing of the repository but what
each way needs, since Evidently has an environment without it.
"""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

MEGABYTE = 1024  # of ru_maxrss on Linux
ROWS = 65_536  # at once


def ours(reference: Path, later: Path) -> dict[str, Any]:
    """Count the later table by the stored profile of the reference, and compare the two."""
    from benchmarks.drift.tables import dataset_of
    from seedling.data import arrow_tables
    from seedling.monitoring import profiles
    from seedling.monitoring.drift import drifts

    known = profiles.read(reference.with_suffix(".json"))
    profiler = profiles.Profiler(dataset_of(reference), known)
    for batch, _ in arrow_tables.batches(later, ROWS, known.features):
        profiler.add(batch)
    return {
        drift.name: {
            "moved": drift.status not in ("steady", "too few rows"),
            "drift": drift.status in ("moderate", "severe"),
            "ks": drift.ks,
            "bound": drift.ks_bound,
            "wasserstein": drift.wasserstein,
            "js": drift.js,
            "psi": drift.psi,
            "tests": drift.tests,
        }
        for drift in drifts(known, profiler.finish())
    }


def profiled(reference: Path, later: Path) -> dict[str, Any]:
    """Make the profile of the reference, as training does once for a version."""
    from benchmarks.drift.tables import dataset_of
    from seedling.data import arrow_tables
    from seedling.monitoring import profiles

    dataset = dataset_of(reference)
    profiler = profiles.Profiler(dataset)
    for batch, _ in arrow_tables.batches(reference, ROWS, [column.name for column in dataset.raw]):
        profiler.add(batch)
    profiles.write(reference.with_suffix(".json"), profiler.finish())
    return {}


def evidently(reference: Path, later: Path, **methods: str) -> dict[str, Any]:
    """Run Evidently's preset of drift."""
    import pandas as pd
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    then, now = (Dataset.from_pandas(pd.read_parquet(path)) for path in (reference, later))
    found = Report([DataDriftPreset(**methods)]).run(now, then).dict()
    columns = {}
    for metric in found["metrics"]:
        column = metric["config"].get("column")
        if column:
            config, value = metric["config"], float(metric["value"])
            method = str(config.get("method"))
            is_p = "p_value" in method
            drift = value < 0.05 if is_p else value >= 0.1
            columns[column] = {"drift": drift, "method": method, "score": value}
    return columns


CONTESTANTS = {"profile": profiled, "ours": ours, "evidently": evidently}


def main(name: str, reference: str, later: str, limit: str) -> None:
    begin, cpu = time.perf_counter(), time.process_time()

    def report(columns: dict[str, Any], ended: bool = True) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        found = {
            "ended": ended,
            "seconds": time.perf_counter() - begin,
            "core": time.process_time() - cpu,
            "megabytes": used.ru_maxrss / MEGABYTE,
            "columns": columns,
        }
        print(json.dumps(found), flush=True)

    def give_up(*_: Any) -> None:
        report({}, ended=False)
        os._exit(0)

    signal.signal(signal.SIGXCPU, give_up)
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), resource.RLIM_INFINITY))
    way, *methods = name.split(":")
    named = dict(zip(("num_method", "cat_method"), methods, strict=False))
    report(CONTESTANTS[way](Path(reference), Path(later), **named))


if __name__ == "__main__":
    os.environ.setdefault("DO_NOT_TRACK", "1")
    sys.path.insert(0, os.getcwd())
    main(*sys.argv[1:])
