"""The pipeline's YAML: what is wrong in it is found before anything runs."""

from pathlib import Path

import pytest

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.training import pipeline
from seedling.training.pipeline import TRAINING

pytestmark = pytest.mark.every_vertical


def refusal(project: Project, file: Path, old: str, new: str) -> str:
    """What loading the pipeline says once the first `old` in a file has become `new`."""
    path = project.root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        pipeline.load(project.root / TRAINING)
    return str(caught.value)


def test_the_shipped_pipeline_trains_every_model_of_model_yaml(project: Project) -> None:
    training = pipeline.load(project.root / TRAINING)
    assert training.models == [model.name for model in project.config.training.models]


def test_no_training_step_sees_the_holdout(project: Project) -> None:
    training = pipeline.load(project.root / TRAINING)
    for name, job in training.jobs.items():
        if name.startswith("train_"):
            assert list(job.references()) == [("prepare", "training")]


def test_a_dangling_reference_is_found(project: Project) -> None:
    old = "jobs.prepare.outputs.training"
    assert "refers to nothing" in refusal(project, TRAINING, old, "jobs.prepare.outputs.gone")


def test_an_input_that_the_component_lacks_is_found(project: Project) -> None:
    message = refusal(project, TRAINING, "      training:", "      trainig:")
    assert "train.yml" in message


def test_a_type_that_does_not_fit_is_found(project: Project) -> None:
    file = Path("mlops/components/train.yml")
    old = "  training:\n    type: uri_folder"
    message = refusal(project, file, old, old.replace("folder", "file"))
    assert "is a uri_folder, not a uri_file" in message


def test_a_missing_component_is_found(project: Project) -> None:
    message = refusal(project, TRAINING, "components/train.yml", "components/tran.yml")
    assert "no tran.yml" in message


def test_a_circle_is_found(project: Project) -> None:
    name = project.config.training.models[0].name
    old = "jobs.prepare.outputs.training"
    assert "circle" in refusal(project, TRAINING, old, f"jobs.evaluate_{name}.outputs.evaluation")


def test_a_command_that_names_no_input_is_found(project: Project) -> None:
    file = Path("mlops/components/prepare.yml")
    assert "refers to nothing" in refusal(project, file, "inputs.datasets", "inputs.dataset")
