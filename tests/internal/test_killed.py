"""What a killed training leaves is removed by the next one, and named by doctor until then."""

import os
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress

import pytest
from ending import started, until

from seedling.cli.doctor import examine
from seedling.config import Project
from seedling.data import datasets
from seedling.errors import ProjectError
from seedling.testing import first_model, run_verb, sample_rows
from seedling.training import killed

SLOW = """
import time
def train_model(*_, **__):
    time.sleep(600)
"""


def statuses(project: Project) -> list[str]:
    path = project.assets / "mlflow.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as store:
        return [row[0] for row in store.execute("SELECT status FROM runs ORDER BY start_time")]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is Unix's")
def test_the_next_training_removes_what_a_killed_one_has_left(project: Project) -> None:
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    model = first_model(project)
    script = project.root / "models" / model / "train.py"
    text = script.read_text(encoding="utf-8")
    script.write_text(f"{text}\n{SLOW}", encoding="utf-8")
    with started(
        [sys.executable, "-m", "seedling", "train", "--model", model], project.root
    ) as run:
        assert until(lambda: statuses(project) == ["RUNNING"]), run.output()
        run.process.send_signal(signal.SIGKILL)
        assert run.is_gone()
    (folder,) = (project.assets / "runs").iterdir()
    aside = project.assets / "models" / ".xgboost.4711"
    aside.mkdir(parents=True)
    (aside / "model.pkl").write_bytes(b"half")
    os.utime(aside, (time.time() - 2 * killed.ASIDE_SECONDS,) * 2)
    found = {each.subject: each for each in examine(project)}["left behind"]
    assert (found.mark, "2 pieces" in found.message) == ("note", True)
    script.write_text(text, encoding="utf-8")
    done = run_verb(project, "train", "--model", model)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not folder.exists()
    assert not aside.exists()
    assert statuses(project) == ["KILLED", "FINISHED"]
    assert "left behind" not in {each.subject for each in examine(Project(project.root))}


def test_a_run_that_goes_on_and_one_that_failed_are_left_alone(project: Project) -> None:
    going_on, failed = (project.assets / "runs" / name for name in ("going-on", "failed"))
    with killed.held(going_on):
        with suppress(ProjectError), killed.held(failed):
            (failed / "log.txt").write_text("why", encoding="utf-8")
            raise ProjectError("a job failed")
        killed.remove(project)
        assert going_on.is_dir()
        assert (failed / "log.txt").is_file()


def test_what_is_half_written_now_is_left_alone(project: Project) -> None:
    aside = project.assets / "models" / ".xgboost.4711"
    aside.mkdir(parents=True)
    killed.remove(project)
    assert aside.is_dir()
