"""The model registry: versions of models, one of which is the champion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

CHAMPION = "champion"


@dataclass(frozen=True)
class RegisteredVersion:
    """A registered version: its number, and the folder where its files are on this machine.

    Attributes:
        sha256: the hash of its files; empty where something else has registered it.
        tags: texts by name, such as `build_id`, `metric` and `data_version`.
    """

    name: str
    version: str
    folder: Path
    sha256: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Registry(Protocol):
    """What the steps need of a registry, wherever it is."""

    @property
    def shared(self) -> bool | None:
        """Who serves its champions: all that share model.yaml (True), this machine only (False).

        None where the registry notes its champion by itself.
        """

    def name_of(self, dataset: str, model: str) -> str:
        """What it calls a model: models of other data are never its champion."""

    def champion(self, name: str) -> RegisteredVersion | None:
        """The version that serves now, or None where nothing was registered yet."""

    def find(self, name: str, version: str) -> RegisteredVersion:
        """A registered version; raises ProjectError where there is none."""

    def fetch(self, version: RegisteredVersion) -> Path:
        """Where a version's files are on this machine, brought here if they are not."""

    def set_champion(self, name: str, version: str) -> None:
        """Let a registered version be the one to beat."""

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> RegisteredVersion:
        """A new champion with the files of `folder`; the same files again are the same version."""

    def versions(self, name: str) -> list[RegisteredVersion]:
        """Return all versions of a name, the oldest first; none where nothing was registered."""

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set these tags of a version; its other tags stay.

        Raises:
            ProjectError: there is no such version, or the registry keeps no tags.
        """
