"""The audit: a line for each change of what answers, which is never rewritten.

A registry's alias says only which version is the champion now. Here stands what came before it, by
whom and why. Each line has the hash of the line before, so that an edit or a gap is seen.
"""

import getpass
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from seedling.config import Project, RegisteredModel

FILE_NAME = "audit.jsonl"
CHAMPION, SHADOW = "champion", "shadow"
ACTORS = ("GITHUB_ACTOR", "BUILD_REQUESTEDFOR")  # who started a build: GitHub's, Azure DevOps'


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change of the versions of a model that answer.

    Attributes:
        time: of the change, UTC, as ISO 8601.
        by: the login name, or whom the CI system names.
        action: register, promote, rollback, share, shadow, retire or shared.
        model: a folder of models/.
        name: of the model in its registry; empty if nothing answers any more.
        from_version, to_version: the champion before and after it; for a challenger or a shadow,
            the version that stops or begins to answer, the other one empty.
        why: a sentence.
        evidence: what the decision rests on, by name.
        roles: after the change, the role of each version: champion, shadow, or its share.
        hashes: of the files of each version in `roles`.
        before: the `hash` of the line before; empty in the first.
        hash: of this line without it.
    """

    time: str
    by: str
    action: str
    model: str
    name: str = ""
    from_version: str = ""
    to_version: str = ""
    why: str = ""
    evidence: dict[str, Any] = {}
    roles: dict[str, str | float] = {}
    hashes: dict[str, str] = {}
    before: str = ""
    hash: str = ""

    @property
    def champion(self) -> str:
        """Return the version that was the champion after the change; empty if there was none."""
        return next((version for version, role in self.roles.items() if role == CHAMPION), "")


_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(Entry)


def path_of(project: Project) -> Path:
    """Return the file of the audit, beside the versions that this machine has."""
    return project.models_folder / FILE_NAME


def note(
    project: Project,
    action: str,
    model: str,
    from_version: str,
    to_version: str,
    why: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> Entry:
    """Add a line about a change that was just made; see `Entry` for the arguments."""
    project.forget_what_was_read()
    answering = [entry for entry in project.config.models if entry.model == model]
    entry = changed(action, answering, from_version, to_version)
    entry = replace(entry, model=model, why=why, evidence=dict(evidence or {}))
    return append(path_of(project), entry)


def changed(
    action: str, answering: Sequence[RegisteredModel], from_version: str, to_version: str = ""
) -> Entry:
    """Return an entry of now about the versions of a model that answer after a change.

    Args:
        action, from_version: see `Entry`.
        answering: the versions, the champion among them; empty if nothing answers any more.
        to_version: the champion's unless given.
    """
    champion = next((entry for entry in answering if entry.is_champion), None)
    return Entry(
        time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        by=who(),
        action=action,
        model=champion.model if champion else "",
        name=champion.name if champion else "",
        from_version=from_version,
        to_version=to_version,
        roles={entry.version: role_of(entry) for entry in answering},
        hashes={entry.version: entry.sha256 for entry in answering},
    )


def append(path: Path, entry: Entry) -> Entry:
    """Add an entry to the file of an audit; return it with its place in the chain."""
    with locked(path):
        lines = _lines(path)
        entry = chained(entry, _hash_of(lines[-1]) if lines else "")
        data = _ENCODER.encode(entry) + b"\n"
        if lines and not lines[-1].endswith(b"\n"):  # its writer was killed
            data = b"\n" + data
        with path.open("ab") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    return entry


def chained(entry: Entry, before: str) -> Entry:
    """Return an entry with the hash of the one before it, and its own."""
    entry = replace(entry, before=before, hash="")
    return replace(entry, hash=_own_hash(entry))


def entries(project: Project, model: str | None = None) -> list[Entry]:
    """Return the changes of a model, or of all, the oldest first."""
    return [entry for entry in read(path_of(project)) if model in (None, entry.model)]


def read(path: Path) -> list[Entry]:
    """Return the entries of an audit's file, the oldest first; unreadable lines are left out."""
    return [entry for line in _lines(path) if (entry := _read(line))]


def faults(project: Project) -> list[str]:
    """Return a sentence for each line that is not as it was written, or does not follow its last.

    The end of the file may have been cut off: that shows where what answers is not what the last
    line says.
    """
    found, before = [], ""
    for number, line in enumerate(_lines(path_of(project)), 1):
        entry = _read(line)
        if entry is None:
            found.append(f"{FILE_NAME}, line {number}, cannot be read")
        elif _own_hash(entry) != entry.hash:
            found.append(f"{FILE_NAME}, line {number}, was changed after it was written")
        elif entry.before != before:
            found.append(f"{FILE_NAME}, line {number}, does not follow the line before it")
        before = _hash_of(line)
    return found


def changed_by_hand(project: Project) -> list[str]:
    """Return the models whose versions answer otherwise than the last line about them says."""
    last = {entry.model: entry for entry in entries(project)}
    found = []
    for model, entry in last.items():
        answering = [each for each in project.config.models if each.model == model]
        if answering and {each.version: role_of(each) for each in answering} != entry.roles:
            found.append(model)
    return found


@contextmanager
def changing(project: Project) -> Iterator[None]:
    """Let no other process change what answers within the block, which begins with what does now.

    What is decided by what answers is to be read in the block, or compared with it there.
    """
    with locked(path_of(project)):
        project.forget_what_was_read()
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let no other process change what answers, or the audit at this path, within the block."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    # A singleton may be taken again by who holds it: a change takes it before its note does.
    with FileLock(path.with_name(f".{path.name}.lock"), is_singleton=True):
        yield


def role_of(entry: RegisteredModel) -> str | float:
    """Return the role of a version as `Entry.roles` has it."""
    if entry.shadow:
        return SHADOW
    return CHAMPION if entry.share is None else entry.share


def who() -> str:
    """Return the login name of this person, or whom the CI system names."""
    for name in ACTORS:
        if os.environ.get(name):
            return os.environ[name]
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user without a name
        return "unknown"


def _lines(path: Path) -> Sequence[bytes]:
    """Return the lines of an audit, each with its line break."""
    return path.read_bytes().splitlines(keepends=True) if path.is_file() else []


def _read(line: bytes) -> Entry | None:
    try:
        return _DECODER.decode(line)
    except ValueError:  # of msgspec, or no UTF-8
        return None


def _hash_of(line: bytes) -> str:
    """Return the hash that the line after this one has as its `before`."""
    entry = _read(line)
    return entry.hash if entry else hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def _own_hash(entry: Entry) -> str:
    return hashlib.sha256(_ENCODER.encode(replace(entry, hash=""))).hexdigest()
