"""Two trainings that begin at once find one file of runs, whichever has written it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seedling.config import Project
from seedling.files import first
from seedling.training import mlflow_runs, past_runs

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


def test_an_experiment_that_is_made_meanwhile_is_the_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each model of a training looks for it, also in a file that was made for another name."""
    from mlflow import MlflowClient

    mlflow_runs.prepare(project)
    looked: list[str] = []
    own = MlflowClient.get_experiment_by_name

    def look(client: MlflowClient, name: str) -> Any:
        looked.append(name)
        return own(client, name) if len(looked) > 1 else None  # another process makes it then

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", look)
    with mlflow_runs.run(project, "any"):
        mlflow_runs.log_params({"model": "any"})
    assert [run.status for run in past_runs.read(project)] == ["FINISHED"]
