"""Lineage: from a prediction to its version, and on to run, data, query, commit and packages."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from seedling.config import Project
from seedling.data.dataset_files import query_hash
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.monitoring.logged import drained, stem
from seedling.registry import audit
from seedling.registry.open import HERE, WORKSPACE, open_registry
from seedling.registry.protocol import RegisteredVersion
from seedling.serving.stores import Record
from seedling.training import made_with, past_runs

BEFORE, AFTER = timedelta(seconds=5), timedelta(minutes=15)  # an id's time, and its record's
TIME_DIGITS, ID_DIGITS = 16, 32  # of an id: hexadecimal nanoseconds since 1970, then chance
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MANIFEST = ".manifest"  # of batch-score


class Lineage(msgspec.Struct, frozen=True, omit_defaults=True):
    """The origin of a prediction. What is not known is empty: it was not noted at its time.

    Attributes:
        id: of the record in the prediction log, or of the run of a batch.
        kind: served, shadow or batch.
        time: of the answer, as ISO 8601; of a batch, when it was written.
        route: of the request; of a batch, its output.
        simulated: whether simulate-month has sent the request.
        model, version: which answered.
        name: of the model in its registry.
        files: `verified`, or what is wrong with the version's files.
        sha256: of the version's files, as they were registered.
        registered: the entry of the audit that made it the champion first, or began to serve it.
        run_id, run: MLflow's id of the training run, and its number here.
        trained: when it began, as ISO 8601.
        dataset, dataset_version, dataset_sha256, dataset_rows: what it was trained from.
        query: the source of the dataset, and `query_sha256` the hash of its text then.
        query_changed: whether the text is another by now.
        commit, python, packages_sha256, seedling: of the process that trained.
    """

    id: str
    kind: str
    time: str
    route: str
    model: str
    version: str
    simulated: bool = False
    name: str = ""
    files: str = ""
    sha256: str = ""
    registered: audit.Entry | None = None
    run_id: str = ""
    run: int | None = None
    trained: str = ""
    dataset: str = ""
    dataset_version: str = ""
    dataset_sha256: str = ""
    dataset_rows: str = ""
    query: str = ""
    query_sha256: str = ""
    query_changed: bool = False
    commit: str = ""
    python: str = ""
    packages_sha256: str = ""
    seedling: str = ""


def of(project: Project, id: str) -> list[Lineage]:
    """Return where a prediction is from: one for each version that answered a part of it.

    Args:
        project: its prediction log and registries are asked.
        id: what a caller was given, or a record's, also of a shadow; or the path of a file that
            batch-score has written, or of its manifest.

    Raises:
        ProjectError: nothing has this id, or the log cannot be read.
    """
    found = _of_batch(id) or [*_of_records(project, id)]
    if not found:
        raise ProjectError(
            f"{id!r:.80} is neither the id of a prediction in the log nor an output of batch-score."
        )
    return [_with_version(project, each) for each in found]


def _of_records(project: Project, id: str) -> Iterator[Lineage]:
    """Yield what the log has under an id, once for each version."""
    seen = set()
    for record in _records(project, id):
        models, versions = record.model.split(","), record.version.split(",")
        if len(models) < len(versions):  # several versions of one model
            models = models * len(versions)
        for model, version in zip(models, versions, strict=False):
            if (model, version, record.role) not in seen:
                seen.add((model, version, record.role))
                time = record.time.isoformat(timespec="milliseconds")
                yield Lineage(
                    record.id, record.role, time, record.route, model, version, record.is_simulated
                )


def _records(project: Project, id: str) -> list[Record]:
    """Return the records of an id: that one, or all of the request that it was given for."""
    store = drained(project)

    def between(start: datetime, end: datetime) -> list[Record]:
        same = [each for each in store.read(start, end) if stem(each.id) == stem(id)]
        own = [each for each in same if each.id == id]
        return own if own and stem(id) != id else same

    later = datetime.now(UTC) + timedelta(days=1)
    given = _time_of(id)
    return (between(given - BEFORE, given + AFTER) if given else []) or between(BEGINNING, later)


def _time_of(id: str) -> datetime | None:
    """Return the time in the id of a prediction; None if it has none, as that of /run."""
    try:
        seconds = int(stem(id)[:TIME_DIGITS], 16) / 1e9
        found = datetime.fromtimestamp(seconds, UTC) if len(stem(id)) == ID_DIGITS else None
    except (ValueError, OverflowError, OSError):
        return None
    return found if found and BEGINNING + BEFORE < found < datetime.now(UTC) + AFTER else None


def _of_batch(id: str) -> list[Lineage]:
    """Return the versions of the last run that has written a file; none if no batch has."""
    path = Path(id if id.endswith(MANIFEST) else f"{id}{MANIFEST}")
    try:
        line = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
        run, time, versions = line["run"], line["written"], line["versions"]
    except (OSError, ValueError, IndexError, KeyError, TypeError):
        return []
    output = path.name.removesuffix(MANIFEST)
    pairs = [each.rpartition(" ")[::2] for each in versions]
    return [Lineage(run, "batch", time, output, model, version) for model, version in pairs]


def _with_version(project: Project, found: Lineage) -> Lineage:
    """Return a lineage with what is known of its version."""
    if found.model not in {each.name for each in project.config.training.models}:
        return found
    version = _version(project, found)
    if version is None:
        return msgspec.structs.replace(found, files="this machine's registry has no such version")
    tags, runs = version.tags, past_runs.read(project)
    run = next((each for each in runs if each.id == tags.get("run_id")), None)
    noted = {**(run.tags if run else {}), **tags}
    dataset = project.config.dataset(project.config.trained_model(found.model).dataset)
    query = noted.get(made_with.QUERY, "")
    begun = datetime.fromtimestamp(run.begun, UTC).isoformat(timespec="seconds") if run else ""
    return msgspec.structs.replace(
        found,
        name=version.name,
        files=_state(version),
        sha256=version.sha256,
        registered=_registered(project, found, version),
        run_id=noted.get("run_id", ""),
        run=run.number if run else None,
        trained=begun,
        dataset=run.dataset if run else noted.get("data_version", "").partition(":")[0],
        dataset_version=noted.get(past_runs.VERSION, ""),
        dataset_sha256=noted.get(past_runs.SHA256, ""),
        dataset_rows=noted.get(past_runs.ROWS, ""),
        query=dataset.source,
        query_sha256=query,
        query_changed=bool(query) and query_hash(project, dataset) != query,
        **{name: noted.get(name, "") for name in ("python", "packages_sha256", "seedling")},
        commit=noted.get(made_with.COMMIT, ""),
    )


def _version(project: Project, found: Lineage) -> RegisteredVersion | None:
    """Return a version of the registry that its model's entries name; None if it is gone."""
    dataset = project.config.trained_model(found.model).dataset
    entries = [entry for entry in project.config.models if entry.model == found.model]
    here = open_registry(project, HERE)
    name = here.name_of(dataset, found.model)
    shared = any(entry.name != name for entry in entries)
    registry = open_registry(project, WORKSPACE) if shared else here
    versions = registry.versions(registry.name_of(dataset, found.model))
    return next((each for each in versions if each.version == found.version), None)


def _state(version: RegisteredVersion) -> str:
    if not version.folder.is_dir():
        return "not on this machine"
    same = sha256(version.folder) == version.sha256
    return "verified" if same else "changed since they were registered"


def _registered(project: Project, found: Lineage, version: RegisteredVersion) -> audit.Entry | None:
    """Return the first entry of the audit after which a version answered."""
    return next(
        (
            entry
            for entry in audit.entries(project, found.model)
            if entry.hashes.get(found.version) == version.sha256
        ),
        None,
    )


def rows(found: Lineage) -> list[tuple[str, str]]:
    """Return headings and values of a lineage, from the prediction to what it is made of."""
    entry: Any = found.registered
    unknown = "not noted when it was trained"

    def of(*words: str) -> str:
        return ", ".join(filter(None, words)) or unknown

    kind = f"{found.kind}, simulated" if found.simulated else found.kind
    since = f"{entry.action} by {entry.by}, {entry.time[:19]}: {entry.why}" if entry else unknown
    number = f"run {found.run}" if found.run else ""
    data = f"version {found.dataset_version}" if found.dataset_version else ""
    digest = f"sha256 {found.dataset_sha256}" if found.dataset_sha256 else ""
    count = f"{int(found.dataset_rows):,} rows" if found.dataset_rows.isdigit() else ""
    text = f"sha256 {found.query_sha256}" if found.query_sha256 else unknown
    changed = "changed since" if found.query_changed else ""
    files = f"files {found.files}" if found.files else ""
    installed = f"packages {found.packages_sha256}" if found.packages_sha256 else ""
    return [
        ("prediction", of(found.id, kind, found.time, found.route)),
        ("version", of(f"{found.version} of {found.name or found.model}", files)),
        ("files", f"sha256 {found.sha256}" if found.sha256 else unknown),
        ("answers since", since.removesuffix(": ")),
        ("run", of(number, found.run_id, found.trained)),
        ("dataset", of(found.dataset, data, digest, count)),
        ("query", of(found.query, text, changed)),
        ("commit", found.commit or unknown),
        (
            "environment",
            of(
                f"Python {found.python}" if found.python else "",
                installed,
                f"Seedling {found.seedling}" if found.seedling else "",
            ),
        ),
    ]
