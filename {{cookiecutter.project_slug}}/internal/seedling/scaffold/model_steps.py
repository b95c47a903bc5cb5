"""Writes the steps of a model into the training pipeline, and takes them out."""

from pathlib import Path
from string import Template

from seedling.scaffold import edit_text

# Below the project's folder.
PIPELINE = Path("mlops", "pipelines", "training.yml")

JOBS = Template("""
train_$model:
  type: command
  component: ../components/train.yml
  inputs:
    config: $${{parent.inputs.config}}
    model: $model
    training: $${{parent.jobs.prepare.outputs.training}}

evaluate_$model:
  type: command
  component: ../components/evaluate.yml
  inputs:
    config: $${{parent.inputs.config}}
    model: $model
    trained: $${{parent.jobs.train_$model.outputs.trained}}
    holdout: $${{parent.jobs.prepare.outputs.holdout}}

register_$model:
  type: command
  component: ../components/register.yml
  inputs:
    config: $${{parent.inputs.config}}
    model: $model
    trained: $${{parent.jobs.train_$model.outputs.trained}}
    evaluation: $${{parent.jobs.evaluate_$model.outputs.evaluation}}
""")


def with_steps(pipeline: Path, model: str) -> str:
    """Return the text of the pipeline with the steps of one more model."""
    text = edit_text.read(pipeline)
    return edit_text.insert(text, "jobs", JOBS.substitute(model=model), pipeline.name)


def without_steps(pipeline: Path, model: str) -> str:
    """Return the text of the pipeline without the steps of a model."""
    text = edit_text.read(pipeline)
    jobs = edit_text.entries(text, "jobs", pipeline.name)
    return edit_text.without(text, [job for job in jobs if job.value("inputs.model") == model])
