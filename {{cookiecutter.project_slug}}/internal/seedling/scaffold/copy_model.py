"""Copies a model of the project under another name: its files, its hyperparameters, its steps."""

import keyword
import re
import shutil
from pathlib import Path

from seedling.config import Project, TrainedModel
from seedling.containers import s2i
from seedling.errors import ProjectError
from seedling.scaffold import (
    all_models,
    edit_text,
    model_folder,
    model_steps,
    model_yaml,
    parts,
    write_files,
)

# The service of all models, and what can be no folder on Windows.
TAKEN = re.compile(r"all|aux|con|nul|prn|(com|lpt)\d", re.IGNORECASE)


def copy(project: Project, model: str, source: str, dataset: str | None = None) -> None:
    """Write a new model that starts as `source` is: its files, hyperparameters and steps.

    Args:
        project: where both are.
        model: the new name.
        source: a model of the project.
        dataset: what it learns from; what `source` learns from, unless given.

    Raises:
        ProjectError: the name cannot be used, there is no such source or dataset, or the
            dataset's task is another than that of the source's dataset.
    """
    root = project.root
    refuse_name(root, model)
    original = project.config.trained_model(source)
    chosen = project.config.dataset(dataset or original.dataset)
    written_for = project.config.dataset(original.dataset).task
    if chosen.task != written_for:
        raise ProjectError(
            f"{source} does not fit {chosen.name}, whose task is {chosen.task}: it was written for "
            f"{written_for}. add-model without a name lists the ready models of each task."
        )
    settings, pipeline = project.config_path, root / model_steps.PIPELINE
    text = edit_text.read(settings)
    home = root / "models" / source
    if not home.is_dir():
        raise ProjectError(f"models/{source}/ is missing.")
    folder = root / "models" / model
    naming = [path for path in home.rglob("*") if path.suffix in (".py", ".md")]
    texts = {
        settings: model_yaml.with_model(text, _entry(text, original, model, chosen.name)),
        pipeline: model_steps.with_steps(pipeline, model),
        **{folder / path.relative_to(home): _renamed(path, source, model) for path in naming},
    }
    in_images = parts.CONTAINERS in project.config.parts
    if in_images:
        named = model_folder.makefile(model, chosen.file_name, project.config.slug)
        texts[folder / "Makefile"] = _with_names(home / "Makefile", named)
        texts[folder / s2i.FILE] = _with_routes(home, source, model)
        texts |= all_models.with_model(root, model)
    shutil.copytree(home, folder, ignore=shutil.ignore_patterns("__pycache__"))
    write_files.write(root, texts, generate=in_images, new_folder=folder)


def refuse_name(root: Path, model: str) -> None:
    """Refuse a name that Python, Windows or the project cannot have for a folder of models/."""
    is_name = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", model) and not keyword.iskeyword(model)
    if not is_name or TAKEN.fullmatch(model):
        raise ProjectError(
            f"{model!r} cannot be a model's name: it takes letters, digits and _, starts with a "
            "letter, and is no word that Python or the project uses."
        )
    taken = {path.name.lower(): path.name for path in (root / "models").iterdir()}
    if model.lower() in taken:
        raise ProjectError(f"models/{taken[model.lower()]}/ is there already.")


def _entry(settings: str, original: TrainedModel, model: str, dataset: str) -> str:
    """Return the entry of `training.models` of a model, with the names of another one.

    Raises:
        ProjectError: the models of model.yaml are not on lines of their own.
    """
    entry = edit_text.lines_of(settings, model_yaml.entry(settings, original.name))
    for key, old, new in (("name", original.name, model), ("dataset", original.dataset, dataset)):
        entry = re.sub(rf"(\b{key}[\"']?:\s*[\"']?){old}\b", rf"\g<1>{new}", entry, count=1)
    return entry


def _renamed(path: Path, source: str, model: str) -> str:
    """Return the text of a file of the model `source` that names the other model instead."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return re.sub(rf"\b{source}\b", model, text)
    text = re.sub(rf"\bmodels\.{source}\b", f"models.{model}", text)
    return re.sub(rf"\b(Train|Predict)\(([\"']){source}\2", rf"\1(\2{model}\2", text)


def _with_routes(home: Path, source: str, model: str) -> str:
    """Return the variables of a model's images with the routes and the name of another model."""
    text = (home / s2i.FILE).read_text(encoding="utf-8")
    routes = ",".join(
        f"{model}/{entry.route.rpartition('/')[2]}:{entry.module}:{entry.function}"
        for entry in s2i.routes(home)
    )
    over_lines = r"(?m)^([ \t]*ROUTES[ \t]*=).*?(?:,[ \t]*\r?\n[^=#\n]*?)*$"
    text = re.sub(over_lines, rf"\g<1>{routes}", text)
    text = re.sub(rf"(?m)^(\s*SERVED_MODELS\s*=\s*){source}\b", rf"\g<1>{model}", text)
    return re.sub(rf"\bmodels\.{source}\b", f"models.{model}", text)


def _with_names(makefile: Path, named: str) -> str:
    """Return the text of a model's Makefile with the variables of another model's."""
    text = makefile.read_text(encoding="utf-8")
    for line in re.findall(r"(?m)^\w+ :=.*$", named):
        name = line.partition(" ")[0]
        text = re.sub(rf"(?m)^{name}\s*[:?]?=.*$", line.replace("\\", r"\\"), text)
    return text
