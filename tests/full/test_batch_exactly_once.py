"""A million rows: killed twenty times at random, on a full disk, by two runs at once.

Each time the output has the bytes, and its manifest the checksum, of a run that nothing disturbed.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pyarrow as pa
import pytest
from baking import environment, generate, run
from pyarrow import parquet

from seedling.files import sha256

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are Unix's"),
]

ROWS, GROUP = 1_000_000, 50_000
KILLS = 20
MOST_SECONDS = 2.0  # from the start of a run to its kill
ANSWERS = {"vertical": "finance", "models": "logistic_regression"}
SAMPLE = """
import sys
from seedling.config import Project
from seedling.testing import sample_rows
dataset = Project.find().config.datasets[0]
rows = sample_rows(dataset, int(sys.argv[1])).drop(columns=dataset.target.name)
rows.to_parquet("few.parquet", index=False)
"""
IN_PROCESSES = """
import runpy
from seedling.serving.score_files import Scorer
Scorer.is_by_arrays = False  # as of a model for which Python runs for each cell
runpy.run_module("seedling", run_name="__main__", alter_sys=True)
"""


class Million(NamedTuple):
    """A project with a million rows, and what an undisturbed run has made of them."""

    root: Path
    seconds: float
    sha256: str
    checksum: str

    def start(
        self, output: str, *words: str, limit: int = 0, in_processes: bool = False
    ) -> "subprocess.Popen[str]":
        """Start a run in a session of its own; no file may be larger than a limit.

        It scores in threads, unless processes are asked for.
        """

        def limited() -> None:
            import resource

            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        way = ["-c", IN_PROCESSES] if in_processes else ["-m", "seedling"]
        return subprocess.Popen(
            [sys.executable, *way, "batch-score", "rows.parquet", output, *words],
            cwd=self.root,
            env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=limited,
        )

    def check(self, output: str) -> None:
        """Check an output, and that nothing is left beside it."""
        path = self.root / output
        assert sha256(path) == self.sha256
        line = path.with_name(f"{output}.manifest").read_text(encoding="utf-8").splitlines()[-1]
        facts = json.loads(line)
        assert (facts["rows"], facts["rejected"]) == (ROWS, 0)
        assert facts["checksum"] == self.checksum
        assert not path.with_name(f"{output}.parts").exists()


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Million:
    root = generate(tmp_path_factory.mktemp("million") / "project", ANSWERS)
    run([sys.executable, "-m", "seedling", "create-local-datasets"], root)
    run([sys.executable, "-m", "seedling", "train"], root)
    run([sys.executable, "-c", SAMPLE, str(GROUP)], root)
    few = parquet.read_table(root / "few.parquet")
    rows = pa.concat_tables([few] * (ROWS // GROUP))
    parquet.write_table(rows, root / "rows.parquet", row_group_size=GROUP)
    empty = Million(root, 0, "", "")
    began = time.monotonic()
    words, errors = (process := empty.start("whole.csv")).communicate()
    seconds = time.monotonic() - began
    assert process.returncode == 0, errors
    alone = empty.start("alone.csv", "--workers", "2", in_processes=True)
    _, errors = alone.communicate()
    assert alone.returncode == 0, errors
    assert sha256(root / "alone.csv") == sha256(root / "whole.csv")
    facts = json.loads((root / "whole.csv.manifest").read_text(encoding="utf-8"))
    print(f"{seconds:.1f} s undisturbed: {words}")
    return Million(root, seconds, sha256(root / "whole.csv"), facts["checksum"])


def left(process: "subprocess.Popen[str]") -> Iterator[psutil.Process]:
    """Yield the processes of a run's session that are there still."""
    for each in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getsid(each.pid) == process.pid and each.status() != psutil.STATUS_ZOMBIE:
                yield each


def is_gone(process: "subprocess.Popen[str]") -> bool:
    """Return whether nothing of a run is left, at once or soon."""
    until = time.monotonic() + 30
    while any(True for _ in left(process)) and time.monotonic() < until:
        time.sleep(0.05)
    return not [*left(process)]


def kill_worker(process: "subprocess.Popen[str]", by: random.Random) -> bool:
    """Kill one of a run's workers, if it has one by now."""
    with suppress(psutil.Error):
        found = psutil.Process(process.pid).children()
        workers = [each for each in found if "spawn_main" in " ".join(each.cmdline())]
        if workers:
            by.choice(workers).kill()
            return True
    return False


def test_a_million_rows_killed_twenty_times_are_those_of_an_undisturbed_run(
    million: Million,
) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    print(f"SEED={seed}")
    by = random.Random(seed)  # noqa: S311
    kills = workers = ended = 0
    while kills < KILLS:
        in_processes = by.random() < 0.5
        process = million.start("out.csv", "--workers", "2", in_processes=in_processes)
        assert process.stderr
        while "Scoring" not in (line := process.stderr.readline()):
            assert line, "it ended before it began"
        time.sleep(by.uniform(0, max(0.2, min(MOST_SECONDS, million.seconds / 4))))
        if by.random() < 0.4:
            workers += kill_worker(process, by)
            time.sleep(by.uniform(0, 0.5))
        if process.poll() is not None:
            assert process.returncode == 0, process.stderr.read()
            million.check("out.csv")  # and all rows are scored again
            ended += 1
        elif by.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        else:
            process.kill()  # its workers end by themselves
            kills += 1
        process.communicate()
        assert is_gone(process)
    began = time.monotonic()
    process = million.start("out.csv")
    words, errors = process.communicate()
    assert process.returncode == 0, errors
    seconds = time.monotonic() - began
    print(f"{kills} kills, {workers} of workers, {ended} runs ended, {seconds:.1f} s: {words}")
    million.check("out.csv")


@pytest.mark.parametrize("limit", [1_000_000, 20_000_000], ids=["a part", "the output"])
def test_a_full_disk_costs_what_was_not_written(million: Million, limit: int) -> None:
    output = f"full at {limit}.csv"
    process = million.start(output, limit=limit)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.splitlines()[-1].endswith("Make room, and run the verb again.")
    assert not (million.root / output).exists()
    process = million.start(output)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    million.check(output)


def test_two_runs_at_once_do_not_hurt_each_other(million: Million) -> None:
    both = [million.start("both.csv", "--workers", "2") for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    codes = [process.returncode for process in both]
    if codes != [0, 0]:  # unless one had ended before the other began
        assert sorted(codes) == [0, 1]
        assert "Another run is writing both.csv" in errors[codes.index(1)]
    million.check("both.csv")
