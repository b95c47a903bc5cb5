"""Folders that are one table: Parquet partitioned by columns, or a folder for each group of rows.

A folder `location=Ashby` gives the rows in it that value of the column `location`, as Hive, Spark,
Arrow and DuckDB have it. Where data.csv and target.csv stand in one folder, they are the features
and the target of the same rows. Files and folders whose name begins with . or _ are no part of it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pandas as pd

from seedling.config.reading import Reading
from seedling.data import cells, folder_names, reading
from seedling.data.folder_names import DATA, MISSING, TARGET
from seedling.data.scalars import label_text
from seedling.errors import ProjectError
from seedling.wording import counted

PART = "part-0.parquet"


class Piece(NamedTuple):
    """Rows of the table: their file, that of their target if it has one, and their folders' values.

    `keys` has the text of each column that the folders name; None is a missing value.
    """

    file: Path
    target: Path | None
    keys: dict[str, str | None]


def pieces(folder: Path, levels: Sequence[str] = ()) -> list[Piece]:
    """List the files of a folder in the order of their paths.

    Args:
        folder: exists.
        levels: the columns that nested folders are the values of, where their names do not say it.

    Raises:
        ProjectError: there is no table in it, or its folders do not say which column they are of.
    """
    found = sorted(path for path in folder.rglob("*") if _is_part(path.relative_to(folder)))
    files = [path for path in found if path.is_file() and reading.is_table(path)]
    if not files:
        raise ProjectError(f"{folder.name} is a folder without a table.")
    targets = {path.parent: path for path in files if reading.stem_of(path) == TARGET}
    halves = {path.parent for path in files if reading.stem_of(path) == DATA} & targets.keys()
    return [
        Piece(path, targets[path.parent] if path.parent in halves else None, keys)
        for path in files
        if not (path.parent in halves and path == targets[path.parent])
        for keys in [_keys(path.parent.relative_to(folder), levels, folder)]
    ]


def example(folder: Path) -> Path:
    """Return the first file of a folder: it shows of which kind they are, and how they are read."""
    return pieces(folder)[0].file


def read(folder: Path, how: Reading | None = None, levels: Sequence[str] = ()) -> reading.Table:
    """Read a folder as `reading.read` does a file; `levels` as in `pieces`.

    Raises:
        ProjectError: what `pieces` raises, or a file cannot be read.
    """
    tables, remarks, left_out = [], dict[str, None](), []
    copies: dict[str, str] = {}
    found = pieces(folder, levels)
    for piece in found:
        table = _piece(piece, how, folder)
        tables.append(table)
        remarks |= dict.fromkeys(table.remarks)
        copies |= table.copies
        left_out += [f"{piece.file.relative_to(folder).as_posix()}: {table.left_out}"] * bool(
            table.left_out
        )
    is_text = all(table.is_text for table in tables)
    rows = pd.concat([table.rows for table in tables], ignore_index=True)
    if not is_text:
        named = {name for piece in found for name in piece.keys}
        rows = rows.assign(**{name: cells.inferred(rows[name]) for name in rows if name in named})
    return reading.Table(rows, [*remarks], " ".join(left_out[: reading.SHOWN]), is_text, copies)


def write(rows: pd.DataFrame, folder: Path, by: Sequence[str], target: str, kind: str) -> None:
    """Write a table into a new folder, with a folder for each value of these columns.

    Args:
        rows: the table.
        folder: is not there yet.
        by: columns of the table; each is a level of folders.
        target: the column that stands in target.csv.
        kind: `.parquet`, or `.csv` for data.csv and target.csv.

    Raises:
        ProjectError: two values differ by capitals only, which not every file system tells apart.
    """
    places: dict[str, str] = {}
    texts = [rows[name].map(_text) for name in by]
    for values, part in rows.groupby(texts, sort=True):
        named = zip(by, values, strict=True)
        place = "/".join(f"{quote(name)}={_escaped(value)}" for name, value in named)
        other = places.setdefault(place.casefold(), place)
        if other != place:
            raise ProjectError(
                f"partition_by: {other} and {place} differ by capitals only, and one folder may "
                "be the other's: partition by another column."
            )
        (folder / place).mkdir(parents=True)
        part = part.drop(columns=[*by])
        if kind == ".csv":
            part.drop(columns=[target]).to_csv(folder / place / f"{DATA}.csv", index=False)
            part[[target]].to_csv(folder / place / f"{TARGET}.csv", index=False)
        else:
            part.to_parquet(folder / place / PART, index=False)


def _is_part(path: Path) -> bool:
    return not any(name.startswith((".", "_")) for name in path.parts)


def _keys(path: Path, levels: Sequence[str], folder: Path) -> dict[str, str | None]:
    """Return the values that folders give to the rows in them.

    Args:
        path: of the folders, within `folder`.
    """
    plain = [name for name in path.parts if not folder_names.says(name)]
    if plain and len(plain) != len(levels):
        shown = "/".join(f"{name}=..." for name in levels) or "column=value"
        raise ProjectError(
            f"{folder.name}/{path.as_posix()} does not say which columns its folders are values "
            f"of: name them {shown}."
        )
    pairs = zip(levels, plain, strict=True) if plain else ()
    return folder_names.values([*(f"{quote(name)}={value}" for name, value in pairs), *path.parts])


def _text(cell: object) -> str:
    return MISSING if pd.isna(cell) else label_text(cell)


def _escaped(value: str) -> str:
    """Return a value as the name of a folder has it; Windows drops a point at the end."""
    text = quote(value, safe="")
    return f"{text[:-1]}%2E" if text.endswith(".") else text


def _piece(piece: Piece, how: Reading | None, folder: Path) -> reading.Table:
    """Read the rows of one piece, with its target and its folders' columns."""
    table = reading.read(piece.file, how)
    rows = table.rows
    if piece.target is not None:
        beside = reading.read(piece.target, how)
        target, copies = beside.rows, {**beside.copies, **table.copies}
        table = table._replace(copies=copies)
        if len(target) != len(rows):
            raise ProjectError(
                f"{piece.target.relative_to(folder).as_posix()} has {counted(len(target), 'row')}, "
                f"and {piece.file.name} beside it {len(rows):,}."
            )
        rows = rows.join(target[[name for name in target if name not in rows]])
    for name, text in reversed(piece.keys.items()):
        if name not in rows:
            rows.insert(0, name, pd.Series([text] * len(rows), index=rows.index, dtype=object))
    return table._replace(rows=rows)
