"""A project on disk: its folders, its model.yaml, and edits of it that keep all other lines."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from seedling.config import env_files, mounted, registrations
from seedling.config.datasets import Dataset, NamedDataset
from seedling.config.document import PLACEHOLDER, parse, read_text, validated
from seedling.config.model_yaml import FILE_NAME, Config, read_config
from seedling.config.models import RegisteredModel
from seedling.config.rewriting import Layout, rewritten
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.scaffold import edit_text
from seedling.settings import AZURE_TENANT_ID, AZUREML_MODEL_DIR, MODELS_FOLDER

TENANT = "aad_tenant_id"


class NoProjectError(ProjectError):
    """A folder is in no project."""


@dataclass(frozen=True)
class Project:
    """A project on disk: its root folder and its model.yaml, which may stand elsewhere."""

    root: Path
    settings: Path | None = None

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """Find the project that holds `start` (this folder by default), and load its .env.

        Raises:
            NoProjectError: neither the folder nor one above it has a model.yaml.
            ProjectError: its .env cannot be read.
        """
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / FILE_NAME).is_file():
                _load(folder / ".env")
                _take_tenant(folder / FILE_NAME)
                return cls(folder)
        raise NoProjectError(f"No {FILE_NAME} in {here} or above it: run this inside the project.")

    @property
    def config_path(self) -> Path:
        return self.settings or self.root / FILE_NAME

    @property
    def assets(self) -> Path:
        """Return the folder of everything made by running; git ignores it."""
        return self.root / "local_assets"

    @cached_property
    def model_yaml(self) -> Config:
        """Read model.yaml alone, with the registered versions that the team shares."""
        return read_config(self.config_path)

    @cached_property
    def registered_here(self) -> list[RegisteredModel]:
        """Read what this machine has registered for itself of the models that model.yaml trains."""
        trained = {model.name for model in self.model_yaml.training.models}
        found = registrations.read(self.registrations_path)
        return [entry for entry in found if entry.model in trained]

    @cached_property
    def config(self) -> Config:
        """Read model.yaml with the registered versions of this machine in `models`.

        A model has the entries of this machine where it is registered here, else those of
        model.yaml without `registered_elsewhere`.
        """
        return registrations.merged(self)

    @property
    def registered_elsewhere(self) -> list[RegisteredModel]:
        """Return the entries of model.yaml that another machine made for itself, with their files.

        A model whose champion is one of them is left out with its other versions.
        """
        here = {entry.model for entry in self.registered_here}
        others = [entry for entry in self.model_yaml.models if entry.model not in here]
        gone = [entry for entry in others if registrations.is_elsewhere(self, entry)]
        models = {entry.model for entry in gone if entry.is_champion}
        return [entry for entry in others if entry in gone or entry.model in models]

    def dataset_path(self, dataset: Dataset | NamedDataset) -> Path:
        return self.root / dataset.local_directory_path / dataset.file_name

    @property
    def models_folder(self) -> Path:
        """Return the folder of trained models' files; containers mount it elsewhere."""
        return self.root / (MODELS_FOLDER.get() or self.assets / "models")

    @property
    def registrations_path(self) -> Path:
        """Return the file of what this machine has registered for itself; git ignores it."""
        return self.models_folder / registrations.FILE_NAME

    def model_path(self, registered: RegisteredModel) -> Path:
        """Return the folder of a version's files; where Azure ML mounts it if it is only there."""
        folder = self.models_folder / registered.name / registered.version
        if folder.is_dir():
            return folder
        return mounted.find(AZUREML_MODEL_DIR.get(), registered.sha256) or folder

    def predict_path(self, model: str) -> Path:
        return self.root / "models" / model / "predict.py"

    def edit(self, change: Callable[[Any], None], layout: Layout = dict) -> None:
        """Let `change` edit model.yaml's document; each line that it does not change stays.

        The result is validated before it replaces the file, so a bad edit changes nothing.

        Args:
            change: is given the document as plain dicts and lists.
            layout: lays out a dict that a list gets.

        Raises:
            ProjectError: the file's layout does not allow the edit, or the result is invalid.
        """
        before = read_text(self.config_path)
        document = parse(YAML(typ="safe", pure=True), before, self.config_path)
        change(document)
        self.write(rewritten(before, document, self.config_path.name, layout))

    def write(self, text: str) -> None:
        """Replace model.yaml by a text, once that is validated."""
        validated(text, self.config_path, Config)
        write_text(self.config_path, text)
        self.forget_what_was_read()

    def forget_what_was_read(self) -> None:
        """Read model.yaml and what is registered here again at the next access."""
        for name in ("model_yaml", "registered_here", "config"):
            self.__dict__.pop(name, None)


def _load(path: Path) -> None:
    """Set the variables of a .env, if there is one, that the process does not have already.

    Raises:
        ProjectError: it cannot be read, or a line is no `NAME=value`.
    """
    if path.exists():
        for name, value in env_files.read(path).items():
            os.environ.setdefault(name, value)


def _take_tenant(path: Path) -> None:
    """Let model.yaml's `aad_tenant_id` stand for AZURE_TENANT_ID, where that is not set.

    A malformed file is no error here: it is one where the whole file is read.
    """
    tenant = edit_text.outline(path.read_text(encoding="utf-8", errors="replace")).value(TENANT)
    if tenant and tenant != PLACEHOLDER and not AZURE_TENANT_ID.is_set():
        os.environ[AZURE_TENANT_ID.name] = tenant
