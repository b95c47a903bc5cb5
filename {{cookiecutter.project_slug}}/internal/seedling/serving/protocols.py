"""Read the bodies of MLflow's and Azure ML's clients into rows, which the `Reader` then checks.

The formats are those of `mlflow models serve` and of Azure ML's scoring scripts. As there, unknown
columns are ignored, and a missing column is an error.
"""

import csv
import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from werkzeug.http import parse_options_header

from seedling.columns.protocol import Column
from seedling.data.scalars import plain
from seedling.errors import InputError, ProjectError
from seedling.serving import parquet
from seedling.serving.inputs import EXPECTED, json_value
from seedling.serving.parquet import PARQUET
from seedling.serving.wanted import Rows, Wanted
from seedling.wording import counted

JSON, CSV = "application/json", "text/csv"
# The texts that pandas.read_csv reads as a missing value.
MISSING = frozenset(["", "<NA>", "N/A", "n/a", "NA", "NULL", "null", "None", "NaN", "nan"]) | {
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "-NaN", "-nan")
}
SPLIT = frozenset(["columns", "data", "index"])


class WrongContentType(ProjectError):
    """The content type of the body is none that the service reads."""

    status = 415


def rows(
    body: bytes,
    content_type: str | None,
    feature_names: Sequence[str],
    columns: Sequence[Column],
    also: Sequence[str] = (),
    most_rows: int = sys.maxsize,
) -> Rows:
    """Return the rows of a request to `/invocations`: lists in the order of the features.

    Args:
        body: JSON with one of `dataframe_split`, `dataframe_records`, `instances`, `inputs`, or a
            bare row or list of rows, which are returned unchanged; or CSV with a header. `params`
            is ignored, as MLflow does for a model without parameters. Or a Parquet file.
        content_type: the request's header.
        feature_names: the names of `columns`.
        columns: the schema's features.
        also: other columns to keep if they are sent, such as the entity key; the rows are then
            objects, without missing values.
        most_rows: of a Parquet file, which may be small and have very many.

    Raises:
        WrongContentType: it is neither JSON nor CSV in UTF-8, nor Parquet.
        NoReader: it is Parquet, which is read only where pyarrow is installed.
        TooMuch: a Parquet file has more rows.
        InputError: the body has another shape. The `Reader` checks types, except that numbers
            become the values that they stand for, such as 0 and 1 of a boolean column, which is a
            double in MLflow's signature.
    """
    wanted = Wanted(list(feature_names), also, columns)
    kind = _media_type(content_type)
    if kind == PARQUET:
        names, found = parquet.columns(body, lambda sent: wanted.among(sent, "Parquet"), most_rows)
        return wanted.shaped([list(row) for row in zip(*found, strict=True)], names)
    if kind == CSV:
        return _csv(body, wanted)
    return _formatted(json_value(body), MLFLOW, wanted)


def score_rows(
    body: bytes,
    feature_names: Sequence[str],
    columns: Sequence[Column] = (),
    also: Sequence[str] = (),
) -> Rows:
    """Return the rows of a request to `/score`, in any JSON format of Azure ML's clients.

    These are `input_data` (of MLflow models), `data` (of classic scoring scripts), the service's
    own `payload`, whose rows are returned unchanged as bare ones are, and the JSON formats of
    `/invocations`.
    Arguments and errors are those of `rows`.
    """
    return _formatted(json_value(body), AZURE_ML, Wanted(list(feature_names), also, columns))


def named_model(body: bytes) -> str | None:
    """Return the `model` that the body of a request to `/score` names; None if it names none.

    Raises:
        InputError: the body is no JSON, or `model` is no text.
    """
    if b'"model"' not in body:  # else it is decoded twice
        return None
    value = json_value(body)
    if not isinstance(value, dict) or not any(_is_table(value.get(key)) for key in AZURE_ML):
        return None  # `model` is a column of a bare row
    name = value.get("model")
    if name is not None and not isinstance(name, str):
        raise InputError("model: expected the name of a model.")
    return name


def answer(predictions: Iterable[Any]) -> dict[str, Any]:
    """Return predictions as MLflow's server does; a number that is not finite is null."""
    return {"predictions": [plain(value) for value in predictions]}


def _media_type(content_type: str | None) -> str:
    if content_type == JSON:
        return JSON
    kind, options = parse_options_header(content_type)
    known = kind.lower() in (JSON, CSV, PARQUET) and options.keys() <= {"charset"}
    if not known or options.get("charset", "utf-8").lower() != "utf-8":
        got = content_type or "none"
        raise WrongContentType(
            f"Content-Type: expected {JSON} or {CSV} in UTF-8, or {PARQUET}, got {got}."
        )
    return kind.lower()


def _formatted(value: Any, formats: Mapping[str, "Format"], wanted: Wanted) -> Rows:
    if isinstance(value, list) and value:
        return value
    if not isinstance(value, dict):
        raise InputError("The body must be a JSON object, or a list of rows.")
    columns = {name for name in wanted.names if not _is_table(value.get(name))}
    found = (value.keys() & formats.keys()) - columns
    if not found and value.keys() & columns:
        return [value]
    if len(found) != 1:
        got = f", got {' and '.join(sorted(found))}" if found else ""
        raise InputError(f"Expected exactly one of {', '.join(formats)}{got}.")
    (key,) = found
    return formats[key](value[key], wanted, key)


def _is_table(value: Any) -> bool:
    return isinstance(value, list | dict)


def _split(value: Any, wanted: Wanted, where: str) -> Rows:
    if not isinstance(value, dict) or "data" not in value or not value.keys() <= SPLIT:
        raise InputError(f'{where}: expected {{"columns": [...], "data": [[...], ...]}}.')
    data, columns, index = value["data"], value.get("columns"), value.get("index")
    if not isinstance(data, list):
        raise InputError(f"{where}.data: expected a list of rows.")
    if index is not None and (not isinstance(index, list) or len(index) != len(data)):
        raise InputError(f"{where}.index: expected {counted(len(data), 'value')}, one a row.")
    if columns is None or (data and isinstance(data[0], dict)):
        return _list(data, wanted, where)
    if columns == wanted.names:
        return wanted.restored(_rectangular(data, len(columns), where), columns)
    if not isinstance(columns, list):
        raise InputError(f"{where}.columns: expected a list of names.")
    names = wanted.among(columns, where)
    places = [columns.index(name) for name in names]
    table = _rectangular(data, len(columns), where)
    return wanted.shaped([[row[at] for at in places] for row in table], names)


def _records(value: Any, wanted: Wanted, where: str) -> Rows:
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list of objects, one for each row.")
    try:
        if not any(name in row for name in wanted.also for row in value):
            found = [[row[name] for name in wanted.names] for row in value]
            return wanted.restored(found, wanted.names)
    except (KeyError, TypeError):  # a value is missing, or a row is no object
        pass
    known: dict[str, None] = {}
    for at, row in enumerate(value, 1):
        if not isinstance(row, dict):
            raise InputError(f"{where}: row {at} is no object of features.")
        known.update(dict.fromkeys(row))
    names = wanted.among(list(known), where)
    return wanted.shaped([[row.get(name) for name in names] for row in value], names)


def _list(value: Any, wanted: Wanted, where: str) -> Rows:
    """Read a list of objects, or of lists in the features' order; of values for one feature."""
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list of rows, or an object of columns.")
    if value and isinstance(value[0], dict):
        return _records(value, wanted, where)
    count = len(wanted.names)
    if count == 1 and not any(isinstance(row, list) for row in value):
        return wanted.restored([[row] for row in value], wanted.names)
    return wanted.restored(_rectangular(value, count, where), wanted.names)


def _tensors(value: Any, wanted: Wanted, where: str) -> Rows:
    """Read rows, or an object of columns: n values for each, or one value for all rows."""
    if not isinstance(value, dict):
        return _list(value, wanted, where)
    names = wanted.among(list(value), where)
    lengths = {len(column): name for name, column in value.items() if isinstance(column, list)}
    if len(lengths) > 1:
        counts = " and ".join(f"{name} has {length}" for length, name in lengths.items())
        raise InputError(f"{where}: every column needs as many values, but {counts}.")
    count = next(iter(lengths), 1)
    columns = (value[name] for name in names)
    repeated = [column if isinstance(column, list) else [column] * count for column in columns]
    return wanted.shaped([list(row) for row in zip(*repeated, strict=True)], names)


def _input_data(value: Any, wanted: Wanted, where: str) -> Rows:
    if isinstance(value, dict) and "data" in value and value.keys() <= SPLIT:
        return _split(value, wanted, where)
    return _tensors(value, wanted, where)


def _payload(value: Any, wanted: Wanted, where: str) -> Rows:
    if not isinstance(value, dict) or "instances" not in value:
        raise InputError(EXPECTED)
    instances = value["instances"]
    if isinstance(instances, dict):
        return [instances]
    if not isinstance(instances, list):
        raise InputError("instances: expected a list of rows.")
    flat = bool(instances) and not isinstance(instances[0], list | dict)
    return [instances] if flat else instances


def _csv(body: bytes, wanted: Wanted) -> Rows:
    """Read a table with a header, as pandas does with the types of the schema."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("The body is not UTF-8 text.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        table = [row for row in reader if row]
    except csv.Error as error:
        raise InputError(f"Line {reader.line_num} is not valid CSV: {error}.") from None
    while table and len(table[0]) == 1 and not table[0][0].strip():
        del table[0]
    if not table:
        raise InputError("The body is empty: expected a line of column names, then rows.")
    header, *data = table
    if len(header) > 1:
        data = [row for row in data if len(row) > 1 or row[0].strip()]
    names = wanted.among(header, "CSV")
    parsers: dict[str, Callable[[str], Any]] = {each.name: each.parse for each in wanted.columns}
    at = [(header.index(name), parsers.get(name, str)) for name in names]
    found = [
        [None if row[place] in MISSING else parse(row[place]) for place, parse in at]
        for row in _rectangular(data, len(header), "CSV")
    ]
    return wanted.shaped(found, names)


def _rectangular(data: list[Any], width: int, where: str) -> list[list[Any]]:
    """Return the rows; raise InputError unless each is a list of `width` values."""
    for number, row in enumerate(data, 1):
        if not isinstance(row, list):
            raise InputError(f"{where}: row {number} is no list of values.")
        if len(row) != width:
            raise InputError(
                f"{where}: row {number} has {counted(len(row), 'value')} for "
                f"{counted(width, 'column')}."
            )
    return data


Format = Callable[[Any, Wanted, str], Rows]
MLFLOW: dict[str, Format] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _tensors,
    "inputs": _tensors,
}
AZURE_ML: dict[str, Format] = {
    "input_data": _input_data,
    "data": _input_data,
    "payload": _payload,
    **MLFLOW,
}
