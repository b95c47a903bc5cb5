"""The output of a run, put together of its parts, and the manifest that says what is in it."""

import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from seedling.errors import ProjectError
from seedling.scoring import checksum, chunk, durable
from seedling.scoring.chunk import Done
from seedling.scoring.formats import Format
from seedling.scoring.inputs import Input
from seedling.serving.score_files import REJECT_COLUMNS


def rejects_path(target: Path) -> Path:
    """Return where the rows stand that were not scored: `out.rejects.csv` beside `out.csv`."""
    return target.with_suffix(".rejects.csv")


def manifest_path(target: Path) -> Path:
    """Return where a line for each run stands: `out.csv.manifest` beside `out.csv`."""
    return target.with_name(f"{target.name}.manifest")


def verified(folder: Path, form: Format, names: Mapping[Input, Sequence[str]]) -> list[Done]:
    """Return the parts of the output in its order; the rows of each file are there once, and all.

    Args:
        folder: of the parts.
        form: of the output.
        names: of the parts of each file.

    Raises:
        ProjectError: a part is missing or damaged, or rows lack between two of them.
    """
    found = list[Done]()
    expected = dict[str, int]()
    for each, parts in names.items():
        for name in parts:
            done = chunk.finished(folder, name, form)
            first = expected.get(each.file, 1)
            if done is None or (done.file, done.first) != (each.file, first):
                raise ProjectError(
                    f"{each.file}: the rows from {first} on are not in {folder}, though they were "
                    "scored: the same command scores them again."
                )
            chunk.refuse_damaged(folder, done, form)
            expected[each.file] = first + done.scored + len(done.rejects)
            found.append(done._replace(rejects=[]))
    return found


def write(folder: Path, form: Format, parts: Sequence[Done], schema: Any, target: Path) -> None:
    """Write the output: beside its place, flushed, then renamed.

    Args:
        folder: of the parts.
        form: of the output.
        parts: in the order of the output.
        schema: of the scored rows.
        target: the file to write, or the folder.
    """
    paths = (folder / f"{each.name}{form.ending}" for each in parts)
    with durable.aside(target, folder) as beside:
        form.join(paths, schema, beside)


def copies_path(target: Path, copied: str) -> Path:
    """Return the folder of copies: `out.redacted` beside `out.csv`."""
    return target.with_suffix(f".{copied}")


def refuse_copies(target: Path, copied: str, inputs: Sequence[Input]) -> None:
    """Refuse to replace a folder with other files than the copies of these inputs.

    Raises:
        ProjectError: it has one, or is where the inputs are.
    """
    folder = copies_path(target, copied)
    if any(folder.resolve() in each.path.resolve().parents for each in inputs):
        raise ProjectError(
            f"{folder} is where the files to score are, and their copies would be: name another "
            "output."
        )
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder} is a file, and would be the folder of copies: move it away.")
    ours = {folder / each.file for each in inputs}
    for path in folder.rglob("*"):
        if path.is_file() and path not in ours:
            raise ProjectError(
                f"{folder} would be the folder of copies, and has another file "
                f"{path.relative_to(folder)} in it: name another output."
            )


def write_copies(folder: Path, parts: Sequence[Done], target: Path) -> int:
    """Write the copies of text files to a new folder, each by its file's name; return how many.

    Args:
        folder: of the parts.
        parts: of the files that have a copy where they have a row.
        target: the folder to write; one that is there is replaced.

    Raises:
        ProjectError: a copy is missing.
    """
    with durable.aside(target, folder) as beside:
        beside.mkdir()
        for each in parts:
            if not each.scored:
                continue
            path, copy = folder / f"{each.name}{chunk.COPY}", beside / each.file
            if not path.exists():
                (folder / f"{each.name}{chunk.NOTE}").unlink()
                raise ProjectError(
                    f"The copy of {each.file} is not in {folder}: run the same command again, "
                    "which scores it again."
                )
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return sum(bool(each.scored) for each in parts)


def write_rejects(folder: Path, parts: Sequence[Done], form: Format, target: Path) -> int:
    """Write the rows that were not scored, or remove the file of a run before; return how many."""
    count, found = 0, rejects(folder, parts, form)
    first = next(found, None)
    if first is None:
        target.unlink(missing_ok=True)
        return 0
    with (
        durable.aside(target, folder) as beside,
        beside.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(REJECT_COLUMNS)
        for file, reject in chain([first], found):
            writer.writerow([file, *reject])
            count += 1
        stream.flush()
    return count


def rejects(folder: Path, parts: Sequence[Done], form: Format) -> Iterator[tuple[str, Any]]:
    """Yield the rows that were not scored, with the names of their files."""
    for part in parts:
        done = chunk.finished(folder, part.name, form)
        for reject in done.rejects if done else ():
            yield part.file, reject


def record(
    folder: Path, target: Path, run: str, facts: Mapping[str, Any], parts: Sequence[Done]
) -> None:
    """Append a line about a run to the manifest; only one, however often the run is completed.

    Args:
        folder: of the parts.
        target: the manifest.
        run: the name of the run.
        facts: what the line has beside the parts: inputs, versions, counts, checksum.
        parts: of the output, in its order.
    """
    lines = target.read_bytes().splitlines(keepends=True) if target.exists() else []
    if lines and not lines[-1].endswith(b"\n"):  # cut off when the power failed
        del lines[-1]
    if any(json.loads(line)["run"] == run for line in lines):
        return
    written = datetime.now(UTC).isoformat(timespec="seconds")
    known = [[each.name, each.file, each.first, each.scored, each.sha256] for each in parts]
    line = json.dumps({"run": run, "written": written, **facts, "parts": known})
    durable.write(target, b"".join(lines) + line.encode() + b"\n", folder)


def sum_of(parts: Sequence[Done]) -> str:
    """Return the checksum of all rows as 16 hexadecimal digits."""
    return f"{checksum.added([each.checksum for each in parts]):016x}"
