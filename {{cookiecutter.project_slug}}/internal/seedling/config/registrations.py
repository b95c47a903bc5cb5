"""Registered versions: what this machine has for itself, and what the team shares in model.yaml.

Versions of this machine's registry stand beside their files, in local_assets/, which git ignores:
another machine counts its own versions from 1. Versions of a workspace stand in model.yaml.
"""

import re
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedling.config.document import read_text, round_trip, validated
from seedling.config.model_yaml import Config
from seedling.config.models import RegisteredModel, Registrations
from seedling.config.stages import Stage, stage
from seedling.files import write_text

if TYPE_CHECKING:
    from seedling.config.project import Project

FILE_NAME = "registered.yaml"
HEADER = """\
# What this machine has registered for itself: train and traffic write it, the service reads it.
# The versions that a team shares stand under `models` in model.yaml.
"""

Change = Callable[[list[Any]], list[Any]]


def read(path: Path) -> list[RegisteredModel]:
    """Read the entries of a file of registrations; none where there is no such file.

    Raises:
        ProjectError: one line with file, line, key and what is expected there.
    """
    return validated(read_text(path), path, Registrations).models if path.exists() else []


def write(path: Path, entries: Sequence[RegisteredModel]) -> None:
    """Replace the file of registrations.

    Raises:
        ProjectError: the entries do not fit together; the file stays as it was.
    """
    document = {"models": [entry.model_dump(exclude_defaults=True) for entry in entries]}
    dumped = StringIO()
    round_trip().dump(document, dumped)
    text = HEADER + dumped.getvalue()
    validated(text, path, Registrations)
    write_text(path, text)


def merged(project: "Project") -> Config:
    """Return model.yaml with the entries that answer on this machine; the models keep its order."""
    shared, here = project.model_yaml, project.registered_here
    absent = {(entry.name, entry.version) for entry in project.registered_elsewhere}
    order = dict.fromkeys(entry.model for entry in (*shared.models, *here))
    models = {entry.model for entry in here}
    answering = [entry for entry in shared.models if entry.model not in models]
    answering = [entry for entry in answering if (entry.name, entry.version) not in absent]
    found = [entry for name in order for entry in (*answering, *here) if entry.model == name]
    return shared.model_copy(update={"models": found})


def is_elsewhere(project: "Project", entry: RegisteredModel) -> bool:
    """Return True if an entry of model.yaml has no files here and no registry to download them.

    Versions before this file existed stood in model.yaml, by a number of the machine that had
    trained them. A workspace's models have the project's slug before their names, or no hash here.
    """
    downloaded = project.model_yaml.registry and stage(project.model_yaml) is Stage.PRODUCTION
    is_known = is_of_workspace(project, entry) or downloaded
    return not (is_known or project.model_path(entry).is_dir())


def is_of_workspace(project: "Project", entry: RegisteredModel) -> bool:
    """Return True if a version has the name that a workspace gives to models of this project.

    One without a hash is none of this machine's either, whatever it is called.
    """
    name = workspace_name(re.escape(project.model_yaml.slug), ".+", entry.model)
    return not entry.sha256 or re.fullmatch(name, entry.name) is not None


def workspace_name(slug: str, dataset: str, model: str) -> str:
    """Return what a model is called in a workspace, which has other projects' models too."""
    return f"{slug}-{dataset}-{model}"


def edit_here(project: "Project", model: str, change: Change) -> None:
    """Let `change` edit a model's entries that answer here; this machine registers the result.

    Args:
        project: its registrations are written; model.yaml stays as it is.
        model: a folder of models/.
        change: is given the entries as mappings, and returns those that are to be there.

    Raises:
        ProjectError: the entries do not fit together; nothing is written.
    """
    project.forget_what_was_read()
    before = [entry for entry in project.config.models if entry.model == model]
    changed = change([entry.model_dump(exclude_defaults=True) for entry in before])
    others = [entry for entry in project.registered_here if entry.model != model]
    write(
        project.registrations_path,
        [*others, *(RegisteredModel.model_validate(entry) for entry in changed)],
    )
    project.forget_what_was_read()


def edit_shared(project: "Project", model: str, change: Change) -> None:
    """Let `change` edit a model's entries in model.yaml, which answer from then on.

    Args:
        project: its model.yaml is edited; what this machine registered of the model goes.
        model: a folder of models/.
        change: is given the entries of the document, and returns those that are to be there.
    """

    project.forget_what_was_read()

    def edit(document: Any) -> None:
        before = list(document.get("models") or [])
        # An entry may leave out its model, which was found by its name.
        models = [entry.model for entry in project.model_yaml.models]
        mine = [entry for entry, its in zip(before, models, strict=True) if its == model]
        # The model keeps its place, so that a difference shows what was registered.
        place = models.index(model) if mine else len(before)
        others = [entry for entry, its in zip(before, models, strict=True) if its != model]
        document["models"] = [*others[:place], *change(mine), *others[place:]]

    project.edit(edit)
    remove_here(project, model)


def remove_here(project: "Project", model: str) -> None:
    """Drop what this machine registered of a model: model.yaml's versions answer then, if any."""
    kept = [entry for entry in project.registered_here if entry.model != model]
    if len(kept) < len(project.registered_here):
        write(project.registrations_path, kept)
        project.forget_what_was_read()
