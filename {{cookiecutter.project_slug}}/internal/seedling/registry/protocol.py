"""The model registry: versions of models, one of which is the champion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from seedling.registry.audit import Entry

CHAMPION = "champion"


@dataclass(frozen=True)
class RegisteredVersion:
    """A registered version: its number, and the folder where its files are on this machine.

    Attributes:
        sha256: the hash of its files; empty if another program has registered it.
        tags: texts by name, such as `build_id`, `metric` and `data_version`.
    """

    name: str
    version: str
    folder: Path
    sha256: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Registry(Protocol):
    """A registry of models, on this machine or elsewhere."""

    @property
    def shared(self) -> bool | None:
        """Return True if all who share model.yaml serve its champions, False if this machine does.

        None: the registry notes its champion itself.
        """

    def name_of(self, dataset: str, model: str) -> str:
        """Return the registry's name for a model of a dataset: other data have other champions."""

    def champion(self, name: str) -> RegisteredVersion | None:
        """Return the champion of a name, or None if nothing was registered yet."""

    def find(self, name: str, version: str) -> RegisteredVersion:
        """Return a registered version; raises ProjectError if there is none."""

    def fetch(self, version: RegisteredVersion) -> Path:
        """Return the folder of a version's files on this machine, after a download if needed."""

    def set_champion(self, name: str, version: str) -> None:
        """Make a registered version the champion."""

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> RegisteredVersion:
        """Register `folder` as the new champion; the same files again are the same version."""

    def versions(self, name: str) -> list[RegisteredVersion]:
        """Return all versions of a name, the oldest first; empty if nothing was registered."""

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set these tags of a version; its other tags stay.

        Raises:
            ProjectError: there is no such version, or the registry keeps no tags.
        """

    def note(self, name: str, entry: "Entry") -> None:
        """Keep an entry of the audit for the other machines that use this registry, if any do."""

    def history(self, name: str) -> "list[Entry]":
        """Return the entries of the audit about a name, of all machines, the oldest first."""
