"""The forms of an output: CSV, Parquet and Arrow; of its parts, and of the file they make."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seedling.data import csv_columns, csv_lines
from seedling.errors import ProjectError

if TYPE_CHECKING:
    import pyarrow as pa

COPIED = 1 << 20  # bytes at a time


class Format(NamedTuple):
    """A form of output: how its parts are written, and put together.

    Attributes:
        ending: of the file of a part.
        encode: returns the content of a part's file.
        join: writes the parts' files, in their order, to one file, or to a new folder.
    """

    ending: str
    encode: "Callable[[pa.RecordBatch], bytes | memoryview]"
    join: "Callable[[Iterable[Path], pa.Schema, Path], None]"


def of(target: Path) -> Format:
    """Return the format of an output by the ending of its name, CSV where it has none.

    Raises:
        ProjectError: no output has this ending.
    """
    found = BY_ENDING.get(target.suffix.lower())
    if found is None:
        raise ProjectError(
            f"{target}: predictions are written as .csv, .parquet or .arrow, or as a folder of "
            f"Parquet files, {target.stem}/."
        )
    return found


def _join_csv(parts: Iterable[Path], schema: "pa.Schema", target: Path) -> None:
    with target.open("wb") as stream:
        stream.write(csv_lines.text([schema.names]).encode())
        for part in parts:
            with part.open("rb") as found:
                shutil.copyfileobj(found, stream, COPIED)


def _arrow(batch: "pa.RecordBatch") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def batches(part: Path) -> "Iterable[pa.RecordBatch]":
    """Yield the rows of a part's Arrow file."""
    import pyarrow as pa

    with pa.memory_map(str(part)) as source:
        file = pa.ipc.open_file(source)
        for at in range(file.num_record_batches):
            yield file.get_batch(at)


def _join_arrow(parts: Iterable[Path], schema: "pa.Schema", target: Path) -> None:
    import pyarrow as pa

    with target.open("wb") as stream, pa.ipc.new_file(stream, schema) as writer:
        for part in parts:
            for batch in batches(part):
                writer.write_batch(batch.cast(schema))


def _join_parquet(parts: Iterable[Path], schema: "pa.Schema", target: Path) -> None:
    from pyarrow import parquet

    with target.open("wb") as stream, parquet.ParquetWriter(stream, schema) as writer:
        for part in parts:
            for batch in batches(part):
                writer.write_batch(batch.cast(schema))


def _parquet(batch: "pa.RecordBatch") -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    sink: Any = pa.BufferOutputStream()
    with parquet.ParquetWriter(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _join_folder(parts: Iterable[Path], _: "pa.Schema", target: Path) -> None:
    target.mkdir()
    for number, part in enumerate(parts, 1):
        shutil.copyfile(part, target / f"part-{number:05}-{part.name}")


CSV = Format(".csv", csv_columns.text, _join_csv)
ARROW = Format(".arrow", _arrow, _join_arrow)
PARQUET = Format(".arrow", _arrow, _join_parquet)  # it is compressed once, at the end
FOLDER = Format(".parquet", _parquet, _join_folder)
BY_ENDING = {
    **dict.fromkeys(("", ".csv", ".txt"), CSV),
    **dict.fromkeys((".parquet", ".pq"), PARQUET),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), ARROW),
}
