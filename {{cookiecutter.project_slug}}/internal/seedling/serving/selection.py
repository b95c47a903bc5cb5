"""Select the models that this process serves: the registered ones, unless variables say otherwise.

SERVED_MODELS selects some of them. MODEL_NAME names models that training containers wrote; each one
replaces the model that it was trained from.
"""

import logging
from functools import cache
from pathlib import Path

from seedling.config import Config, Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.masking import quoted
from seedling.registry import folder as named_models
from seedling.serving import assets
from seedling.settings import SERVED_MODELS

log = logging.getLogger(__name__)


# Where no model is registered, by whether those of the shared registry are served.
NOTHING = {
    False: "No model is registered: run train.",
    True: "model.yaml registers no model: run train-model-in-aml, then publish-assets-in-registry.",
}


def config(project: Project, environment: str | None = None) -> Config:
    """Return model.yaml with the models that this process serves, those of this machine included.

    In production they are those of model.yaml alone, which the shared registry has; see `assets`.

    Args:
        project: its model.yaml and its registrations are read.
        environment: the value of ENVIRONMENT, unless given.

    Raises:
        ProjectError: model.yaml or the file of registrations is faulty, a variable names a model
            that is not there, or production has no shared registry.
    """
    if assets.are_shared(project.model_yaml, environment):
        found = project.model_yaml
    else:
        found = project.config
        for entry in project.registered_elsewhere:
            _warn(
                f"{entry.name}, version {entry.version}, was registered on another machine and is "
                f"not served: run train, or take it out of `models` in {project.config_path.name}."
            )
    known = [model.name for model in found.training.models]
    chosen = SERVED_MODELS.get() or known
    for model in chosen:
        if model not in known:
            names = ", ".join(known)
            raise ProjectError(
                f"SERVED_MODELS: there is no model {quoted(model)}; there are {names}."
            )
    named = _named(project, chosen)
    entries = [entry for entry in found.models if entry.model in chosen]
    if not named or any(entry.model not in named for entry in entries):
        assets.refuse_without_registry(found, environment)
    if chosen == known and not named:
        return found
    trained = [model for model in found.training.models if model.name in chosen]
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
    """Return the models of model.yaml that SERVED_MODELS leaves out."""
    chosen = SERVED_MODELS.get()
    return {model.name for model in project.config.training.models if chosen} - set(chosen)


def modified(project: Project) -> tuple[int, ...]:
    """Return when each file that `config` reads was modified, in nanoseconds since 1970."""
    names = named_models.names_given()
    notes = [project.models_folder / name / named_models.NOTE for name in names]
    files = (project.config_path, project.registrations_path, *notes)
    return tuple(_modified(path) for path in files)


@cache
def _warn(words: str) -> None:
    """Log a warning once for each process, however often the files are read."""
    log.warning("%s", words)


def _named(project: Project, chosen: list[str]) -> dict[str, RegisteredModel]:
    """Return the champions that MODEL_NAME names, by the model that each was trained from."""
    found: dict[str, RegisteredModel] = {}
    for name in named_models.names_given():
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


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # it is just being replaced
        return 0
