"""Datasets on disk: created from their source, with a note of schema, row count and hash."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd

from seedling import team_code
from seedling.config import Dataset, Project, Reading, expand
from seedling.data import blobs, cells, derived, large_source, table_folders
from seedling.data import reading as files
from seedling.data.cells import Misfit
from seedling.data.dataset_files import note_path, query_hash, verified
from seedling.errors import ProjectError
from seedling.files import copy, replacing, sha256, write_json
from seedling.masking import masked


def create(
    project: Project,
    dataset: Dataset,
    kept: Path | None = None,
    more: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> dict[str, Any]:
    """Create one dataset from its source, and write a note of its contents beside it.

    Rows without a target are left out, and cells that do not fit their column become missing
    values; both are counted in the note.

    Args:
        project: the source and the dataset's file are in its folder.
        dataset: one of its datasets.
        kept: the file or folder to read instead of the source, which has yielded it.
        more: returns rows to add to those of the source, which it is given.

    Returns:
        The note: `rows`, `added_rows`, `unlabelled_rows`, `misfits`, `columns` with their types,
        `sha256` of the file; `left_out`, the words about rows of the source that could not be
        read; and `refused`, those about columns that do not fit the schema, and stay as they are.
    """
    source = {} if kept is None else {"source": str(kept)}
    large = large_source.of(project, dataset.model_copy(update=source))
    note = _copied(project, dataset, large) if large and more is None else None
    if note:
        return note
    made = rows_of(project, dataset.model_copy(update=source))
    found = labelled(made.rows, dataset, f"{dataset.name}: {dataset.source} yields")
    unlabelled = len(made.rows) - len(found)
    added = more(found) if more else found.iloc[:0]
    if len(added):
        found = pd.concat([found, added], ignore_index=True)
    note = save(project, dataset, found, unlabelled, made.misfits, len(added))
    return {**note, "left_out": made.left_out, "refused": [*made.refused.values()]}


def _copied(project: Project, dataset: Dataset, source: Path) -> dict[str, Any] | None:
    """Create a dataset batch by batch; None where that might give other rows than at once."""
    path = project.dataset_path(dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
        found = large_source.copied(source, dataset, Path(scratch) / path.name)
        if found is None:
            return None
        with replacing(path) as aside:
            (Path(scratch) / path.name).rename(aside)
    query = query_hash(project, dataset)
    note = _noted(path, dataset, found.columns, query, found.unlabelled, rows=found.rows)
    return {**note, "left_out": "", "refused": []}


class Made(NamedTuple):
    """The rows of a dataset, as `cells.Typed`, and the words about rows that were not read."""

    rows: pd.DataFrame
    misfits: list[Misfit]
    refused: dict[str, str]
    left_out: str


def rows_of(project: Project, dataset: Dataset) -> Made:
    """Return the rows that the team's `create_dataset` makes of a dataset's source, typed."""
    table = read_source(project, dataset.source, dataset.read, dataset.levels)
    read = cells.typed(table.rows, dataset, infer=table.is_text)
    # A column that does not fit yet may be one that the team's function makes fit.
    made = cells.typed(team_code.create_dataset()(dataset.name, read.rows), dataset, infer=False)
    return Made(made.rows, [*read.misfits, *made.misfits], made.refused, table.left_out)


def labelled(rows: pd.DataFrame, dataset: Dataset, what: str) -> pd.DataFrame:
    """Return the rows that have a value of the dataset's target.

    Args:
        rows: the rows of a source.
        dataset: names the target.
        what: begins the error's sentence: `x.csv has`.

    Raises:
        ProjectError: there is no column of that name, or no value in it.
    """
    target = dataset.target.name
    if target not in rows:
        raise ProjectError(f"{what} no column {target!r}, the target.")
    found = rows[rows[target].notna()]
    if found.empty:
        raise ProjectError(f"{what} no row with a {target}.")
    return found


def save(
    project: Project,
    dataset: Dataset,
    rows: pd.DataFrame,
    unlabelled: int = 0,
    misfits: Sequence[Misfit] = (),
    added: int = 0,
) -> dict[str, Any]:
    """Write the dataset's file, then the note beside it; return the note, as `create` does."""
    path = project.dataset_path(dataset)
    with replacing(path) as aside:
        if dataset.partition_by:
            by, target = dataset.partition_by, dataset.target.name
            table_folders.write(rows, aside, by, target, path.suffix)
        elif path.suffix == ".csv":
            rows.to_csv(aside, index=False)
        else:
            write_parquet(rows, aside, dataset)
    query = query_hash(project, dataset)
    return _noted(path, dataset, rows, query, unlabelled, misfits, added=added)


def adopt(project: Project, dataset: Dataset, file: Path) -> dict[str, Any]:
    """Copy a dataset's file that was downloaded to its place, and write the note; return it."""
    rows = read_table(file)
    path = project.dataset_path(dataset)
    copy(file, path)
    return _noted(path, dataset, rows, query="")  # its text is where it was created


def _noted(
    path: Path,
    dataset: Dataset,
    found: pd.DataFrame,
    query: str,
    unlabelled: int = 0,
    misfits: Sequence[Misfit] = (),
    rows: int | None = None,
    added: int = 0,
) -> dict[str, Any]:
    """Write the note beside the dataset's file; `rows` is their number, unless `found` has all."""
    note = {
        "name": dataset.name,
        "version": dataset.version,
        "source": masked(dataset.source),
        "query_sha256": query,
        "rows": len(found) if rows is None else rows,
        "added_rows": added,
        "unlabelled_rows": unlabelled,
        "misfits": [cells.misfit_words(each) for each in cells.by_column(misfits)],
        "columns": {str(name): str(kind) for name, kind in found.dtypes.items()},
        "sha256": sha256(path),
    }
    write_json(note_path(path), note)
    return note


def write_parquet(rows: pd.DataFrame, path: Path, dataset: Dataset) -> None:
    """Write rows of a dataset as a Parquet file.

    Raises:
        ProjectError: a column holds values of several types.
    """
    try:
        rows.to_parquet(path, index=False)
    except (TypeError, ValueError) as error:
        reason = str(error.args[-1]).strip().splitlines()[0]
        raise ProjectError(f"{dataset.name} cannot be written as Parquet: {reason}") from None


def load(project: Project, dataset: Dataset) -> pd.DataFrame:
    """Read the rows of a dataset, with derived features; raises what `verified` does."""
    rows = read_table(verified(project, dataset))
    return derived.in_project(project.root, dataset).table(rows)


def read_table(path: Path, reading: Reading | None = None) -> pd.DataFrame:
    """Read a file or folder as `reading.read` does, with the types that a text's cells look like.

    A Parquet file has types of its own. Codes such as 00123 stay text, since they are names rather
    than numbers.

    Raises:
        ProjectError: the file is missing, of another kind, or cannot be read.
    """
    table = files.read(path, reading)
    if not table.is_text:
        return table.rows
    marks = cells.marks_of(reading)
    return pd.DataFrame({name: cells.inferred(table.rows[name], marks) for name in table.rows})


def read_source(
    project: Project, source: str, reading: Reading | None = None, levels: Sequence[str] = ()
) -> files.Table:
    """Read a dataset's `source`: a query file, a table's file, folder or blob, or `URL#table`.

    The cells of a text file are texts as they stand there.

    Args:
        project: its folder is where paths begin.
        source: as model.yaml has it.
        reading: how the file is read; the default unless given.
        levels: the columns of a folder's nested folders, where their names do not say them.

    Returns:
        The table as `reading.read` does it: of a text file, every cell is text.

    Raises:
        ProjectError: the source is missing, of another kind, or cannot be read.
        FeatureStoreUnavailable: the database did not respond, or refused the query.
    """
    source = expand(source, "the dataset's source")
    if blobs.is_file(source):
        return files.read(blobs.file_of(project.root, source), reading, levels)
    if "://" in source:
        url, _, table = source.partition("#")
        if url.startswith(("http://", "https://", "ftp://", "file://", "s3://")):
            raise ProjectError(
                "Nothing is downloaded from there: give a file, az://container/path, or a SQL URL."
            )
        if not table:
            raise ProjectError("A SQL URL needs its table behind a #: postgresql://host/db#visits.")
        return files.Table(_read_url(project, url, table))
    path = project.root / source
    if not path.is_file():
        raise ProjectError(f"The query {source} is missing.")
    return files.Table(_read_query(project, path))


# SQLAlchemy is imported where a database is read: validation and training do without it.


def _read_url(project: Project, url: str, table: str) -> pd.DataFrame:
    import sqlalchemy

    from seedling.data import feature_store

    engine = feature_store.open_url(url, project.root, read_only=True)
    schema, _, name = table.rpartition(".")
    query = sqlalchemy.select(sqlalchemy.text("*")).select_from(
        sqlalchemy.table(name, schema=schema or None)
    )
    return feature_store.query(engine, query)


def _read_query(project: Project, path: Path) -> pd.DataFrame:
    from seedling.data import feature_store

    sql = path.read_text(encoding="utf-8")
    return feature_store.query(feature_store.connect(project, read_only=True), sql)


def fill_sample_store(project: Project) -> Path | None:
    """Create the SQLite feature store from the sample data, unless it exists; return its path."""
    from seedling.data import feature_store

    path = feature_store.is_missing_sqlite(project)
    if path:
        feature_store.create_sqlite(path, team_code.sample_tables()())
    return path
