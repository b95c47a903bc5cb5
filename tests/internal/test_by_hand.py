"""A model's train.py and the pipeline's steps, run as a person or an editor's run button does.

On other verticals than the first one, what depends on them is in the scripts: there they begin with
their libraries loaded, and with a file of runs.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import warm

from seedling import steps
from seedling.config import Project
from seedling.data import datasets
from seedling.scaffold import copy_model
from seedling.testing import add_runs, first_model, sample_rows, sent_to

ELSEWHERE = bool(os.environ.get("VERTICAL"))  # as conftest.py has it
STEPS = ("prepare", "train", "evaluate", "register")
HOME = Path(steps.__file__).parent


@pytest.fixture
def filled(project: Project) -> Project:
    """The project with rows of its own."""
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    if ELSEWHERE:
        add_runs(project)
    return project


def run(
    folder: Path, *words: str | Path, installed: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    more = {"PYTHONPATH": str(installed)} if installed else {}
    if ELSEWHERE:
        python, texts = Path(sys.executable), [str(word) for word in words]
        return warm.call(python, texts, folder, os.environ | more)
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | more,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.every_vertical
def test_a_models_train_py_and_predict_py_run_by_themselves_from_any_folder(
    filled: Project, tmp_path: Path
) -> None:
    first, before = first_model(filled), filled.config_path.read_bytes()
    done = run(tmp_path, filled.root / "models" / first / "train.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{first}: Registered as" in done.stdout
    assert [entry.model for entry in Project(filled.root).registered_here] == [first]
    assert filled.config_path.read_bytes() == before
    answered = run(tmp_path, filled.root / "models" / first / "predict.py")
    assert answered.returncode == 0, answered.stderr
    head, names, *lines = answered.stdout.splitlines()
    assert head == f"{first}, version 1, on its test instances:"
    assert "prediction" in names
    assert len(lines) == len(sent_to(first))


def test_the_train_py_of_a_copied_model_trains_the_copy(filled: Project) -> None:
    copy_model.copy(filled, "mine", first_model(filled))
    done = run(filled.root / "models" / "mine", "train.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [entry.model for entry in Project(filled.root).registered_here] == ["mine"]


@pytest.mark.every_vertical
def test_every_script_of_the_team_does_something_where_it_is_run_by_itself(
    project: Project, tmp_path: Path
) -> None:
    """A model's train.py and predict.py are in the test above, a service that starts in others."""
    first, root = first_model(project), project.root
    refused = run(root, f"models/{first}/predict.py")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"Error: {first} is not registered: run train.\n"
    said = run(tmp_path, root / "dataset_creation" / "create_datasets.py")
    assert said.returncode == 0, said.stderr
    dataset = project.config.datasets[0]
    path = project.dataset_path(dataset).relative_to(root)
    assert f"{path.as_posix()}: " in said.stdout
    # It may import others of the team's files: init has installed the project, with its folder.
    shown = run(root, "dataset_creation/sample_data.py", installed=root)
    assert shown.returncode == 0, shown.stderr
    assert "rows x" in shown.stdout
    served = run(tmp_path, root / "serve" / "serve.py")
    assert (served.returncode, served.stdout) == (1, "")
    assert served.stderr == "Error: No model is registered: run train.\n"


def test_without_data_a_models_train_py_says_so_in_one_line(project: Project) -> None:
    done = run(project.root, f"models/{first_model(project)}/train.py")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "run create-local-datasets" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_each_step_runs_by_itself_after_the_one_before(filled: Project) -> None:
    early = run(filled.root, "-m", "seedling.steps.train")
    assert (early.returncode, early.stdout) == (1, "")
    assert "run python -m seedling.steps.prepare first" in early.stderr
    said = ""
    for step in STEPS:
        done = run(filled.root / "models", HOME / f"{step}.py")
        assert done.returncode == 0, done.stdout + done.stderr
        said = done.stdout
    assert f"{first_model(filled)}: Registered as" in said
    assert [entry.version for entry in Project(filled.root).registered_here] == ["1"]
    manual = filled.assets / "runs" / "manual"
    report = manual / f"evaluate_{first_model(filled)}" / "evaluation" / "report.html"
    assert report.is_file()


@pytest.mark.parametrize("step", STEPS)
def test_each_step_explains_its_options(project: Project, step: str) -> None:
    done = run(project.root, HOME / f"{step}.py", "-h")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("local_assets/runs/manual/") >= 2
