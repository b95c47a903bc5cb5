"""A registry in a folder, in which one container registers versions and another serves them.

The folder of that name holds the versions, and a note of the champion in the form of an entry under
`models` of model.yaml.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from seedling.config import RegisteredModel
from seedling.errors import ProjectError
from seedling.files import read_json, replacing, sha256, write_json
from seedling.registry import audit, model_files
from seedling.registry.protocol import RegisteredVersion
from seedling.settings import MODEL_NAME, MODEL_NAME_OF_THE_SEED

NOTE = "champion.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def names_given() -> list[str]:
    """Return the names in MODEL_NAME, which has commas between them."""
    return list(dict.fromkeys([*MODEL_NAME.get(), *MODEL_NAME_OF_THE_SEED.get()]))


def champion(folder: Path) -> RegisteredModel | None:
    """Read the champion of a folder; None if nothing was registered yet.

    Raises:
        ProjectError: the note cannot be read.
    """
    path = folder / NOTE
    if not path.exists():
        return None
    try:
        return RegisteredModel.model_validate(read_json(path))
    except (ValueError, ValidationError):
        where = f"{folder.name}/{NOTE}"
        raise ProjectError(
            f"{where} is not what training wrote: restore it, or remove {folder} and train again."
        ) from None


def note(folder: Path, registered: RegisteredModel) -> None:
    """Write the champion of a folder."""
    write_json(folder / NOTE, registered.model_dump(exclude_defaults=True))


def refuse_name(name: str) -> None:
    """Refuse a name that some file system does not accept for a folder."""
    if not NAME.fullmatch(name):
        raise ProjectError(
            f"MODEL_NAME: {name!r:.80} must be letters, digits, _ and -, 64 at most, with a letter "
            "or a digit first."
        )


class FolderRegistry:
    """A model's versions in a folder of any name, with a note of the champion beside them.

    A training container has no other place to write to.
    """

    shared = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def name_of(self, dataset: str, model: str) -> str:
        return self.folder.name

    def champion(self, name: str) -> RegisteredVersion | None:
        noted = champion(self.folder)
        return None if noted is None else self._version(noted.version, noted.sha256)

    def find(self, name: str, version: str) -> RegisteredVersion:
        folder = self.folder / version
        if not folder.is_dir():
            raise ProjectError(f"{self.folder.name} has no version {version!r}.")
        return self._version(version, sha256(folder))

    def fetch(self, version: RegisteredVersion) -> Path:
        return version.folder

    def set_champion(self, name: str, version: str) -> None:
        noted = champion(self.folder)
        if noted and noted.version != version:
            found = {"version": version, "sha256": self.find(name, version).sha256}
            self._note(noted.model_copy(update=found), "promote")

    def register(self, name: str, folder: Path, tags: Mapping[str, str]) -> RegisteredVersion:
        model_files.refuse_smoke(folder, name, "registered")
        digest = sha256(folder)
        versions = [int(path.name) for path in self.folder.glob("*") if path.name.isdigit()]
        same = [number for number in versions if sha256(self.folder / str(number)) == digest]
        version = str(same[0] if same else 1 + max(versions, default=0))
        with replacing(self.folder / version) as aside:
            shutil.copytree(folder, aside)
        noted = RegisteredModel(
            name=self.folder.name,
            model=tags["model"],
            description=tags["description"],
            version=version,
            sha256=digest,
        )
        self._note(noted, "register")
        return self._version(version, digest)

    def versions(self, name: str) -> list[RegisteredVersion]:
        numbers = sorted(int(path.name) for path in self.folder.glob("*") if path.name.isdigit())
        return [self.find(name, str(number)) for number in numbers]

    def tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        raise ProjectError(f"{self.folder.name} is a folder, whose versions have no tags.")

    def note(self, name: str, entry: audit.Entry) -> None:
        """Do nothing: a change of the champion notes itself in this folder."""

    def history(self, name: str) -> list[audit.Entry]:
        return audit.read(self.folder / audit.FILE_NAME)

    def _note(self, registered: RegisteredModel, action: str) -> None:
        """Write the champion, and a line about the change into the audit of this folder."""
        before = champion(self.folder)
        note(self.folder, registered)
        if before is None or before.version != registered.version:
            audit.append(
                self.folder / audit.FILE_NAME,
                audit.changed(action, [registered], before.version if before else ""),
            )

    def _version(self, version: str, digest: str) -> RegisteredVersion:
        return RegisteredVersion(self.folder.name, version, self.folder / version, digest)
