"""The plan of a run, beside its parts: a later run goes on from it, or says why it cannot."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from seedling.errors import ProjectError
from seedling.scoring import chunk, durable
from seedling.scoring.formats import Format
from seedling.scoring.inputs import Input, State, state
from seedling.serving.score_files import Scorer

FILE, LOCK = "run.plan", "run.lock"
SNAPSHOT = "rows"  # the folder of what was read from a database or a blob storage
OF_PART = re.compile(r"[0-9a-f]{32}\.[a-z]+")


class Plan(NamedTuple):
    """A run that has begun.

    Attributes:
        run: a random name of the run, which its manifest has too.
        identity: of the scorer.
        versions: of the model.
        inputs: the state of each file by its path.
        remarks: what a person is to know of an earlier run, a sentence each; not kept.
    """

    run: str
    identity: str
    versions: list[str]
    inputs: dict[str, State]
    remarks: Sequence[str] = ()


def folder_of(target: Path) -> Path:
    """Return the folder of an output's parts: `out.csv.parts` beside `out.csv`."""
    return target.with_name(f"{target.name}.parts")


@contextmanager
def held(folder: Path, target: object) -> Iterator[None]:
    """Hold the lock of a folder of parts, of which the system lets go however this process ends.

    Where a file system has no locks, two runs at once do the same work twice, and no harm. A run
    that ends before its first part leaves no folder.

    Raises:
        ProjectError: another run holds it.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ProjectError(
            f"Another run is writing {target}: wait for its end, or name another output."
        ) from None
    except NotImplementedError:
        pass
    try:
        yield
        if [each.name for each in folder.iterdir()] == [LOCK]:
            with suppress(OSError):  # Windows removes no file that is open
                (folder / LOCK).unlink()
    finally:
        lock.release()
        if {each.name for each in folder.iterdir()} <= {LOCK, FILE}:  # a plan without any part
            with suppress(OSError):
                (folder / FILE).unlink(missing_ok=True)
                (folder / LOCK).unlink(missing_ok=True)
                folder.rmdir()


def begin(folder: Path, scorer: Scorer, inputs: Sequence[Input], form: Format) -> Plan:
    """Note what is scored by which model, and compare it with what a run before has begun.

    Args:
        folder: of the parts.
        scorer: has the versions that answer now.
        inputs: the files to score.
        form: of the output.

    Raises:
        ProjectError: the parts of a run before were scored by another model.
    """
    durable.remove_asides(folder)
    before = _read(folder)
    known = before.inputs if before else {}
    states = {str(each.path): state(each.path, known.get(str(each.path))) for each in inputs}
    if before is None:
        before = Plan(uuid4().hex, scorer.identity, scorer.versions, states)
    remarks = []
    changed = {
        path for path in known if path in states and known[path].sha256 != states[path].sha256
    }
    names = {each.file for each in inputs if str(each.path) in changed}
    for done in chunk.listed(folder, form):
        if done.file in names:
            remove_part(folder, done.name, form)
    remarks += [
        f"{name} has changed since it was scored: it is scored again." for name in sorted(names)
    ]
    files = {each.file for each in inputs}
    kept = any(done.file in files for done in chunk.listed(folder, form))
    if kept and before.identity != scorer.identity:
        raise ProjectError(_another(folder, before, scorer))
    plan = Plan(before.run, scorer.identity, scorer.versions, states, remarks)
    content = json.dumps(plan._replace(remarks=())._asdict(), indent=2)
    durable.write(folder / FILE, content.encode())
    return plan


def _another(folder: Path, before: Plan, scorer: Scorer) -> str:
    old, new = ", ".join(before.versions), ", ".join(scorer.versions)
    if before.versions == scorer.versions:
        what = f"{new} answers otherwise now: by other shares, another `read` or another Seedling"
    else:
        what = f"{new} answers now"
    return (
        f"{folder} has rows that {old} has scored, and {what}: --restart (RESTART=1) scores all "
        "rows by it."
    )


def refuse_changed(plan: Plan, inputs: Sequence[Input], folder: Path, form: Format) -> None:
    """Remove the parts of a file that has changed while it was read.

    Raises:
        ProjectError: there is one.
    """
    for each in inputs:
        was = plan.inputs[str(each.path)]
        if state(each.path, was).sha256 != was.sha256:
            for done in [*chunk.listed(folder, form)]:
                if done.file == each.file:
                    remove_part(folder, done.name, form)
            raise ProjectError(
                f"{each.file} was changed while it was scored: the same command scores it again."
            )


def _read(folder: Path) -> Plan | None:
    try:
        found: dict[str, Any] = json.loads((folder / FILE).read_bytes())
        inputs = {path: State(*each) for path, each in found["inputs"].items()}
        return Plan(**{**found, "inputs": inputs})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remove_part(folder: Path, name: str, form: Format) -> None:
    """Remove a part, its note first."""
    (folder / f"{name}{chunk.NOTE}").unlink(missing_ok=True)
    (folder / f"{name}{form.ending}").unlink(missing_ok=True)
    (folder / f"{name}{chunk.COPY}").unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove what runs have written to a folder of parts, but for the lock."""
    durable.remove_asides(folder)
    shutil.rmtree(folder / SNAPSHOT, ignore_errors=True)
    for path in folder.iterdir():
        if path.name == FILE or OF_PART.fullmatch(path.name):
            path.unlink(missing_ok=True)
