"""One part of a batch: its rows are scored, and stand in a file whose name says what is in it.

A worker of this machine, a batch endpoint, a parallel job and a stage of Ray all call `score_part`.
The same part gives the same file under the same name, however often it is delivered, and to however
many processes at once.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from seedling.errors import ProjectError
from seedling.scoring import checksum, durable
from seedling.scoring.formats import CSV, Format
from seedling.serving.score_files import Reject

FORM = "1"  # of the files of parts: another one gives them other names
NOTE = ".json"
COPY = ".copy"  # of a text file that is one row, with what was answered in it
NAME_LETTERS = 32
ANSWERED_BY = ("model", "version")  # the last columns of a scored row


class Done(NamedTuple):
    """A part that is scored; its note, `NAME.json`, holds the same.

    Attributes:
        name: of its file, without the ending.
        file: the name of the input.
        first: the number of its first row in that file, from 1 on.
        scored: the rows in the part's file.
        rejects: the other rows.
        checksum: of the scored rows, see `checksum`.
        size: the bytes of the part's file.
        sha256: of the part's file.
    """

    name: str
    file: str
    first: int
    scored: int
    rejects: list[Reject]
    checksum: int
    size: int
    sha256: str


def part_name(identity: str, form: Format, source: str, file: str, at: str) -> str:
    """Return the name of a part's file: a hash of all that its content follows from.

    Args:
        identity: of the scorer: versions of the model, and of Seedling.
        form: of the output.
        source: a hash of the input, and of how it is read.
        file: the name of the input, which stands in each row.
        at: which rows of the input.
    """
    words = json.dumps([FORM, identity, form.ending, source, file, at])
    return hashlib.sha256(words.encode()).hexdigest()[:NAME_LETTERS]


def score_part(scorer: Any, part: Any, folder: Path, name: str = "", form: Format = CSV) -> Done:
    """Score some rows, and write them and their note to a folder; only once for each name.

    Args:
        scorer: answers the rows, a `Scorer`.
        part: the rows, a `Part` of `score_parts`.
        folder: where the files of parts stand.
        name: of the part's file, by `part_name`; by the rows themselves unless given.
        form: of the output.

    Raises:
        InputError: the rows have not all features.
        OSError: the folder cannot be written.
    """
    name = name or part_name(scorer.identity, form, _source(part), part.file, str(part.first))
    found = finished(folder, name, form)
    if found:
        return found
    batch, rejects = scorer.scored(part)
    given = part.batch.num_rows
    if batch.num_rows + len(rejects) != given:
        raise ProjectError(
            f"{part.file}, from row {part.first} on: {given:,} rows were given, {batch.num_rows:,} "
            f"answered and {len(rejects):,} rejected. Nothing is written: report this."
        )
    content = form.encode(batch)
    done = Done(
        name,
        part.file,
        part.first,
        batch.num_rows,
        rejects,
        checksum.of(batch, counted_columns(scorer)),
        len(content),
        hashlib.sha256(content).hexdigest(),
    )
    # The note comes last: a part is done once it has one.
    copy = part.copy(batch)
    if copy is not None:
        durable.write(folder / f"{name}{COPY}", copy)
    path, note = folder / f"{name}{form.ending}", folder / f"{name}{NOTE}"
    durable.write_noted(path, content, note, json.dumps(done._asdict()).encode())
    return done


def counted_columns(scorer: Any) -> list[str]:
    """Return the names of the columns that the checksum is of: `file`, `row`, the predictions."""
    return [name for name in scorer.columns if name not in (*scorer.needed.keys, *ANSWERED_BY)]


def finished(folder: Path, name: str, form: Format = CSV) -> Done | None:
    """Return what a part's note says; None where the part is not there as a whole."""
    try:
        note = json.loads((folder / f"{name}{NOTE}").read_bytes())
        done = Done(**{**note, "rejects": [Reject(*each) for each in note["rejects"]]})
        whole = (folder / f"{name}{form.ending}").stat().st_size == done.size
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return done if whole and done.name == name else None


def listed(folder: Path, form: Format = CSV) -> Iterator[Done]:
    """Yield the parts that are done in a folder."""
    for path in sorted(folder.glob(f"*{NOTE}")):
        done = finished(folder, path.stem, form) if len(path.stem) == NAME_LETTERS else None
        if done:
            yield done


def refuse_damaged(folder: Path, done: Done, form: Format) -> None:
    """Remove a part whose file is not the one that was written.

    Raises:
        ProjectError: it is not: the same command scores its rows again.
    """
    path = folder / f"{done.name}{form.ending}"
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() == done.sha256:
            return
    path.unlink()
    raise ProjectError(
        f"{path.name} was damaged on the disk: run the same command again, which scores the rows "
        f"of {done.file} from {done.first} on again."
    )


def _source(part: Any) -> str:
    """Return a hash of the very rows of a part."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, part.batch.schema) as writer:
        writer.write_batch(part.batch)
    digest = hashlib.sha256(sink.getvalue())
    digest.update(json.dumps(sorted(part.faults.items())).encode())
    return digest.hexdigest()
