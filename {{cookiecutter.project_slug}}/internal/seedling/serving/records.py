"""Turn lines of the spool into records of the prediction log; `log_lines` writes them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from seedling.serving.stores import Record

NULL = msgspec.Raw(b"null")
EMPTY_LIST = msgspec.Raw(b"[]")


class Line(msgspec.Struct):
    """The line of one request. JSON that a record repeats unchanged is not decoded.

    `features` has the names of the features, if the rows have other values too; `by_row` the names
    of the outputs that hold an item for each row.
    """

    id: str
    request_id: str
    time: float
    route: str
    model: str
    version: str | None
    outputs: msgspec.Raw
    inputs: msgspec.Raw = NULL
    versions: list[str] | None = None
    rows: msgspec.Raw = NULL
    row: msgspec.Raw = NULL
    features: list[str] = []
    by_row: tuple[str, ...] = ("predictions", "scores")


LINE = msgspec.json.Decoder(Line)
OUTPUTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
LIST = msgspec.json.Decoder(list[msgspec.Raw])
ROWS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
ENCODER = msgspec.json.Encoder()
MAX_WHOLE_BYTES = 256 * 1024  # of a line that becomes one record: Cosmos DB allows 2 MB
PART_ROWS = 500  # of each record of a larger line
PLACES = "rows"  # the key of the outputs of such a record


def records_of(line: bytes) -> list[Record]:
    """Return the record of a line; several if several versions answered, or the line is large.

    The first has the id of the line, which the caller was given; others end in `-1` and so on.

    Raises:
        ValueError: the line is not one of this service.
    """
    try:
        read = LINE.decode(line)
        time = datetime.fromtimestamp(read.time, UTC)
        if read.rows is NULL:
            return [_record(read, time, 0, read.version, read.inputs, read.row, read.outputs)]
        if read.versions is None and len(line) <= MAX_WHOLE_BYTES:
            beside, features = _split_features(read.rows, read.features)
            return [_record(read, time, 0, read.version, beside, features, read.outputs)]
        return _in_parts(read, time)
    except (RecursionError, OverflowError, OSError, IndexError) as error:  # OSError: no such time
        raise ValueError(str(error)) from None


def _in_parts(line: Line, time: datetime) -> list[Record]:
    """Return a record for each version and PART_ROWS rows; `rows` of its outputs are the places.

    The places are those in the request, from 0: by them and its id, truth is joined with a row.
    """
    rows = ROWS.decode(line.rows)
    outputs = OUTPUTS.decode(line.outputs)
    by_row = {key: LIST.decode(outputs[key]) for key in line.by_row if key in outputs}
    parts = [
        (version, places[start : start + PART_ROWS])
        for version, places in _places(line.versions or [line.version or ""] * len(rows)).items()
        for start in range(0, len(places), PART_ROWS)
    ]
    found = []
    for number, (version, places) in enumerate(parts):
        part_rows = _raw([rows[at] for at in places])
        part_outputs = outputs | {
            key: _raw([values[at] for at in places]) for key, values in by_row.items() if values
        }
        part_outputs[PLACES] = _raw(places)
        beside, features = _split_features(part_rows, line.features)
        found.append(_record(line, time, number, version, beside, features, _raw(part_outputs)))
    return found


def _places(versions: Sequence[str]) -> dict[str, list[int]]:
    """Return the indexes of the rows that each version answered."""
    found: dict[str, list[int]] = {}
    for at, version in enumerate(versions):
        found.setdefault(version, []).append(at)
    return found


def _split_features(rows: msgspec.Raw, known: Sequence[str]) -> tuple[msgspec.Raw, msgspec.Raw]:
    """Return the other values of each row, such as the entity key, and the features."""
    if not known:
        return EMPTY_LIST, rows
    names = set(known)
    read = ROWS.decode(rows)
    beside = [{name: row[name] for name in row if name not in names} for row in read]
    features = [{name: row[name] for name in row if name in names} for row in read]
    return _raw(beside), _raw(features)


def _record(
    line: Line,
    time: datetime,
    number: int,
    version: str | None,
    inputs: msgspec.Raw,
    features: msgspec.Raw,
    outputs: msgspec.Raw,
) -> Record:
    return Record(
        f"{line.id}-{number}" if number else line.id,
        line.request_id,
        time,
        line.route,
        line.model,
        version or "",
        "served",
        _text(inputs),
        _text(features),
        _text(outputs),
    )


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(ENCODER.encode(value))


def _text(json: msgspec.Raw) -> str:
    return bytes(json).decode()
