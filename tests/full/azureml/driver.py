"""Calls a script's init() and run(mini_batch), as Azure ML does for batch and parallel jobs.

The results go to a file in the order in which they come. What run() leaves out, and a mini-batch
that fails again and again, counts as failed files. It imports nothing of this package: it runs in
the environment of the job.
"""

import argparse
import importlib.util
import sys
import traceback
from pathlib import Path

PATH = sys.path[1:]


def main() -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--size", type=int)
    parser.add_argument("--retries", type=int)
    parser.add_argument("--threshold", type=int)
    parser.add_argument("--batches", type=int, default=-1)
    parser.add_argument("--twice", action="store_true")
    own, theirs = parser.parse_known_args()
    sys.argv = [str(own.script), *theirs]
    sys.path[0] = str(own.script.parent.resolve())
    nodes = [node(own.script) for _ in range(1 + own.twice)]
    files = [own.data] if own.data.is_file() else [one for one in own.data.rglob("*")]
    files = sorted((str(one) for one in files if one.is_file()), reverse=True)
    failed = failed_batches = 0
    batches = [files[start : start + own.size] for start in range(0, len(files), own.size)]
    delivered = [(batch, nodes[0]) for batch in batches]
    if own.twice:  # the first one to the same node, and it and the last one to another one too
        delivered = [delivered[0], *delivered, (batches[0], nodes[1]), (batches[-1], nodes[1])]
    for batch, script in delivered:
        results = attempt(script, batch, own.retries)
        print(f"A mini-batch of {len(batch)} files: {len(results or [])} results.", flush=True)
        failed += max(0, len(batch) - len(results or []))
        failed_batches += results is None
        if own.rows:
            with own.rows.open("a", encoding="utf-8", newline="") as stream:
                stream.writelines(f"{result}\n" for result in results or [])
        if 0 <= own.threshold < failed:
            print(f"The error threshold is reached: {failed} files have failed.", flush=True)
            return 1
        if 0 <= own.batches < failed_batches:
            print(f"The error threshold is reached: {failed_batches} mini-batches have failed.")
            return 1
    return 0


def node(path: Path) -> object:
    """The script as a process of a node has it."""
    spec = importlib.util.spec_from_file_location("entry", path.resolve())
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.init()
    return script


def attempt(script: object, batch: list[str], retries: int) -> list[object] | None:
    """The results; none where it has failed as often as it may."""
    for _ in range(retries + 1):
        try:
            results = script.run(list(batch))
        except Exception:
            traceback.print_exc()
            continue
        if not hasattr(results, "__len__"):
            raise TypeError("run() must return a list or a table.")
        return list(results)
    return None


if __name__ == "__main__":
    sys.exit(main())
