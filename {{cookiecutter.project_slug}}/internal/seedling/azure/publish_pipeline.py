"""The verb `publish-training-pipeline`: the pipeline with its components, as the workspace's own.

The YAML stays the description: what is registered is what it says, at a version, with the names of
its components in the place of their files. Inputs are declared without the files of this machine.
"""

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from seedling import team_code
from seedling.azure import environment, places, snapshot, workspace
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.settings import BUILD_ID
from seedling.training import pipeline
from seedling.training.pipeline import TRAINING

# What a published version is made of; a model's hyperparameters are an input, model.yaml.
CONTENT = ("constraints.txt", "internal", "mlops", "models", "pyproject.toml")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,29}")
# What differs by run, by machine or by cluster: a component has none of it.
OF_A_JOB = ("$schema", "compute", "experiment_name", "settings")


class Published(NamedTuple):
    """A component of the workspace, and whether it was there already."""

    name: str
    version: str
    is_new: bool


def publish(project: Project, version: str | None) -> Iterator[Published]:
    """Register the components of the training pipeline, then the pipeline itself.

    Args:
        project: the project of the pipeline.
        version: of all of them; BUILD_ID unless given, and where that is not set, the first digits
            of the content's hash.

    Raises:
        ProjectError: the pipeline is invalid, the version is published with other
            content, or Azure refuses.
    """
    described = pipeline.load(project.root / TRAINING)
    digest = content(project)
    chosen = version or BUILD_ID.get() or digest[:12]
    if not VERSION.fullmatch(chosen):
        raise ProjectError(f"{chosen!r:.80} cannot be a version: letters, digits and ._- only.")
    client = workspace.client(project)
    logging.getLogger("azure.ai.ml._utils._experimental").setLevel(logging.ERROR)
    made = environment.for_training(project, client, places.GROUPS)
    with TemporaryDirectory() as scratch:
        steps = {"environment": made, "code": str(snapshot.take(project, Path(scratch)))}
        for path in dict.fromkeys(job.component.path for job in described.jobs.values()):
            yield _register(client, _name(project, path), (chosen, digest), path, steps)
    text = StringIO(_described(project, described.path, chosen))
    yield _register(client, _name(project, described.path), (chosen, digest), text, {})


def content(project: Project) -> str:
    """Hash all that the steps are made of: their YAML, code and requirements."""
    names = (*CONTENT, *team_code.brought(project.root))
    hashes = (f"{name} {sha256(project.root / name)}\n" for name in names)
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _register(
    client: Any,
    name: str,
    at: tuple[str, str],
    source: Path | StringIO,
    fields: Mapping[str, str],
) -> Published:
    """Register what the YAML describes, unless that version is there with the same content.

    Args:
        client: of the workspace.
        name: the component's.
        at: its version, and the hash of the content.
        source: the YAML.
        fields: what a step has beside it.
    """
    from azure.ai.ml import load_component

    version, digest = at
    known = _known(client, name, version)
    if known is not None:
        if (known.tags or {}).get("sha256") == digest:
            return Published(name, version, is_new=False)
        raise ProjectError(
            f"{name}, version {version}, is published with other content: give another --version."
        )
    with workspace.project_errors(f"Publishing {name}, version {version}"):
        component: Any = load_component(source)
        component.name, component.version = name, version
        component.tags = {"sha256": digest}
        for field, value in fields.items():
            setattr(component, field, value)
        client.components.create_or_update(component)
    return Published(name, version, is_new=True)


def _known(client: Any, name: str, version: str) -> Any:
    """Return the component of that name and version; None if there is none."""
    from azure.core.exceptions import ResourceNotFoundError

    with workspace.project_errors(f"Looking for {name}"):
        try:
            return client.components.get(name, version)
        except ResourceNotFoundError:
            return None


def _described(project: Project, path: Path, version: str) -> str:
    """Return the pipeline's YAML as that of a component whose steps are registered components."""
    document = YAML(typ="safe", pure=True).load(path)
    for name in OF_A_JOB:
        document.pop(name, None)
    for declared in document["inputs"].values():
        declared.pop("path", None)
    for job in document["jobs"].values():
        job["component"] = f"azureml:{_name(project, path.parent / job['component'])}:{version}"
    text = StringIO()
    YAML().dump(document | {"name": _name(project, path), "version": version}, text)
    return text.getvalue()


def _name(project: Project, path: Path) -> str:
    """Return its name in the workspace, which several projects may share."""
    return f"{project.config.slug}_{path.stem}"
