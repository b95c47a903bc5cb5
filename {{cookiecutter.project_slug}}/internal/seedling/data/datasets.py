"""Datasets on disk: created from their source, with a note of schema, row count and hash."""

import csv
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy

from seedling import team_code
from seedling.config import Dataset, Project, expand
from seedling.data import feature_store
from seedling.errors import ProjectError
from seedling.files import read_json, replacing, sha256, write_json


def create(project: Project, dataset: Dataset) -> dict[str, Any]:
    """Create one dataset from its source, and write a note of its contents beside it.

    Rows without a target are left out, and counted in the note.

    Returns:
        The note: `rows`, `unlabelled_rows`, `columns` with their types, `sha256` of the file.
    """
    rows = team_code.create_dataset()(dataset.name, read_source(project, dataset.source))
    found = labelled(rows, dataset, f"{dataset.name}: {dataset.source} yields")
    return save(project, dataset, found, len(rows) - len(found))


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
    project: Project, dataset: Dataset, rows: pd.DataFrame, unlabelled: int = 0
) -> dict[str, Any]:
    """Write the dataset's file, then the note beside it; return the note, as `create` does."""
    path = project.dataset_path(dataset)
    with replacing(path) as aside:
        if path.suffix == ".csv":
            rows.to_csv(aside, index=False)
        else:
            _write_parquet(rows, aside, dataset)
    return _noted(path, dataset, rows, unlabelled)


def adopt(project: Project, dataset: Dataset, file: Path) -> dict[str, Any]:
    """Copy a dataset's file that was downloaded to its place, and write the note; return it."""
    rows = read_table(file)
    path = project.dataset_path(dataset)
    with replacing(path) as aside:
        shutil.copy(file, aside)
    return _noted(path, dataset, rows, 0)


def _noted(path: Path, dataset: Dataset, rows: pd.DataFrame, unlabelled: int) -> dict[str, Any]:
    """Write the note beside the dataset's file."""
    note = {
        "name": dataset.name,
        "version": dataset.version,
        "source": dataset.source,
        "rows": len(rows),
        "unlabelled_rows": unlabelled,
        "columns": {str(name): str(kind) for name, kind in rows.dtypes.items()},
        "sha256": sha256(path),
    }
    write_json(note_path(path), note)
    return note


def _write_parquet(rows: pd.DataFrame, path: Path, dataset: Dataset) -> None:
    try:
        rows.to_parquet(path, index=False)
    except (TypeError, ValueError) as error:
        reason = str(error.args[-1]).strip().splitlines()[0]
        raise ProjectError(f"{dataset.name} cannot be written as Parquet: {reason}") from None


def note_path(path: Path) -> Path:
    """Return the path of the note that belongs to a dataset's file."""
    return path.with_name(path.name + ".json")


def load(project: Project, dataset: Dataset) -> pd.DataFrame:
    """Read the rows of a dataset.

    Raises:
        ProjectError: it has not been created, or its file's hash is not the one in the note.
    """
    path = project.dataset_path(dataset)
    if not path.exists() or not note_path(path).exists():
        raise ProjectError(f"{dataset.name} has not been created: run create-local-datasets.")
    if read_json(note_path(path))["sha256"] != sha256(path):
        raise ProjectError(f"{path.name} changed since it was created: run create-local-datasets.")
    return read_table(path)


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV or Parquet file.

    The separator of a CSV file is inferred from its header; `NA`, `null` and the like, and `?`,
    are missing values. Codes such as 00123 stay text, since they are names rather than numbers.

    Raises:
        ProjectError: the file is missing, of another kind, or cannot be read.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path).rename(columns=str)
        if path.suffix in (".csv", ".tsv", ".txt"):
            return _read_csv(path)
    except FileNotFoundError:
        raise ProjectError(f"There is no file {path}.") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} cannot be read as a table: save it as UTF-8.") from None
    except (OSError, ValueError, csv.Error, pd.errors.ParserError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ProjectError(f"{path} cannot be read as a table: {reason}") from None
    raise ProjectError(f"{path.name}: give a .csv, .tsv or .parquet file, or a SQL URL.")


def _read_csv(path: Path) -> pd.DataFrame:
    separator = _separator(path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream, delimiter=separator), [])
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ProjectError(f"{path} has the column {', '.join(twice)} more than once.")
    text = pd.read_csv(path, sep=separator, na_values=["?"], skipinitialspace=True, dtype=str)
    if not isinstance(text.index, pd.RangeIndex):
        raise ProjectError(f"{path}: its rows have more fields than its header.")
    codes = {name: str for name in text if text[name].str.fullmatch(r"0\d+").any()}
    return pd.read_csv(
        path, sep=separator, na_values=["?"], skipinitialspace=True, dtype=codes, low_memory=False
    )


def read_source(project: Project, source: str) -> pd.DataFrame:
    """Read the rows of a dataset's `source`: a query file, a table file, or `URL#table`.

    Raises:
        ProjectError: the source is missing, of another kind, or cannot be read.
        FeatureStoreUnavailable: the database did not respond, or refused the query.
    """
    source = expand(source, "the dataset's source")
    if "://" in source:
        url, _, table = source.partition("#")
        if url.startswith(("http://", "https://", "ftp://", "file://", "s3://")):
            raise ProjectError("Nothing is downloaded here: give a file, or a SQL URL.")
        if not table:
            raise ProjectError("A SQL URL needs its table behind a #: postgresql://host/db#visits.")
        engine = feature_store.open_url(url, project.root, read_only=True)
        schema, _, name = table.rpartition(".")
        rows = sqlalchemy.select(sqlalchemy.text("*")).select_from(
            sqlalchemy.table(name, schema=schema or None)
        )
        return feature_store.query(engine, rows)
    path = project.root / source
    if path.suffix == ".sql":
        if not path.is_file():
            raise ProjectError(f"The query {source} is missing.")
        sql = path.read_text(encoding="utf-8")
        return feature_store.query(feature_store.connect(project, read_only=True), sql)
    return read_table(path)


def fill_sample_store(project: Project) -> Path | None:
    """Create the SQLite feature store from the sample data, unless it exists; return its path."""
    path = feature_store.is_missing_sqlite(project)
    if path:
        feature_store.create_sqlite(path, team_code.sample_tables()())
    return path


def _separator(path: Path) -> str:
    """Return the separator that occurs most often in the header line."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        header = stream.readline()
    return max(",;\t|", key=header.count)
