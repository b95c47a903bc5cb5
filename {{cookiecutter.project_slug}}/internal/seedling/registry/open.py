"""Open the project's registries by their names in `implementations.py`."""

from pathlib import Path

from seedling import implementations
from seedling.config import Project, RegisteredModel, registrations
from seedling.registry.folder import FolderRegistry
from seedling.registry.protocol import Registry
from seedling.settings import MODEL_REGISTRY, REGISTRY_FOLDER

HERE, WORKSPACE = "mlflow registry", "azure ml registry"


def open_registry(project: Project, name: str = "") -> Registry:
    """Open the registry of that name; without one, the registry of this process.

    Args:
        project: the project of the models.
        name: HERE or WORKSPACE.
    """
    folder = REGISTRY_FOLDER.get()
    if folder and not name:
        return FolderRegistry(Path(folder))
    found: Registry = implementations.find(name or MODEL_REGISTRY.get() or HERE)(project)
    return found


def registry_of(project: Project, entry: RegisteredModel) -> Registry:
    """Open the registry of an entry's version; a workspace's entry has another name."""
    dataset = project.config.trained_model(entry.model).dataset
    shared = registrations.workspace_name(project.config.slug, dataset, entry.model)
    return open_registry(project, WORKSPACE if entry.name == shared else "")
