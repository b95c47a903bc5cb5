"""Adds a ready model to the project: at generation, and by the verb add-model ever after.

It inserts lines into the files that are there and leaves every other line as it is.
"""

import re
from importlib.util import find_spec
from pathlib import Path

from seedling import tasks
from seedling.errors import ProjectError
from seedling.scaffold import (
    all_models,
    edit_text,
    model_folder,
    model_requirements,
    model_steps,
    model_yaml,
    parts,
    write_files,
)
from seedling.scaffold.model_code import train_source
from seedling.scaffold.model_yaml import LearnedFrom
from seedling.scaffold.ready_models import Ready


def add(
    root: Path,
    model: str,
    dataset: LearnedFrom | None = None,
    *,
    kind: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write the model's folder, its entry in model.yaml, its steps and what it requires.

    Args:
        root: the project's folder.
        model: its name.
        dataset: what it learns from; the first of model.yaml unless given.
        kind: the ready model that it is; the one of the same name unless given.
        overwrite: write over the files of a folder that is there.

    Raises:
        ProjectError: no ready model of that name fits the dataset's task, or the project has it.
    """
    settings, pipeline = root / model_yaml.FILE, root / model_steps.PIPELINE
    text = edit_text.read(settings)
    learned_from = dataset or model_yaml.first_dataset(text)
    ready = ready_model(kind or model, learned_from)
    folder = root / "models" / model
    is_new = not folder.exists()
    if not (is_new or overwrite):
        raise ProjectError(
            f"models/{model}/ is there already: add it under another name, by add-model NAME "
            f"--kind {kind or model}."
        )
    texts = {
        settings: model_yaml.with_model(text, _entry(model, ready, learned_from.name)),
        pipeline: model_steps.with_steps(pipeline, model),
        root / model_requirements.FILE: model_requirements.with_requirements(root, ready),
        folder / "__init__.py": f'"""{ready.title}"""\n',
        folder / "train.py": train_source(ready),
        folder / "predict.py": tasks.find(learned_from.task).predict_source,
        **{folder / name: content for name, content in ready.files},
    }
    instances = root / "dataset_creation" / f"{learned_from.name}_instances.json"
    if instances.exists():
        texts[folder / "test" / "test_instances.json"] = instances.read_text(encoding="utf-8")
    in_images = parts.is_on(root, parts.CONTAINERS)
    if in_images:
        of_images = model_folder.texts(
            model, ready.title, learned_from.file_name, model_yaml.slug(text)
        ) | model_requirements.of_images([ready])
        texts |= {folder / name: content for name, content in of_images.items()}
        texts |= all_models.with_model(root, model)
    write_files.write(root, texts, generate=in_images, new_folder=folder if is_new else None)


def ready_model(model: str, dataset: LearnedFrom) -> Ready:
    """Look a ready model up by its name and the task of the dataset that it is to learn from.

    Raises:
        ProjectError: there is none; the message names those that fit.
    """
    fitting = tasks.find(dataset.task).ready_models
    if model in fitting:
        return fitting[model]
    known = ", ".join(fitting) or "none"
    if any(model in ready_models for ready_models in tasks.ready_models().values()):
        problem = f"{model} does not fit {dataset.name}, whose task is {dataset.task}"
    else:
        problem = f"There is no ready model {model!r}"
    raise ProjectError(
        f"{problem}; there are {known}. One of your own starts as a copy: add-model NAME "
        "--from MODEL."
    )


def is_installed(ready: Ready) -> bool:
    """Tell whether the packages that its train.py imports are installed."""
    modules = re.findall(r"^from (\w+)", ready.imports, re.MULTILINE)
    return all(find_spec(module) for module in modules)


def _entry(model: str, ready: Ready, dataset: str) -> str:
    """Return the model's lines for training.models of model.yaml."""
    values = {
        name: value.lower() if value in ("True", "False") else value.strip('"')
        for name, _, value in ready.hyperparameters
    }
    settings = ", ".join(f"{name}: {value}" for name, value in values.items())
    lines = [f"- name: {model}", f"  dataset: {dataset}", f"  hyperparameters: {{{settings}}}"]
    return "".join(f"{line}\n" for line in lines)
