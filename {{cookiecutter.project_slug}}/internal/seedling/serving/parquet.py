"""Read Parquet bodies of MLflow's clients where pyarrow is installed, as it is to train."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from seedling.errors import InputError, ProjectError
from seedling.serving.bodies import MAX_BODY_BYTES, refuse_too_many

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET, MAGIC = "application/vnd.apache.parquet", b"PAR1"
MAX_BYTES = 4 * MAX_BODY_BYTES  # of a table that is unpacked


class NoReader(ProjectError):
    """Parquet cannot be read, because pyarrow is not installed."""

    status = 415


def columns(
    body: bytes, chosen: Callable[[list[str]], list[str]], most_rows: int
) -> tuple[list[str], list[list[Any]]]:
    """Return the names of some columns, and the n values of each as a caller would write them.

    Args:
        body: a Parquet file.
        chosen: returns the names to read, given all that there are.
        most_rows: how many a request may have.

    Raises:
        NoReader: pyarrow is not installed.
        TooMuch: it has more rows.
        InputError: it is no Parquet file, or a much larger one once it is unpacked.
    """
    if find_spec("pyarrow") is None:
        raise NoReader(
            "Content-Type: this service has no pyarrow, which reads Parquet: send JSON or CSV."
        )
    if not (body.startswith(MAGIC) and body.endswith(MAGIC)):  # before 40 MB are loaded to read it
        raise InputError("The body is no Parquet file that can be read: it is not framed by PAR1.")
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(body))
        refuse_too_many(file.metadata.num_rows, most_rows)
        names = chosen(file.schema_arrow.names)
        groups = (file.metadata.row_group(at) for at in range(file.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > MAX_BYTES:
            raise InputError(f"The table is larger than {MAX_BYTES >> 20} MiB once it is unpacked.")
        # One long text that each row refers to stays one: a small file must not become a huge one.
        kinds = [file.schema_arrow.field(name).type for name in names]
        texts = [name for name, kind in zip(names, kinds, strict=True) if _is_text(pa, kind)]
        file = parquet.ParquetFile(pa.BufferReader(body), read_dictionary=texts)
        table = file.read(columns=names, use_threads=False)
        return names, [_values(table.column(name)) for name in names]
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(f"The body is no Parquet file that can be read: {reason}.") from None


def _is_text(pa: Any, kind: "pa.DataType") -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _values(column: "pa.ChunkedArray") -> list[Any]:
    """Return the n values of a column, None for NaN."""
    found: list[Any] = []
    for chunk in column.chunks:
        if hasattr(chunk, "dictionary"):
            texts = chunk.dictionary.to_pylist()
            found += [None if at is None else texts[at] for at in chunk.indices.to_pylist()]
        else:
            found += map(_written, chunk.to_pylist())
    return found


def _written(value: Any) -> Any:
    """Return a value as a caller writes it in JSON."""
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return float(value) if isinstance(value, Decimal) else value
