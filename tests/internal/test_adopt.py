"""A model that another program has fitted, such as AutoML, goes through the same gate."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seedling.config import Project
from seedling.monitoring import profiles
from seedling.steps import adopt, evaluate, prepare, register
from seedling.testing import first_model

MANUAL = Path("local_assets/runs/manual")


@pytest.fixture
def handed(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy whose model is handed over, prepared for the steps by hand."""
    shutil.copytree(trained.root, tmp_path / "project")
    project = Project(tmp_path / "project")
    monkeypatch.chdir(project.root)
    (entry,) = project.config.models
    found = project.root / MANUAL / f"adopt_{first_model(project)}" / "found" / "mlflow-model"
    shutil.copytree(project.model_path(entry), found)
    done = run(prepare)
    assert done.exit_code == 0, done.output
    return project


def run(step: object, *words: str) -> Result:
    return CliRunner().invoke(step.main, words)  # type: ignore[attr-defined]


@pytest.mark.every_vertical
def test_what_another_program_has_fitted_is_registered_only_if_it_is_better(
    handed: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The champion itself comes back as the found model: it does not beat itself."""
    for step in (adopt, evaluate):
        done = run(step, *(["--by", "a friend"] if step is adopt else []))
        assert done.exit_code == 0, done.output
    (profile,) = (handed.root / MANUAL).glob("evaluate_*/evaluation/profile.json")
    (entry,) = handed.config.models
    known = profiles.of_version(handed.model_path(entry))
    assert profiles.read(profile).features == (known and known.features)  # of the same rows
    done = run(register)
    assert done.exit_code == 0, done.output
    assert "Model was not registered for this run." in done.output
    monkeypatch.setenv("REGISTRY_FOLDER", str(tmp_path / "registry"))  # one without a champion
    for step in (evaluate, register):
        done = run(step)
        assert done.exit_code == 0, done.output
    assert "it has no champion to beat" in done.output


def test_one_that_has_seen_other_rows_is_refused(handed: Project) -> None:
    done = run(adopt, "--learned-from", "0" * 64, "--by", "a friend")
    assert done.exit_code == 1
    assert "Error: The model of a friend has learned from other rows than are" in done.output


def test_one_that_needs_packages_that_are_not_here_says_where_they_are_named(
    handed: Project,
) -> None:
    found = next((handed.root / MANUAL).rglob("MLmodel")).parent
    (found / "model.pkl").write_bytes(b"cnot_installed_here\nThing\n.")
    done = run(adopt, "--by", "a friend")
    assert done.exit_code == 1
    assert "The model of a friend needs code that is gone: No module named" in done.output
    assert "requirements.txt names the packages that it needs" in done.output
