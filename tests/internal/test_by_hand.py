"""A model's train.py and the pipeline's steps, run as a person or an editor's run button does."""

import subprocess
import sys
from pathlib import Path

import pytest

from seedling import steps
from seedling.config import Project
from seedling.data import datasets
from seedling.scaffold import copy_model
from seedling.testing import first_model, sample_rows

STEPS = ("prepare", "train", "evaluate", "register")
HOME = Path(steps.__file__).parent


@pytest.fixture
def filled(project: Project) -> Project:
    """The project with rows of its own."""
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    return project


def run(folder: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=600
    )


def test_a_models_train_py_trains_that_model_from_any_folder(
    filled: Project, tmp_path: Path
) -> None:
    first, before = first_model(filled), filled.config_path.read_bytes()
    done = run(tmp_path, filled.root / "models" / first / "train.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{first}: Registered as" in done.stdout
    assert [entry.model for entry in Project(filled.root).registered_here] == [first]
    assert filled.config_path.read_bytes() == before
    copy_model.copy(filled, "mine", first)
    done = run(filled.root / "models" / "mine", "train.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {entry.model for entry in Project(filled.root).registered_here} == {first, "mine"}


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
