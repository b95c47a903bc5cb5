"""Copies a model of the project under another name, and removes one: their files and entries.

Only lines of the model itself come and go; every other line stays as its author left it.
"""

import keyword
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from seedling.config import Project, registrations
from seedling.containers import s2i
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.scaffold import add, all_models, model_folder, parts
from seedling.training.pipeline import TRAINING

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
        ProjectError: the name cannot be used, or there is no such source or dataset, or the
            dataset's task is another than the source was written for.
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
    text = project.config_path.read_text(encoding="utf-8")
    entry = "".join(_entry(text, project.config_path, source))
    entry = re.sub(rf"(\bname:\s*[\"']?){source}\b", rf"\g<1>{model}", entry, count=1)
    learns = rf"(\bdataset:\s*[\"']?){original.dataset}\b"
    entry = re.sub(learns, rf"\g<1>{chosen.name}", entry, count=1)
    home = root / "models" / source
    if not home.is_dir():
        raise ProjectError(f"models/{source}/ is missing.")
    pipeline, folder = root / TRAINING, root / "models" / model
    naming = [path for path in home.rglob("*") if path.suffix in (".py", ".md")]
    edited = {
        project.config_path: add.insert(project.config_path, ["training", "models"], entry),
        pipeline: add.with_steps(pipeline, model),
        **{folder / path.relative_to(home): _renamed(path, source, model) for path in naming},
    }
    if parts.CONTAINERS in project.config.parts:
        named = model_folder.makefile(model, chosen.file_name, project.config.slug)
        edited[folder / "Makefile"] = _with_names(home / "Makefile", named)
        edited[folder / s2i.FILE] = _with_routes(home, source, model)
        edited |= add.with_all(root, model)
    shutil.copytree(home, folder, ignore=shutil.ignore_patterns("__pycache__"))
    add.apply(root, folder, edited)


def remove(project: Project, model: str) -> None:
    """Remove a model's folder, entries, steps, and requirements that no other model shares.

    What it registered stays in local_assets/ and in the registry; nothing serves it any more.

    Raises:
        ProjectError: there is no such model, or no other beside it.
    """
    refuse_missing(project, model)
    names = [entry.name for entry in project.config.training.models]
    folders = {name: project.root / "models" / name for name in names}
    others = [folder for name, folder in folders.items() if name != model]
    named = {line for folder in others for line in _required(folder)}
    needed = _needs(folders.values()) - _needs(others)
    unused = {(group, line) for group, line in needed if line not in named}
    pipeline = project.root / TRAINING
    steps = _without_steps(pipeline, model)
    requirements = _without_requirements(project.root / "pyproject.toml", unused)
    settings = _without_entry(project.config_path, model)
    makefile = project.root / "models" / all_models.ALL / "Makefile"
    in_images = parts.CONTAINERS in project.config.parts
    together = all_models.without_model(project.root, model) if in_images else ""
    write_text(project.config_path, settings)
    registrations.remove_here(project, model)
    if any(entry.model == model for entry in project.model_yaml.models):
        project.edit(lambda document: _forget(document, model))
    write_text(pipeline, steps)
    write_text(project.root / "pyproject.toml", requirements)
    if in_images:
        write_text(makefile, together)
    shutil.rmtree(folders[model], ignore_errors=True)
    if in_images:
        all_models.write(project.root)


def mentions(project: Project, model: str) -> list[str]:
    """The team's files of serve/ that name the model."""
    files = sorted((project.root / "serve").rglob("*.py"))
    found = [path for path in files if f'"{model}"' in path.read_text(encoding="utf-8")]
    return [path.relative_to(project.root).as_posix() for path in found]


def refuse_missing(project: Project, model: str) -> None:
    """Refuse to remove what is not there, or the last one."""
    names = [entry.name for entry in project.config.training.models]
    if model not in names:
        raise ProjectError(f"model.yaml trains no model {model!r}; it has {', '.join(names)}.")
    if len(names) == 1:
        raise ProjectError(f"{model} is the only model of the project: add another first.")


def _renamed(path: Path, source: str, model: str) -> str:
    """The text of a file of the model `source`, for another one."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return re.sub(rf"\b{source}\b", model, text)
    text = re.sub(rf"\bmodels\.{source}\b", f"models.{model}", text)
    return re.sub(rf"\b(Train|Predict)\(([\"']){source}\2", rf"\1(\2{model}\2", text)


def _with_routes(home: Path, source: str, model: str) -> str:
    """The variables of a model's images for another one, each route below the other's name."""
    text = (home / s2i.FILE).read_text(encoding="utf-8")
    routes = ",".join(
        f"{model}/{entry.route.rpartition('/')[2]}:{entry.module}:{entry.function}"
        for entry in s2i.routes(home)
    )
    text = re.sub(r"(?m)^(\s*ROUTES\s*=).*$", rf"\g<1>{routes}", text)
    text = re.sub(rf"(?m)^(\s*SERVED_MODELS\s*=\s*){source}\b", rf"\g<1>{model}", text)
    return re.sub(rf"\bmodels\.{source}\b", f"models.{model}", text)


def _with_names(makefile: Path, named: str) -> str:
    """The text of a model's Makefile, with the names of another one."""
    text = makefile.read_text(encoding="utf-8")
    for line in re.findall(r"(?m)^\w+ :=.*$", named):
        name = line.partition(" ")[0]
        text = re.sub(rf"(?m)^{name}\s*[:?]?=.*$", line.replace("\\", r"\\"), text)
    return text


def refuse_name(root: Path, model: str) -> None:
    """Refuse what cannot be the name of a new model, or is one already."""
    is_name = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", model) and not keyword.iskeyword(model)
    if not is_name or TAKEN.fullmatch(model):
        raise ProjectError(
            f"{model!r} cannot be a model's name: it takes letters, digits and _, starts with a "
            "letter, and is no word that Python or the project uses."
        )
    taken = {path.name.lower(): path.name for path in (root / "models").iterdir()}
    if model.lower() in taken:
        raise ProjectError(f"models/{taken[model.lower()]}/ is there already.")


def _entry(text: str, path: Path, model: str) -> list[str]:
    """The lines of a model's entry under training.models."""
    first, last = _entry_span(text, path, model)
    return text.splitlines(keepends=True)[first:last]


def _entry_span(text: str, path: Path, model: str) -> tuple[int, int]:
    entries = YAML().load(text)["training"]["models"]
    at = next(at for at, entry in enumerate(entries) if entry["name"] == model)
    line, _ = entries.lc.item(at)
    return _span(text, path, line, model)


def _span(text: str, path: Path, first: int, model: str) -> tuple[int, int]:
    """The lines of what begins in a line: it ends before the next one that is not further in."""
    lines = text.splitlines()
    indent = len(lines[first]) - len(lines[first].lstrip())
    if not re.match(r"(- |[\"']?\w+[\"']?:\s*$)", lines[first].lstrip()):
        where = f"{path.name}, line {first + 1}"
        raise ProjectError(f"{where}: {model} shares its line with others: give it its own.")
    last = first + 1
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        if line.strip():
            last = number + 1
    return first, last


def _without_entry(path: Path, model: str) -> str:
    text = path.read_text(encoding="utf-8")
    first, last = _entry_span(text, path, model)
    lines = text.splitlines(keepends=True)
    return "".join(lines[:first] + lines[last:])


def _without_steps(path: Path, model: str) -> str:
    """The pipeline's text without the jobs of the model, and the blank line before each."""
    text = path.read_text(encoding="utf-8")
    jobs: Any = YAML().load(text)["jobs"]
    spans = [
        _span(text, path, jobs.lc.key(name)[0], model)
        for name, job in jobs.items()
        if job["inputs"].get("model") == model
    ]
    lines = text.splitlines(keepends=True)
    for first, last in sorted(spans, reverse=True):
        before = first - 1 if not lines[first - 1].strip() else first
        del lines[before:last]
    return "".join(lines)


def _forget(document: Any, model: str) -> None:
    document["models"] = [entry for entry in document["models"] if entry["model"] != model]


def _needs(folders: Iterable[Path]) -> set[tuple[str, str]]:
    """Group and requirement for each ready estimator that these models' files name."""
    return {
        (group, line)
        for ready in add.used_in(folders)
        for group, lines in add.requirements(ready).items()
        for line in lines
    }


def _required(folder: Path) -> list[str]:
    """What a model's two requirements files name."""
    files = folder.glob("requirements_*.txt")
    return [line for path in files for line in all_models.requirements(path)]


def _without_requirements(path: Path, unused: set[tuple[str, str]]) -> str:
    text = path.read_text(encoding="utf-8")
    for group, requirement in unused:
        head, rest = text.split(f"\n{group} = [\n", 1)
        inside, tail = rest.split("]\n", 1)
        inside = inside.replace(f'    "{requirement}",\n', "")
        text = f"{head}\n{group} = [\n{inside}]\n{tail}"
    return text
