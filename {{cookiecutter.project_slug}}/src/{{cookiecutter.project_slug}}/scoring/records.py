"""From a line of the spool to the records that the prediction log keeps."""

from datetime import UTC, datetime

import msgspec

from .stores import Record

NULL = msgspec.Raw(b"null")
NONE = msgspec.Raw(b"[]")


class Line(msgspec.Struct):
    """What the service wrote for a request; JSON that goes on as it is stays text."""

    id: str
    request_id: str
    time: float
    route: str
    model: str
    version: str
    outputs: msgspec.Raw
    inputs: msgspec.Raw = NULL
    versions: list[str] | None = None
    rows: list[msgspec.Raw] | None = None
    row: msgspec.Raw = NULL
    features: list[str] = []


class Outputs(msgspec.Struct):
    predictions: list[msgspec.Raw]
    scores: list[msgspec.Raw] = []
    labels: msgspec.Raw = NONE


class Answer(msgspec.Struct):
    """The outputs for one row."""

    prediction: msgspec.Raw
    scores: msgspec.Raw
    labels: msgspec.Raw


LINE = msgspec.json.Decoder(Line)
OUTPUTS = msgspec.json.Decoder(Outputs)
ROW = msgspec.json.Decoder(dict[str, msgspec.Raw])
ENCODER = msgspec.json.Encoder()


def records_of(line: bytes) -> list[Record]:
    """The records of a line: one a row, or one for `/run`.

    Raises:
        ValueError: the line is not what the service writes.
    """
    try:
        read = LINE.decode(line)
        time = datetime.fromtimestamp(read.time, UTC)
        if read.rows is None:
            row = (0, read.version, _text(read.inputs), _text(read.row), _text(read.outputs))
            return [_record(read, time, *row)]
        return [_record(read, time, *row) for row in _rows(read, read.rows)]
    except (RecursionError, OverflowError, OSError) as error:  # OSError: no such time
        raise ValueError(str(error)) from None


def _rows(line: Line, rows: list[msgspec.Raw]) -> list[tuple[int, str, str, str, str]]:
    """Row number, version, inputs, features and outputs of each row."""
    outputs = OUTPUTS.decode(line.outputs)
    count = len(rows)
    found = zip(
        range(count),
        line.versions or [line.version] * count,
        rows,
        outputs.predictions,
        outputs.scores or [NONE] * count,
        strict=True,
    )
    known = set(line.features)
    given = None if bytes(line.inputs) == b"null" else _text(line.inputs)
    return [
        (
            at,
            version,
            given or _text(row),
            _features(row, known),
            ENCODER.encode(Answer(prediction, scores, outputs.labels)).decode(),
        )
        for at, version, row, prediction, scores in found
    ]


def _features(row: msgspec.Raw, known: set[str]) -> str:
    values = ROW.decode(row)
    if known.issuperset(values):
        return _text(row)
    return ENCODER.encode({name: values[name] for name in values if name in known}).decode()


def _record(
    line: Line, time: datetime, at: int, version: str, inputs: str, features: str, outputs: str
) -> Record:
    return Record(
        f"{line.id}-{at}",
        line.request_id,
        time,
        line.route,
        line.model,
        version,
        "served",
        inputs,
        features,
        outputs,
    )


def _text(json: msgspec.Raw) -> str:
    return bytes(json).decode()
