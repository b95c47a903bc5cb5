"""A released zip, read and checked before anything of it is used."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from seedling.errors import ProjectError
from seedling.release import manifest
from seedling.release.manifest import Manifest

MAX_FILES = 5_000
MAX_BYTES = 64 * 1024 * 1024  # unpacked; a release has about 1 MiB
CONSTRAINTS = "constraints.txt"


@dataclass(frozen=True)
class Release:
    """The content of a released zip: its manifest, and its files by their paths in a project."""

    manifest: Manifest
    files: dict[str, bytes]

    @property
    def version(self) -> str:
        return self.manifest.version


def read(path: Path) -> Release:
    """Read a released zip.

    Raises:
        ProjectError: it is missing, damaged, no release of Seedling, or not as its manifest says.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProjectError(f"{path} is too large to be a release of Seedling.")
        with ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _refuse_strange(path, entries)
            files = {entry.filename: archive.read(entry) for entry in entries}
    except FileNotFoundError:
        raise ProjectError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise ProjectError(f"{path} is a folder: name the released zip.") from None
    except (
        BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        zlib.error,
    ) as error:
        raise ProjectError(f"{path} is damaged, or no zip ({error}): fetch it again.") from None
    return Release(_checked(path, files), files)


def _refuse_strange(path: Path, entries: list[ZipInfo]) -> None:
    """Refuse a zip by its table of contents, before anything is unpacked."""
    if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise ProjectError(
            f"{path} is too large to be a release: {len(entries):,} files, "
            f"{sum(entry.file_size for entry in entries):,} bytes."
        )
    names = [entry.filename for entry in entries]
    if f"internal/{manifest.NAME}" not in names:
        raise ProjectError(
            f"{path} is not a release of Seedling: it has no internal/{manifest.NAME}."
        )
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        outside = name != CONSTRAINTS and not name.startswith("internal/")
        steps = name.split("/")
        if outside or "\\" in name or ":" in name or {"", ".", ".."} & set(steps):
            raise ProjectError(f"{path} is not a release of Seedling: it would write {name!r}.")
        if name.casefold() in seen:
            raise ProjectError(f"{path} is not a release of Seedling: it has {name!r} twice.")
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise ProjectError(f"{path} is packed in a way that Seedling's releases are not.")
        seen.add(name.casefold())


def _checked(path: Path, files: dict[str, bytes]) -> Manifest:
    """Return the manifest of these files, which are exactly those that it lists."""
    try:
        listed = manifest.parse(files[f"internal/{manifest.NAME}"].decode("utf-8"))
    except ValueError as error:
        raise ProjectError(
            f"{path} is not a release of Seedling: in its {manifest.NAME}, {error}."
        ) from None
    names = {_name(each): each for each in listed.hashes}
    for name in sorted({*names, *files} - {f"internal/{manifest.NAME}"}):
        if name not in files:
            raise ProjectError(f"{path} is damaged: {name} is missing from it. Fetch it again.")
        if name not in names:
            raise ProjectError(f"{path} was changed: {name} is not in its {manifest.NAME}.")
        if manifest.digest(files[name]) != listed.hashes[names[name]]:
            raise ProjectError(
                f"{path} was changed or is damaged: {name} is not as its {manifest.NAME} says."
            )
    declared = manifest.VERSION.search(
        files.get("internal/pyproject.toml", b"").decode("utf-8", "replace")
    )
    if not declared or declared[1] != listed.version:
        raise ProjectError(
            f"{path} is not a release of Seedling: internal/pyproject.toml does not have the "
            f"version of its {manifest.NAME}, {listed.version}."
        )
    return listed


def _name(listed: str) -> str:
    """Return the path in a project of a file that a manifest lists."""
    return CONSTRAINTS if listed == manifest.CONSTRAINTS else f"internal/{listed}"
