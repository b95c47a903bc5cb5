"""add-model: a ready model comes in without touching a line of the team's."""

import difflib

import pytest

from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.errors import ProjectError

from mlops import pipeline, scaffold
from mlops.catalogue import READY
from mlops.train import TRAINING


def absent(project: Project) -> str:
    """A ready model that the project does not have; one of its own is taken out if need be."""
    present = {model.name for model in project.config.training.models}
    return next(name for name in READY if name not in present)


@pytest.mark.skipif(
    all((scaffold.ROOT / "models" / name).is_dir() for name in READY),
    reason="the project has every ready model",
)
def test_a_ready_model_only_adds_lines(project: Project) -> None:
    name = absent(project)
    files = [project.config_path, project.root / TRAINING, project.root / "pyproject.toml"]
    before = [path.read_text(encoding="utf-8").splitlines() for path in files]
    scaffold.add(project.root, name)
    for path, old in zip(files, before, strict=True):
        changes = difflib.ndiff(old, path.read_text(encoding="utf-8").splitlines())
        assert not [line for line in changes if line.startswith("- ")]
    added = Project(project.root).config.trained_model(name)
    assert added.dataset == project.config.datasets[0].name
    assert name in pipeline.load(project.root / TRAINING).models


def test_a_model_that_is_there_is_not_written_over(project: Project) -> None:
    name = project.config.training.models[0].name
    if name not in READY:
        pytest.skip("the project's models are all its own")
    with pytest.raises(ProjectError, match="is there already"):
        scaffold.add(project.root, name)


def test_an_unknown_model_is_refused_with_the_known_ones(project: Project) -> None:
    with pytest.raises(ProjectError, match="no ready model 'oracle'; there are"):
        scaffold.add(project.root, "oracle")
