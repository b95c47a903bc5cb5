"""The verb `doctor`: examine a project, and name the verb that mends each finding."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

from seedling import settings
from seedling.azure import workspace
from seedling.config import Config, Dataset, Project, registrations
from seedling.data import datasets, feature_store, inference_query
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.init import SUPPORTED, fingerprint
from seedling.masking import has_secret
from seedling.registry import audit
from seedling.release import manifest
from seedling.scaffold import all_models, parts
from seedling.serving import assets, background_service, unnamed
from seedling.serving.access import Access
from seedling.settings import SERVICE_PRINCIPAL
from seedling.training import killed, pipeline
from seedling.training.pipeline import TRAINING
from seedling.wording import counted

MOST_NAMED = 10  # edited files of internal/
PRINCIPAL = tuple(setting.name for setting in SERVICE_PRINCIPAL)


@dataclass(frozen=True)
class Finding:
    """One examined subject.

    Attributes:
        subject: such as `python` or `dataset income`.
        message: its state, and the verb that mends it.
        mark: `ok`, `note` (worth knowing), `to do` (a verb mends it) or `wrong` (an error).
    """

    subject: str
    message: str
    mark: str = "ok"


def examine(project: Project) -> Iterator[Finding]:
    """Yield the findings, those that others depend on first; an invalid model.yaml is the last."""
    yield from _python(project)
    yield from _internal(project)
    try:
        config = project.config
    except ProjectError as error:
        yield Finding("model.yaml", str(error), "wrong")
        return
    yield Finding("model.yaml", f"{counted(len(config.named_datasets), 'dataset')}, valid")
    for where in _secrets(project.model_yaml.model_dump(mode="json")):
        message = f"{where} holds a secret, which git keeps: put it into .env, and write ${{NAME}}"
        yield Finding("model.yaml", message, "wrong")
    yield from _left_out(config)
    if config.training.models:
        yield _attempt("pipeline", "wrong", lambda: _pipeline(project))
    if parts.CONTAINERS in config.parts:
        yield _attempt("models/all", "to do", lambda: _together(project))
    yield _feature_store(project)
    for dataset in config.datasets:
        count = partial(_count, project, dataset)
        yield _attempt(f"dataset {dataset.name}", "to do", count)
        yield from _looked_up(project, dataset)
    yield from _models(project)
    yield from _audit(project)
    left = killed.found(project)
    if left:
        size = sum(killed.size(each) for each in left) / 1e6
        message = f"{counted(len(left), 'piece')} of killed trainings, {size:.1f} MB: the"
        yield Finding("left behind", f"{message} next train removes them", "note")
    service = background_service.state(project)
    if service:
        yield Finding("service", service, "ok" if service.startswith("runs") else "to do")
    yield _attempt("settings", "wrong", lambda: _settings(project))
    yield _attempt("access", "wrong", lambda: f"answers {Access.from_environment(os.environ)}")
    if parts.AZURE in config.parts:
        yield from _azure(project)


def _secrets(value: Any, where: str = "") -> Iterator[str]:
    """Yield the keys of URLs and connection strings with a secret in them."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(inner, f"{where}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _secrets(inner, f"{where}, item {number}")
    elif isinstance(value, str) and "://" in value and has_secret(value):
        yield where


def _left_out(config: Config) -> Iterator[Finding]:
    """Yield what training needs and model.yaml does not have."""
    for named in config.datasets_without_schema:
        source = named.source or "FILE"
        message = f"no schema: run add-dataset --name {named.name} --from {source} --target COLUMN"
        yield Finding(f"dataset {named.name}", message, "to do")
    if config.datasets and not config.training.models:
        message = f"no model is trained: run add-model MODEL --dataset {config.datasets[0].name}"
        yield Finding("training", message, "to do")


def _azure(project: Project) -> Iterator[Finding]:
    yield Finding("registry", _registry(project))
    azure = _attempt("azure ml", "wrong", lambda: _workspace(project))
    yield azure
    if azure.mark == "ok":
        yield _credential(project)


def _python(project: Project) -> Iterator[Finding]:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        yield Finding("python", f"{found}, scikit-learn {version('scikit-learn')}")
    else:
        yield Finding("python", f"{found} is not supported: use 3.11 to 3.13", "wrong")
    stamp = project.root / ".venv" / ".installed"
    if stamp.exists() and stamp.read_text().split()[0] != fingerprint(project.root):
        yield Finding(
            "environment", "the pinned versions, or its folder, changed since: run init", "to do"
        )


def _internal(project: Project) -> Iterator[Finding]:
    """Yield the version of internal/, or the files that differ from that version."""
    internal = project.root / "internal"
    if not internal.is_dir():
        yield Finding("internal", f"not here: Seedling {manifest.running_version()} is installed")
        return
    try:
        found = manifest.differences(internal)
    except ProjectError as error:
        yield Finding("internal", str(error), "note")
        return
    for difference in found[:MOST_NAMED]:
        yield Finding("internal", difference, "note")
    if len(found) > MOST_NAMED:
        more = f"and {len(found) - MOST_NAMED} more: check-internal lists them all"
        yield Finding("internal", more, "note")
    if not found:
        yield Finding("internal", f"Seedling {manifest.version_of(internal)}, unedited")


def _settings(project: Project) -> str:
    """List the names of the settings that have a value, without the values."""
    settings.check()
    assets.refuse_without_registry(project.config)
    found = [each.name for each in settings.ALL if each.is_set()]
    return ", ".join(found) if found else "none is set"


def _pipeline(project: Project) -> str:
    models = pipeline.load(project.root / TRAINING).models
    for model in models:
        project.config.trained_model(model)
    missing = {model.name for model in project.config.training.models} - set(models)
    if missing:
        raise ProjectError(f"{TRAINING.name} does not train {', '.join(sorted(missing))}")
    gone = [name for name in models if not (project.root / "models" / name / "train.py").is_file()]
    if gone:
        raise ProjectError(f"models/{gone[0]}/train.py is missing")
    return f"trains {', '.join(models)}"


def _together(project: Project) -> str:
    all_models.refuse_stale(project.root)
    return "current"


def _feature_store(project: Project) -> Finding:
    if feature_store.is_missing_sqlite(project):
        message = "not there yet: run create-local-datasets"
        return Finding("feature store", message, "to do")

    def answers() -> str:
        engine = feature_store.connect(project, read_only=True)
        feature_store.query(engine, "SELECT 1 AS one")
        return f"{feature_store.shown(engine)} answers"

    return _attempt("feature store", "wrong", answers)


def _count(project: Project, dataset: Dataset) -> str:
    return f"{len(datasets.load(project, dataset)):,} rows"


def _looked_up(project: Project, dataset: Dataset) -> Iterator[Finding]:
    """Yield whether the service's query yields the features of a dataset, if it is asked for it."""
    try:
        missing = inference_query.lacking(project, dataset)
    except ProjectError:  # the feature store has its own finding
        return
    if missing:
        message = f"{inference_query.QUERY} does not yield {', '.join(missing)}: add it there"
        yield Finding(f"dataset {dataset.name}", message, "to do")


def _models(project: Project) -> Iterator[Finding]:
    known = {entry.model for entry in [*project.config.models, *project.registered_elsewhere]}
    for trained in project.config.training.models:
        if trained.name not in known:
            message = f"no version is registered here: run train --model {trained.name}"
            yield Finding(f"model {trained.name}", message, "to do")
    for registered in project.registered_elsewhere:
        message = f"version {registered.version} was registered on another machine: run train"
        yield Finding(f"model {registered.model}", message, "to do")
    for registered in project.config.models:
        subject, folder = f"model {registered.model}", project.model_path(registered)
        if not folder.is_dir():
            of_workspace = registrations.is_of_workspace(project, registered)
            how = "run download-models" if of_workspace else "restore its folder, or run train"
            yield Finding(subject, f"version {registered.version} is not here: {how}", "to do")
        elif not registered.sha256:
            line = (
                f"add the line `sha256: {sha256(folder)}` to it if these files are the right ones"
            )
            message = f"version {registered.version} has no hash in model.yaml: {line}"
            yield Finding(subject, message, "to do")
        elif sha256(folder) != registered.sha256:
            message = f"version {registered.version}: its files are not those registered"
            yield Finding(subject, message, "wrong")
        else:
            yield Finding(subject, f"version {registered.version}, verified")
    remark = unnamed.choose(project.config, unnamed.on_disk(project, project.config)).remark
    if remark:
        yield Finding("best model", remark, "note")


def _audit(project: Project) -> Iterator[Finding]:
    """Yield what is wrong with the audit of what answers, and which models it is not about."""
    for fault in audit.faults(project):
        yield Finding("audit", f"{fault}: what it says of the past may be wrong", "wrong")
    for model in audit.changed_by_hand(project):
        message = f"{model} is answered otherwise than its last line says: changed by hand, or a"
        yield Finding("audit", f"{message} killed verb; traffic shows what answers", "note")


def _workspace(project: Project) -> str:
    found = workspace.find(project)
    if found is None:
        return "no workspace is named"
    return f"{found.workspace} in {found.resource_group}, named in {found.named_in}"


def _registry(project: Project) -> str:
    registry = project.config.registry
    if registry is None:
        return "no shared registry is named"
    place = f" in {registry.location}" if registry.location else ""
    return f"{registry.name}{place}, for publishing and for a service in production"


def _credential(project: Project) -> Finding:
    config = project.config
    azure = config.feature_store.server or config.registry or workspace.find(project)
    if not azure:
        return Finding("credential", "none needed: everything is on this machine or in a URL")
    if workspace.find(project) and not workspace.has_sdk():
        return Finding("credential", "Azure ML's SDK is missing: run init, group aml", "to do")
    given = [setting.name for setting in SERVICE_PRINCIPAL if setting.is_set()]
    if "AZURE_CLIENT_SECRET" in given and len(given) < len(PRINCIPAL):
        missing = ", ".join(name for name in PRINCIPAL if name not in given)
        return Finding("credential", f"the service principal lacks {missing}", "to do")
    identity = os.environ.get("IDENTITY_ENDPOINT") or os.environ.get("MSI_ENDPOINT")
    which = "managed identity" if identity else "the account signed in by az login"
    principal = len(given) == len(PRINCIPAL)
    return Finding("credential", f"{'service principal' if principal else which}, for Azure")


def _attempt(subject: str, mark: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, look())
    except ProjectError as error:
        return Finding(subject, str(error), mark)
