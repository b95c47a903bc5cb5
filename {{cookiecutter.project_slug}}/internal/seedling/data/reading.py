"""Read a table from a file of any usual kind, by a dataset's `read`.

A text file's cells stay as they stand in the file; Parquet, Arrow, Excel and JSON lines keep their
types. The service imports this: only `read_table` needs pandas.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from seedling.config.document import words_of
from seedling.config.reading import Reading
from seedling.data import text_rows
from seedling.errors import ProjectError
from seedling.wording import counted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Reading", "Table", "example", "guess", "kind_of", "read", "read_table"]

KINDS = {
    "text": (".csv", ".tsv", ".txt", ".data", ".dat", ".tab", ".psv"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".feather", ".arrow", ".ipc"),
    "excel": (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
    "json": (".jsonl", ".ndjson", ".json"),
}
COMPRESSED = (".gz", ".bz2", ".xz", ".zip")
PART_ROWS = 5_000
MOST_FAULTY = 0.05  # of the rows; with more, the file is read in a wrong way
SHOWN = 3  # lines that a message names


class Table(NamedTuple):
    """A table as it was read, and what to say about it."""

    rows: "pd.DataFrame"
    remarks: Sequence[str] = ()  # about names that the file does not have itself, one line each
    left_out: str = ""  # about rows that could not be read
    is_text: bool = False  # whether every cell is text
    copies: Mapping[str, str] = {}  # columns whose own name stands before, each with that name


def kind_of(path: Path) -> str:
    """Return the kind of a file: one of KINDS.

    Raises:
        ProjectError: its name has another ending.
    """
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    compressed = bool(endings) and endings[-1] in COMPRESSED
    if compressed:
        del endings[-1]
    ending = endings[-1] if endings else ""
    for kind, known in KINDS.items():
        if ending in known and not (compressed and kind not in ("text", "json")):
            return kind
    if compressed and ending not in {known for each in KINDS.values() for known in each}:
        return "text"
    raise ProjectError(
        f"{path.name}: give a .csv, .tsv, .txt, .data, .xlsx, .parquet, .feather or .jsonl file, "
        "az://container/path of one, or a SQL URL."
    )


def stem_of(path: PurePath) -> str:
    """Return a file's name without its endings: `sales` of `sales.csv.gz`."""
    return PurePath(path.stem).stem if path.suffix.lower() in COMPRESSED else path.stem


def is_table(path: Path) -> bool:
    """Return whether a path is named as a file of a known kind is."""
    try:
        return bool(kind_of(path))
    except ProjectError:
        return False


def example(path: Path) -> Path:
    """Return the file that shows how a table is read: itself, or the first file of a folder."""
    if not path.is_dir():
        return path
    from seedling.data import table_folders

    return table_folders.example(path)


def guess(path: Path, said: Mapping[str, Any] | None = None) -> Reading:
    """Guess how a file is read; of a kind that says it itself, the default.

    Args:
        path: a file of one of KINDS, or a folder of such.
        said: keys of Reading that are known; the others are guessed with these.

    Raises:
        ProjectError: the file is missing, of no known kind, empty or damaged, or what is said does
            not fit its key.
    """
    from seedling.data import guess as guessing

    path = example(path)
    try:
        known = Reading(**(said or {})).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise ProjectError(f"{first['loc'][0]} {first['input']!r}: {words_of(first)}.") from None
    return guessing.guess(path, kind_of(path), known)


def read_table(path: Path, reading: Reading | None = None) -> "pd.DataFrame":
    """Read a file as `read` does, without its remarks."""
    return read(path, reading).rows


def read(path: Path, reading: Reading | None = None, levels: Sequence[str] = ()) -> Table:
    """Read a file as a table.

    Args:
        path: a file of one of KINDS, or a folder of such, as `table_folders` describes them.
        reading: the default unless given.
        levels: the columns of a folder's nested folders, where their names do not say them.

    Returns:
        The table, a missing value being None or NaN. In a text file every cell is text, without
        blanks before it.

    Raises:
        ProjectError: the file is missing, of no known kind, or cannot be read.
    """
    if path.is_dir():
        from seedling.data import table_folders

        return table_folders.read(path, reading, levels)
    kind, reading = kind_of(path), reading or Reading()
    if not path.is_file():
        raise ProjectError(f"There is no file {path}.")
    if kind == "text":
        return _text(path, reading)
    from seedling.data import typed_files

    rows, remarks, copies = typed_files.READERS[kind](path, reading)
    return Table(rows, remarks, copies=copies)


def _text(path: Path, reading: Reading) -> Table:
    import pandas as pd
    import pyarrow as pa

    missing = pa.array(sorted(reading.missing), pa.string())
    faults: list[str] = []
    parts: list[list[pa.Array]] = []
    count = 0
    with text_rows.opened(path, reading) as (rows, _):
        names, remarks, copies = rows.names, rows.remarks, rows.copies
        cells: list[list[str]] = []

        def pack() -> None:
            """Turn the rows into columns, which take a tenth of the memory."""
            columns = zip(*cells, strict=True) if cells else [()] * len(names)
            parts.append([_known(pa.array(column, pa.string()), missing) for column in columns])
            cells.clear()

        for row in rows:
            count += 1
            if row.fault:
                faults.append(f"line {row.line} {row.fault}")
                continue
            cells.append(row.cells)
            if len(cells) == PART_ROWS:
                pack()
        pack()
    if len(faults) > max(1, MOST_FAULTY * count):
        remedy = "say --sep, --skip or --comment, or mend the file"
        if isinstance(reading.header, list):
            remedy = "name as many columns by --header"
        raise ProjectError(
            f"{path.name}: {faults[0]}, as {len(faults):,} of {counted(count, 'row')} do not fit: "
            f"{remedy}."
        )
    found = {name: pa.chunked_array([part[at] for part in parts]) for at, name in enumerate(names)}
    for name in reversed(names):
        if name not in remarks or found[name].null_count < len(found[name]):
            break
        del found[name], remarks[name]
    copies = {name: known for name, known in copies.items() if name in found}
    table = pd.DataFrame({name: column.to_pandas() for name, column in found.items()}, dtype=object)
    shown = "; ".join([*faults[:SHOWN], "..."] if len(faults) > SHOWN else faults)
    left_out = f"{counted(len(faults), 'row')} left out: {shown}." if faults else ""
    return Table(table, list(dict.fromkeys(remarks.values())), left_out, True, copies)


def _known(cells: "pa.Array", missing: "pa.Array") -> "pa.Array":
    """Return the cells with null for those that are a text of a missing value, or blank."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gaps = pc.is_in(pc.utf8_trim_whitespace(cells), value_set=missing)
    return pc.if_else(gaps, pa.scalar(None, pa.string()), cells)
