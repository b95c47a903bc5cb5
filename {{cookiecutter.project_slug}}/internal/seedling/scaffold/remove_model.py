"""Removes a model from the project: its folder, its entries, its steps, what only it requires."""

import shutil

from seedling.config import Project, keep_models, registrations
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.scaffold import (
    all_models,
    edit_text,
    model_dirs,
    model_requirements,
    model_steps,
    model_yaml,
    parts,
)


def remove(project: Project, model: str) -> None:
    """Remove a model's folder, entries, steps, and requirements that no other model shares.

    What it registered stays in local_assets/ and in the registry; nothing serves it any more.

    Raises:
        ProjectError: there is no such model, or no other beside it; nothing is changed.
    """
    refuse_missing(project, model)
    root, settings = project.root, project.config_path
    others = [each.name for each in project.config.training.models if each.name != model]
    aml = project.config.aml
    if aml and any(model in there for _, there in aml.of_models()):
        project.edit(lambda document: keep_models(document, others))
    folders = {each.name: root / "models" / each.name for each in project.config.training.models}
    removed = folders.pop(model)
    pipeline = root / model_steps.PIPELINE
    required = root / model_requirements.FILE
    texts = {
        settings: model_yaml.without_model(edit_text.read(settings), model),
        pipeline: model_steps.without_steps(pipeline, model),
        required: model_requirements.without_unused(root, removed, [*folders.values()]),
    }
    in_images = parts.CONTAINERS in project.config.parts
    if in_images:
        makefile = root / "models" / model_dirs.ALL / "Makefile"
        texts[makefile] = model_dirs.without_model(root, model)
    for path, text in texts.items():
        write_text(path, text)
    registrations.remove_here(project, model)
    if any(entry.model == model for entry in project.model_yaml.models):
        registrations.edit_shared(project, model, lambda entries: [])
    shutil.rmtree(removed, ignore_errors=True)
    if in_images:
        all_models.write(root)


def mentions(project: Project, model: str) -> list[str]:
    """Return the files of serve/ that name the model, relative to the project's folder."""
    files = sorted((project.root / "serve").rglob("*.py"))
    found = [path for path in files if f'"{model}"' in path.read_text(encoding="utf-8")]
    return [path.relative_to(project.root).as_posix() for path in found]


def refuse_missing(project: Project, model: str) -> None:
    """Refuse to remove a model that is not there, or the last one."""
    names = [entry.name for entry in project.config.training.models]
    if model not in names:
        raise ProjectError(f"model.yaml trains no model {model!r}; it has {', '.join(names)}.")
    if len(names) == 1:
        raise ProjectError(f"{model} is the only model of the project: add another first.")
