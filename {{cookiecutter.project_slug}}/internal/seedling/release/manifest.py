"""MANIFEST: the version of internal/, and a hash for each of its files.

Its lines are those of `sha256sum`, so `sha256sum --check MANIFEST` reads them too. It also holds
the hash of constraints.txt, which stands beside internal/ and belongs to the release.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

from seedling.errors import ProjectError

NAME = "MANIFEST"
CONSTRAINTS = "../constraints.txt"
VERSION = re.compile(r'(?m)^version = "([^"]+)"$')
TITLE = re.compile(r"# Seedling (\S+)")
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
# What Python, its tools and macOS leave in any folder.
CACHES = re.compile(r"__pycache__|\.[a-z_]+_cache|\.DS_Store|.*\.(pyc|egg-info)")


@dataclass(frozen=True)
class Manifest:
    """A version of Seedling, and the hashes of its files by their paths in internal/."""

    version: str
    hashes: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{self.hashes[path]}  {path}" for path in sorted(self.hashes)]
        return "\n".join([f"# Seedling {self.version}", *lines, ""])


def parse(text: str) -> Manifest:
    """Read a manifest.

    Raises:
        ValueError: a line is not one of a manifest, or a path stands there twice.
    """
    title, *lines = text.splitlines() or [""]
    found = TITLE.fullmatch(title)
    if not found:
        raise ValueError("line 1 is not `# Seedling VERSION`")
    hashes: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        entry = LINE.fullmatch(line)
        if not entry or entry[2] in hashes:
            raise ValueError(f"line {number} is not `HASH  PATH`, each path once")
        hashes[entry[2]] = entry[1]
    return Manifest(found[1], hashes)


def read(internal: Path) -> Manifest:
    """Read the manifest of an internal/ folder.

    Raises:
        ProjectError: it is missing or damaged.
    """
    try:
        return parse((internal / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(
            f"internal/{NAME} is missing, so nothing can say which files were edited: "
            "update-internal writes a new one."
        ) from None
    except ValueError as error:
        raise ProjectError(
            f"internal/{NAME} is damaged ({error}): take it back from git, or run update-internal."
        ) from None


def of_folder(internal: Path) -> Manifest:
    """Compute the manifest that the files of an internal/ folder, as they are, would have."""
    hashes = {path: digest((internal / path).read_bytes()) for path in paths(internal)}
    constraints = internal.parent / "constraints.txt"
    if constraints.is_file():
        hashes[CONSTRAINTS] = digest(constraints.read_bytes())
    return Manifest(version_of(internal), hashes)


def paths(internal: Path) -> Iterator[str]:
    """Yield the path of each file of internal/ with `/`, without MANIFEST and tools' caches."""
    for path in sorted(internal.rglob("*")):
        relative = path.relative_to(internal)
        if path.is_file() and not any(CACHES.fullmatch(part) for part in relative.parts):
            name = relative.as_posix()
            if name != NAME:
                yield name


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes, the same where git writes CRLF."""
    return hashlib.sha256(normalised(content)).hexdigest()


def normalised(content: bytes) -> bytes:
    """Return the bytes of a file with LF as the line ends, if it is text."""
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")


def differences(internal: Path) -> list[str]:
    """List the files of internal/ that are not those of its version, a sentence for each.

    constraints.txt is not among them: `lock` writes another one.

    Raises:
        ProjectError: MANIFEST is missing or damaged.
    """
    released = read(internal)
    is_there = {path: digest((internal / path).read_bytes()) for path in paths(internal)}
    found = []
    for path in sorted({*released.hashes, *is_there} - {CONSTRAINTS}):
        if path not in is_there:
            found.append(f"internal/{path} of Seedling {released.version} is missing")
        elif path not in released.hashes:
            found.append(f"internal/{path} is not part of Seedling {released.version}")
        elif is_there[path] != released.hashes[path]:
            found.append(f"internal/{path} differs from Seedling {released.version}")
    return found


def version_of(internal: Path) -> str:
    """Return the version that internal/pyproject.toml declares.

    Raises:
        ProjectError: it declares none.
    """
    path = internal / "pyproject.toml"
    found = VERSION.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    if not found:
        raise ProjectError('internal/pyproject.toml has no line `version = "..."`.')
    return found[1]


def running_version() -> str:
    """Return the version of the plumbing that runs: of its folder, or of the wheel it came in."""
    internal = Path(__file__).resolve().parents[2]
    if (internal / "pyproject.toml").is_file():
        return version_of(internal)
    return installed_version("seedling")
