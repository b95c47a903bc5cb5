"""Which models this process serves: those registered, unless its environment says otherwise.

SERVED_MODELS leaves some of them. MODEL_NAME names what a training container wrote; each name takes
the place of the model that it was trained from, and of no other.
"""

import logging
import os
from functools import cache
from pathlib import Path

from seedling.config import Config, Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.registry import named_models

log = logging.getLogger(__name__)


def config(project: Project) -> Config:
    """model.yaml as this process serves it, with what this machine has registered.

    Raises:
        ProjectError: model.yaml or the file of registrations is faulty, or a variable names what
            is not there.
    """
    found = project.config
    for entry in project.registered_elsewhere:
        _warn(
            f"{entry.name}, version {entry.version}, was registered on another machine and is not "
            f"served: run train, or take it out of `models` in {project.config_path.name}."
        )
    known = [model.name for model in found.training.models]
    chosen = _words("SERVED_MODELS") or known
    for model in chosen:
        if model not in known:
            names = ", ".join(known)
            raise ProjectError(f"SERVED_MODELS: there is no model {model!r}; there are {names}.")
    named = _named(project, chosen)
    if chosen == known and not named:
        return found
    trained = [model for model in found.training.models if model.name in chosen]
    entries = [entry for entry in found.models if entry.model in chosen]
    order = dict.fromkeys([*(entry.model for entry in entries), *named])
    models = [
        entry
        for model in order
        for entry in ([named[model]] if model in named else entries)
        if entry.model == model
    ]
    training = found.training.model_copy(update={"models": trained})
    return found.model_copy(update={"models": models, "training": training})


def left_out(project: Project) -> set[str]:
    """The models of model.yaml that this process is not meant to serve."""
    chosen = _words("SERVED_MODELS")
    return {model.name for model in project.config.training.models if chosen} - set(chosen)


def seen(project: Project) -> tuple[int, ...]:
    """What changes when `config` may have changed: when each of its files was, in nanoseconds."""
    notes = [project.models_folder / name / named_models.NOTE for name in named_models.given()]
    files = (project.config_path, project.registrations_path, *notes)
    return tuple(_changed(path) for path in files)


@cache
def _warn(words: str) -> None:
    """Log a warning once a process, however often the files are read."""
    log.warning("%s", words)


def _named(project: Project, chosen: list[str]) -> dict[str, RegisteredModel]:
    """The champions that MODEL_NAME names, by the model that each was trained from."""
    found: dict[str, RegisteredModel] = {}
    for name in named_models.given():
        named_models.refuse_name(name)
        noted = named_models.champion(project.models_folder / name)
        if noted is None:
            raise ProjectError(
                f"MODEL_NAME: {name} has no version in {project.models_folder}: train it, or mount "
                "the folder where it stands."
            )
        if noted.model not in chosen:
            raise ProjectError(
                f"MODEL_NAME: {name} was trained from models/{noted.model}/, and this service has "
                f"{', '.join(chosen)}."
            )
        if noted.model in found:
            both = f"{found[noted.model].name} and {name}"
            raise ProjectError(f"MODEL_NAME: {both} are versions of {noted.model}: name one.")
        found[noted.model] = noted.model_copy(update={"name": name})
    return found


def _words(variable: str) -> list[str]:
    """What stands in a variable, commas between."""
    return [word.strip() for word in os.environ.get(variable, "").split(",") if word.strip()]


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # between two versions of the file
        return 0
