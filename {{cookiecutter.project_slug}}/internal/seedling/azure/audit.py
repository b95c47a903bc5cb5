"""The audit of a model of the workspace: a version of a data asset for each change of what answers.

Tags say only which version is the champion now, and they can be rewritten. A
version of a data asset is written once: Azure ML refuses another content for it. Its description
has the entry, so that a list of the versions is the history.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from seedling.azure import data, workspace
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.registry import audit
from seedling.registry.audit import Entry

FILE = "entry.json"
LONGEST = 4_000  # characters of a description; what is longer is read from the file
ATTEMPTS = 5  # where others write at the same time


def note(client: Any, name: str, entry: Entry) -> None:
    """Add an entry to the audit of a model.

    Args:
        client: of the workspace.
        name: the model's in the workspace.
        entry: its place in the chain is set here.

    Raises:
        ProjectError: Azure refuses.
    """
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    for _ in range(ATTEMPTS):
        versions = _versions(client, name)
        before = _entry(client, versions[-1]).hash if versions else ""
        number = int(versions[-1].version) + 1 if versions else 1
        text = msgspec.json.encode(audit.chained(entry, before)).decode()
        with TemporaryDirectory() as folder:
            file = Path(folder, FILE)
            write_text(file, text)
            made = Data(
                name=_asset(name),
                version=str(number),
                path=str(file),
                type=AssetTypes.URI_FILE,
                description=text if len(text) <= LONGEST else "The entry stands in the file.",
                tags={"action": entry.action, "by": entry.by},
            )
            try:
                with workspace.project_errors(f"Writing the audit of {name}"):
                    client.data.create_or_update(made)
                return
            except ProjectError:
                now = [version.version for version in _versions(client, name)]
                if str(number) not in now:  # else another process has written it meanwhile
                    raise
    raise ProjectError(f"The audit of {name} is written by others all the time: try again.")


def history(client: Any, name: str) -> list[Entry]:
    """Return the entries of the audit of a model, the oldest first; empty if there are none."""
    return [_entry(client, version) for version in _versions(client, name)]


def _versions(client: Any, name: str) -> list[Any]:
    """Return the versions of the data asset, the oldest first."""
    return sorted(data.versions(client, _asset(name)), key=lambda found: int(found.version))


def _entry(client: Any, version: Any) -> Entry:
    """Return the entry that a version of the data asset holds.

    Raises:
        ProjectError: it cannot be read.
    """
    what = f"Reading the audit, {version.name}, version {version.version}"
    try:
        return msgspec.json.decode(version.description or "", type=Entry)
    except msgspec.DecodeError:
        pass
    with TemporaryDirectory() as folder:
        data.download_files(client, version.path, Path(folder), what)
        try:
            return msgspec.json.decode(next(Path(folder).rglob(FILE)).read_bytes(), type=Entry)
        except (StopIteration, msgspec.DecodeError):
            raise ProjectError(f"{what}: it is no entry.") from None


def _asset(name: str) -> str:
    return f"{name}-audit"
