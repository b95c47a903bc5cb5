"""Two trainings that begin at once find one file of runs, whichever has written it."""

import subprocess
import sys
from pathlib import Path

from seedling.config import Project
from seedling.files import first
from seedling.training import past_runs

RUN = """
from seedling.config import Project
from seedling.training import mlflow_runs
project = Project.find()
with mlflow_runs.run(project, "any"):
    mlflow_runs.log_params({"model": "any"})
"""


def test_the_first_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with first(path) as one:
        one.write_text("one")
        other = path.with_name("other")
        other.write_text("other's, with a run in it")
        other.rename(path)
    assert path.read_text() == "other's, with a run in it"
    assert [*tmp_path.iterdir()] == [path]


def test_two_first_trainings_at_once_lose_no_run(project: Project) -> None:
    command = [sys.executable, "-c", RUN]
    both = [
        subprocess.Popen(command, cwd=project.root, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for each in both:
        _, said = each.communicate(timeout=300)
        assert each.returncode == 0, said
    assert [run.status for run in past_runs.read(project)] == ["FINISHED", "FINISHED"]
