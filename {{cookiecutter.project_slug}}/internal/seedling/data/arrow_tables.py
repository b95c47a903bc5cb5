"""Parquet and Arrow files: their columns as the plain types that training and service share.

A decimal becomes a number, a dictionary its values, a date the start of its day, a time of the day
its text. Lists, objects and bytes are refused.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedling.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

ROW_LABELS = "__index_level_"  # how pandas names the labels of rows that have no name


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what pyarrow raises about a file into one line."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        kind = "Parquet" if path.suffix in (".parquet", ".pq") else "Arrow"
        raise InputError(f"{path.name} cannot be read as {kind}: {reason}") from None


def batches(
    path: Path, size: int, needed: Collection[str] | None = None
) -> "Iterator[tuple[pa.RecordBatch, float]]":
    """Yield the rows of a file in batches of at most `size`, with the share read, 0 to 1.

    Args:
        path: a Parquet or Arrow file.
        size: rows.
        needed: the columns that must be readable; all unless given. Of Parquet the texts among
            them keep the codes that they have in the file.

    Raises:
        InputError: the file cannot be read, or a needed column holds lists, objects or bytes.
    """
    with _readable(path):
        if path.suffix in (".parquet", ".pq"):
            yield from _parquet(path, size, needed)
        else:
            yield from _arrow(path, size, needed)


def group_rows(path: Path) -> list[int] | None:
    """Return the rows of each row group of a Parquet file, or of each batch of an Arrow file.

    Returns:
        None for a stream of Arrow, whose batches cannot be read out of order.

    Raises:
        InputError: the file cannot be read.
    """
    import pyarrow as pa
    from pyarrow import ipc, parquet

    with _readable(path):
        if path.suffix in (".parquet", ".pq"):
            groups = parquet.read_metadata(path)
            return [groups.row_group(at).num_rows for at in range(groups.num_row_groups)]
        with pa.memory_map(str(path)) as source:
            if source.read(6) != b"ARROW1":
                return None
            source.seek(0)
            file = ipc.open_file(source)
            return [file.get_batch(at).num_rows for at in range(file.num_record_batches)]


def groups(
    path: Path, numbers: Sequence[int], needed: Collection[str] | None = None
) -> "pa.RecordBatch":
    """Return the rows of some groups or batches of `group_rows`, as `batches` does.

    Raises:
        InputError: the file cannot be read, or a needed column holds lists, objects or bytes.
    """
    import pyarrow as pa
    from pyarrow import ipc

    with _readable(path):
        if path.suffix in (".parquet", ".pq"):
            with _opened(path, needed) as file:
                names = _names(file.schema_arrow, path, needed)
                table = file.read_row_groups(numbers, columns=names, use_threads=False)
        else:
            with pa.memory_map(str(path)) as source:
                file = ipc.open_file(source)
                places = _places(file.schema, path, needed)
                table = pa.Table.from_batches([file.get_batch(at).select(places) for at in numbers])
        whole = plain_types(table, needed or ()).combine_chunks().to_batches()
        return whole[0] if whole else plain_types(_empty(table.schema))


def _opened(path: Path, needed: Collection[str] | None) -> Any:
    """Return a Parquet file of which the needed texts are read with their codes.

    It is read as its batches are asked for: else all that is read ahead stays in memory.
    """
    import pyarrow as pa
    from pyarrow import parquet

    file = parquet.ParquetFile(path, pre_buffer=False)
    known = needed or ()
    texts = [
        field.name
        for field in file.schema_arrow
        if field.name in known and "." not in field.name and pa.types.is_string(field.type)
    ]
    if not texts:
        return file
    file.close()
    return parquet.ParquetFile(
        path, metadata=file.metadata, read_dictionary=texts, pre_buffer=False
    )


def _parquet(path: Path, size: int, needed: Collection[str] | None) -> Iterator[Any]:
    with _opened(path, needed) as file:
        names = _names(file.schema_arrow, path, needed)
        count, done = file.metadata.num_rows, 0
        if not count:
            places = _places(file.schema_arrow, path, needed)
            yield plain_types(_empty(file.schema_arrow).select(places)), 1
        for batch in file.iter_batches(size, columns=names):
            done += batch.num_rows
            yield plain_types(batch, needed or ()), done / count


def _arrow(path: Path, size: int, needed: Collection[str] | None) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import ipc

    with pa.OSFile(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        if is_file:
            file = ipc.open_file(source)
            schema, count = file.schema, file.num_record_batches
            found: Any = (file.get_batch(at) for at in range(count))
        else:
            stream = ipc.open_stream(source)
            schema, count, found = stream.schema, 0, stream
        places = _places(schema, path, needed)
        empty = True
        for number, batch in enumerate(found, 1):
            for start in range(0, batch.num_rows, size):
                empty = False
                part = plain_types(batch.select(places).slice(start, size))
                yield part, number / count if count else 0
        if empty:
            yield plain_types(_empty(schema).select(places)), 1


def _empty(schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)


def _names(schema: "pa.Schema", path: Path, needed: Collection[str] | None) -> list[str]:
    return [schema.names[at] for at in _places(schema, path, needed)]


def _places(schema: "pa.Schema", path: Path, needed: Collection[str] | None) -> list[int]:
    """Return the places of the columns with single values; two may have one name.

    Raises:
        InputError: a needed column is none.
    """
    from pyarrow import types as is_a

    places = []
    for at, field in enumerate(schema):
        kinds = {
            "objects": is_a.is_struct(field.type),
            "lists": is_a.is_nested(field.type),
            "bytes": is_a.is_binary(field.type) or is_a.is_large_binary(field.type),
        }
        held = next((kind for kind, is_it in kinds.items() if is_it), None)
        if held is None:
            places.append(at)
        elif needed is None or field.name in needed:
            raise InputError(
                f"{path.name}: the column {field.name} holds {held}: leave it out of the file, or "
                "make a column of each of its values."
            )
    return places


def plain_types(batch: Any, coded: Collection[str] = ()) -> Any:
    """Return a batch or table with columns of numbers, booleans, text and times only.

    Args:
        batch: has columns of any type.
        coded: columns whose texts may keep their codes.
    """
    import pyarrow as pa

    fields, columns = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if not field.name.startswith(ROW_LABELS):
            if not (field.name in coded and field.type == pa.dictionary(pa.int32(), pa.string())):
                column = _plain(column)
            fields.append(pa.field(field.name, column.type))
            columns.append(column)
    return type(batch).from_arrays(columns, schema=pa.schema(fields))


def _plain(column: Any) -> Any:
    import pyarrow as pa

    is_a, kind = pa.types, column.type
    if is_a.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if is_a.is_decimal(kind) or is_a.is_float16(kind):
        return column.cast(pa.float64())
    if is_a.is_date(kind):
        return column.cast(pa.timestamp("us"), safe=False)
    if is_a.is_time(kind):
        return _clock(column)
    if is_a.is_null(kind) or is_a.is_string_view(kind):
        return column.cast(pa.string())
    return column


def _clock(column: Any) -> Any:
    """Return times of the day as text: 06:30:00, with a fraction where one has it."""
    import pyarrow as pa

    try:
        return column.cast(pa.time32("s")).cast(pa.string())
    except pa.ArrowInvalid:
        return column.cast(pa.string())
