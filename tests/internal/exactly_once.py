"""Runs of batch scoring in other processes, which end at chosen places, and what they have left."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

from seedling.config import Project

# A run in a process that kills itself before or after the nth call of a function.
KILLED = """
import importlib, itertools, os, signal, sys
from seedling.cli.main import main
from seedling.scoring import tasks
place, when, number, size, *words = sys.argv[1:]
tasks.PART_ROWS = int(size)
module, name = place.rsplit(".", 1)
module = importlib.import_module(module)
called, numbers = getattr(module, name), itertools.count(1)
def calling(*arguments, **options):
    count = next(numbers)  # threads call it too
    if when == "before" and count == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    found = called(*arguments, **options)
    if when == "after" and count == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(module, name, calling)
main(["batch-score", *words], prog_name="seedling")
"""


def killed(
    project: Project, place: str, when: str, number: int, size: int, *words: str
) -> "subprocess.CompletedProcess[str]":
    """Run `batch-score` until it kills itself at a place: `module.function`."""
    return run_python(project, ["-c", KILLED, place, when, str(number), str(size), *words])


def run_python(project: Project, words: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run Python in a project's folder."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=project.root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )


def lines_of(path: Path) -> list[dict[str, str]]:
    """Return the lines of a CSV, each by column."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def checksums(output: Path) -> list[str]:
    """Return the checksum of each run in an output's manifest."""
    manifest = output.with_name(f"{output.name}.manifest")
    found = manifest.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["checksum"] for line in found]
