"""The notebooks of a project: clean as generated, and run from top to bottom on its own rows."""

from pathlib import Path

import notebooks
import pytest

from seedling import ProjectError, run_verb, testing
from seedling.config import Project
from seedling.data import datasets
from seedling.testing import add_runs, first_model, sample_rows

pytestmark = pytest.mark.every_vertical


def notebook(name: str) -> Path:
    return testing.root() / "notebooks" / f"{name}.ipynb"


@pytest.fixture
def filled(project: Project) -> Project:
    """Return the project with rows and an empty file of runs, and a folder for its notebooks."""
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    add_runs(project)
    (project.root / "notebooks").mkdir(exist_ok=True)
    return project


def test_explore_and_then_train_run_from_their_folder_and_from_the_root(filled: Project) -> None:
    looked = notebooks.execute(notebook("explore"), filled.root / "notebooks")
    assert "missing" in looked["columns"]
    assert looked["rules"] == "[]"
    first = first_model(filled)
    trained = notebooks.execute(notebook("train"), filled.root)
    assert f"{first}: Registered as" in trained["train"]
    assert "\x1b" not in trained["train"]
    assert "champion" in trained["runs"]
    assert "report.html" in trained["holdout"]
    assert "prediction" in trained["ask"]


def test_a_verb_that_fails_in_a_notebook_stops_it_with_its_own_line(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ProjectError, match="run create-local-datasets"):
        run_verb("train", project=project)
    assert "run create-local-datasets" in capsys.readouterr().out
