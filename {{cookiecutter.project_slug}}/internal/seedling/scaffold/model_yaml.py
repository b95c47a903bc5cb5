"""Reads and edits model.yaml with nothing installed: slug, first dataset, and trained models."""

import re
from textwrap import indent
from typing import NamedTuple

from seedling.errors import ProjectError
from seedling.scaffold import edit_text
from seedling.scaffold.edit_text import Entry

FILE = "model.yaml"
MODELS = "training.models"


class LearnedFrom(NamedTuple):
    """The dataset of model.yaml that a model learns from."""

    name: str
    file_name: str
    task: str


def slug(settings: str) -> str:
    """Return the slug that the text of model.yaml has.

    Raises:
        ProjectError: it has none.
    """
    outline = edit_text.outline(settings)
    found = outline.value("slug") or slug_of(outline.value("name") or "")
    if not found:
        raise ProjectError("model.yaml has no line `slug: ...`: add one with the project's name.")
    return found


def slug_of(name: str) -> str:
    """Return what assets are called by where no slug is given: letters and digits of the name."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return (words if words[:1].isalpha() or not words else f"project_{words}")[:60].strip("_")


def first_dataset(settings: str) -> LearnedFrom:
    """Return the first dataset of the text of model.yaml.

    Raises:
        ProjectError: its name, its file or its task is not on a line of its own.
    """
    datasets = edit_text.outline(settings).find("datasets")
    first = datasets.entries[0] if datasets and datasets.entries else Entry(0, 0, 0)
    name, file_name, task = (first.value(key) for key in LearnedFrom._fields)
    if not (name and file_name and task):
        raise ProjectError("model.yaml: name the dataset that it learns from: --dataset.")
    return LearnedFrom(name, file_name, task)


def datasets(settings: str) -> str:
    """Return the folder of the first dataset's file, as the text of model.yaml has it."""
    found = edit_text.outline(settings).find("datasets")
    first = found.entries[0].value("local_directory_path") if found and found.entries else None
    return first or "local_assets/datasets"


def models(settings: str) -> dict[str, Entry]:
    """Return the entries of `training.models` by the models' names.

    Raises:
        ProjectError: they are not on lines of their own.
    """
    found = edit_text.entries(settings, MODELS, FILE)
    return {name: entry for entry in found if (name := entry.value("name"))}


def entry(settings: str, model: str) -> Entry:
    """Return a model's entry of `training.models`.

    Raises:
        ProjectError: it is not on lines of its own.
    """
    found = models(settings).get(model)
    if found is None:
        raise ProjectError(f"{FILE}, {MODELS}: write the entry of {model} on lines of its own.")
    return found


def with_model(settings: str, entry: str) -> str:
    """Return the text of model.yaml with one more entry of `training.models`, or the first."""
    if edit_text.outline(settings).find("training") is None:
        section = f"\ntraining:\n  models:\n{indent(entry, '    ')}"
        return edit_text.with_lines(settings, len(edit_text.split(settings)), section)
    return edit_text.insert(settings, MODELS, entry, FILE)


def without_model(settings: str, model: str) -> str:
    """Return the text of model.yaml without a model's entry of `training.models`."""
    return edit_text.without(settings, [entry(settings, model)])
