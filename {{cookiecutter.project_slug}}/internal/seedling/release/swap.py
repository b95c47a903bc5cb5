"""Replaces internal/ by what stands ready in a zip, or goes on where a killed process stopped.

The zip is the whole of what is to come, so the same work done again ends the same. This module
imports nothing of the plumbing, whose files may be of two versions meanwhile; each of them is
whole. Folders are not renamed: Windows refuses that while any program has a file of theirs open.
"""

import os
from pathlib import Path

READY = Path("local_assets") / "update-internal.zip"
LAST = "internal/MANIFEST"  # as long as it is the old one, the update is not done


def finish(root: Path) -> None:
    """Replace a project's internal/ by the pending zip, if there is one, and remove the zip.

    Args:
        root: the project's folder.

    Raises:
        OSError: a file cannot be replaced, and the zip stays for another attempt; or it is damaged.
    """
    if not (root / READY).is_file():
        return
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(root / READY) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except BadZipFile:
        message = f"{READY.as_posix()} is damaged: delete it, and run update-internal again"
        raise OSError(message) from None
    put(root, files)
    (root / READY).unlink()


def put(root: Path, files: dict[str, bytes]) -> None:
    """Write files by their paths in the project, and remove what else is in internal/."""
    for name in sorted({*files} - {LAST}):
        _write(root / name, files[name])
    _remove_others(root, files)
    if LAST in files:
        _write(root / LAST, files[LAST])


def _write(path: Path, content: bytes) -> None:
    """Replace a file in one step, on the disk as well, unless it is so already."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    with aside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(aside, path)


def _remove_others(root: Path, files: dict[str, bytes]) -> None:
    """Remove the files of internal/ that are not among these, caches too, and empty folders."""
    for path in sorted((root / "internal").rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(root).as_posix() not in files:
            path.unlink()
