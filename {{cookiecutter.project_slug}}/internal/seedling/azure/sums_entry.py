"""Azure ML's entry script of the parallel step that sums up: its code folder is the project."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

sums: Any = None


def init() -> None:
    """Read the arguments, once, as a process of the job starts; Azure ML adds its own to them."""
    global sums
    sys.path[:0] = [str(ROOT), str(ROOT / "internal")]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--config", "--training", "--output"):
        parser.add_argument(name, type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_known_args()[0]
    os.chdir(ROOT)
    from seedling.config import Project
    from seedling.training.part_sums import PartSums

    given.output.mkdir(parents=True, exist_ok=True)
    project = Project(ROOT, given.config)
    sums = PartSums(project, given.model, given.training, given.output, given.seed)


def run(mini_batch: list[str]) -> list[str]:
    """Write the sums of each file; return a line for each, of what was done."""
    return [sums.write(Path(path)) for path in mini_batch]
