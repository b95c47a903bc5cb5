"""What MLflow's and Azure ML's clients send: every format, and bodies that are none."""

import importlib
import io
import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import PETS

from seedling.errors import InputError, TooMuch, Unavailable
from seedling.serving.encoding import ENCODER
from seedling.serving.inputs import Reader
from seedling.serving.parquet import NoReader
from seedling.serving.protocols import (
    MISSING,
    WrongContentType,
    answer,
    named_model,
    rows,
    score_rows,
)

JSON, CSV = "application/json", "text/csv"
NAMES = PETS.feature_names
REX, TOM = [3, 21.5, "dog", True], [8, None, "cat", False]
OBJECTS = [dict(zip(NAMES, row, strict=True)) for row in (REX, TOM)]
COLUMNS = {name: [row[name] for row in OBJECTS] for name in NAMES}
SPLIT = {"columns": NAMES, "data": [REX, TOM]}
FORMATS = {
    "split": {"dataframe_split": SPLIT},
    "split with an index": {"dataframe_split": SPLIT | {"index": [4, "b"]}},
    "split without columns": {"dataframe_split": {"data": [REX, TOM]}},
    "split in another order": {
        "dataframe_split": {"columns": NAMES[::-1], "data": [REX[::-1], TOM[::-1]]}
    },
    "split with more columns": {
        "dataframe_split": {"columns": ["id", *NAMES, 5], "data": [[1, *REX, 0], [2, *TOM, 0]]}
    },
    "split of objects": {"dataframe_split": {"data": OBJECTS}},
    "records": {"dataframe_records": OBJECTS},
    "records with more columns": {"dataframe_records": [row | {"id": 1} for row in OBJECTS]},
    "records where one lacks a value": {
        "dataframe_records": [OBJECTS[0], {"age": 8, "kind": "cat", "tame": False}]
    },
    "instances of objects": {"instances": OBJECTS},
    "instances of lists": {"instances": [REX, TOM]},
    "instances of columns": {"instances": COLUMNS},
    "inputs of columns": {"inputs": COLUMNS | {"id": [1, 2]}},
    "inputs of objects": {"inputs": OBJECTS},
    "inputs of lists": {"inputs": [REX, TOM]},
    "parameters that nobody asked for": {"instances": OBJECTS, "params": {"top": 3}},
    "booleans as numbers": {"instances": [[*REX[:3], 1.0], [*TOM[:3], 0]]},
}
AZURE_ML = {
    "a table": {"input_data": SPLIT | {"index": [0, 1]}},
    "a table with parameters": {"input_data": SPLIT, "params": {}},
    "lists": {"input_data": [REX, TOM]},
    "columns": {"input_data": COLUMNS},
    "classic lists": {"data": [REX, TOM]},
    "classic objects": {"data": OBJECTS},
    "the service's own": {"payload": {"instances": OBJECTS}},
    **FORMATS,
}
BAD = {
    "nothing": b"",
    "half of it": b'{"instances": [',
    "no UTF-8": b'{"instances": "\xff"}',
    "deep nesting": b'{"instances":' + b"[" * 100_000,
    "a list": b"[]",
    "null": b"null",
    "no format": b"{}",
    "infinity": b'{"instances": [[3, Infinity, "dog", true]]}',
    "half a character": b'{"instances": [[3, 1, "\\ud800", true]]}',
    "two formats": {"instances": [REX], "inputs": [REX]},
    "two formats, one null": {"instances": [REX], "inputs": None},
    "null instead of rows": {"instances": None},
    "text instead of rows": {"inputs": "abc"},
    "a flat row": {"instances": REX},
    "one object as records": {"dataframe_records": OBJECTS[0]},
    "a row that is no object": {"dataframe_records": [OBJECTS[0], 3]},
    "a row that is text": {"dataframe_records": ["age"]},
    "a split that is a list": {"dataframe_split": [REX]},
    "a split without data": {"dataframe_split": {"columns": NAMES}},
    "a split with more keys": {"dataframe_split": SPLIT | {"names": []}},
    "a split whose data is null": {"dataframe_split": {"columns": NAMES, "data": None}},
    "a split whose columns are text": {"dataframe_split": {"columns": "age", "data": [REX]}},
    "an index for other rows": {"dataframe_split": SPLIT | {"index": [1]}},
    "a flat split": {"dataframe_split": {"columns": NAMES, "data": REX}},
    "columns of different length": {"inputs": COLUMNS | {"age": [1]}},
    "no columns": {"inputs": {}},
}
READER = Reader(PETS)
HEADER = "id,age,weight,kind,tame\n"


def read(body: Any, content_type: str = JSON, also: tuple[str, ...] = ()) -> list[Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return rows(data, content_type, NAMES, PETS.features, also)


def score(body: Any) -> list[Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return score_rows(data, NAMES, PETS.features)


def values(found: list[Any]) -> list[tuple[Any, ...]]:
    """The rows as the reader hands them to a model, once it has checked them."""
    return READER.values(READER.instances(found))


def table(text: str) -> list[Any]:
    return read(text.encode(), CSV)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_mlflow_gives_the_same_rows(name: str) -> None:
    assert values(read(FORMATS[name])) == [tuple(REX), tuple(TOM)]


@pytest.mark.parametrize("name", AZURE_ML)
def test_every_format_of_azure_ml_gives_the_same_rows(name: str) -> None:
    assert values(score(AZURE_ML[name])) == [tuple(REX), tuple(TOM)]


@pytest.mark.parametrize("name", BAD)
def test_a_body_of_another_shape_is_refused_in_a_sentence(name: str) -> None:
    for reads in (read, score):
        with pytest.raises(InputError, match=r"^[A-Za-z_]+\b.*\.$"):
            reads(BAD[name])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"inputs": [REX], "instances": []}, ", got inputs and instances."),
        (
            {"dataframe_split": SPLIT | {"data": [REX, TOM, [1, 2]]}},
            "row 3 has 2 values for 4 columns.",
        ),
        (
            {"dataframe_split": SPLIT | {"columns": ["agee", *NAMES[1:]]}},
            "the column age is missing; is it the one called agee?",
        ),
        (
            {"dataframe_split": SPLIT | {"columns": ["age", *NAMES[:3]]}},
            "the column age is there more than once.",
        ),
        ({"dataframe_records": [{"age": 3}]}, "the column tame is missing."),
        (
            {"dataframe_records": [{"age": 3, "wieght": 2, "tame": True}]},
            "the column weight is missing; is it the one called wieght?",
        ),
        ({"inputs": COLUMNS | {"age": [1]}}, "but age has 1 and tame has 2."),
    ],
)
def test_what_was_expected_is_said(body: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        read(body)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["tame", "kind", "age"], "data": [[1, "dog", 3]]}},
        {"dataframe_records": [{"age": 3, "kind": "dog", "tame": 1.0}]},
        {"inputs": {"age": [3], "kind": ["dog"], "tame": [True]}},
    ],
)
def test_a_column_that_may_be_null_may_be_left_out(body: dict[str, Any]) -> None:
    assert values(read(body)) == [(3, None, "dog", True)]
    assert values(table("tame,age,kind\ntrue,3,dog\n")) == [(3, None, "dog", True)]


def test_nan_is_a_missing_value() -> None:
    assert read({"instances": [[3, float("nan"), "NaN", True]]}) == [[3, None, "NaN", True]]


def test_no_rows_are_no_rows() -> None:
    for body in ({"instances": []}, {"dataframe_split": SPLIT | {"data": []}}, {"inputs": []}):
        assert read(body) == []
    assert table(HEADER) == []


def test_one_value_for_a_column_counts_for_all_rows() -> None:
    assert read({"inputs": OBJECTS[0]}) == [REX]
    assert read({"inputs": OBJECTS[0] | {"age": [3, 4]}}) == [REX, [4, *REX[1:]]]


def test_values_of_a_single_feature_need_no_names() -> None:
    for key in ("instances", "inputs"):
        body = json.dumps({key: [3, None]}).encode()
        assert rows(body, JSON, ["age"], PETS.features[:1]) == [[3], [None]]


def test_the_entity_key_is_kept_where_it_is_sent() -> None:
    named = [{"id": 7} | OBJECTS[0]]
    assert read({"dataframe_records": named}, also=("id",)) == named
    with_key = {"columns": ["id", *NAMES], "data": [[7, *REX]]}
    assert read({"dataframe_split": with_key}, also=("id",)) == named
    assert read({"inputs": named[0]}, also=("id",)) == named
    assert read(f"{HEADER}7,3,21.5,dog,true".encode(), CSV, ("id",)) == [OBJECTS[0] | {"id": "7"}]
    assert read({"instances": OBJECTS[:1]}, also=("id",)) == [REX]


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/json; charset=latin-1"])
def test_another_kind_of_content_is_refused(kind: str | None) -> None:
    with pytest.raises(WrongContentType, match="expected application/json or text/csv in UTF-8"):
        rows(b"{}", kind, NAMES, PETS.features)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
def test_the_content_type_may_name_its_charset(kind: str) -> None:
    assert read(FORMATS["split"], kind) == [REX, TOM]


def test_a_csv_gives_the_rows_that_its_table_holds() -> None:
    text = f"{HEADER}1,3,21.5,dog,True\r\n\r\n2,8.0,,cat,0\n"
    for start in ("", "\ufeff", "\n", "  \n"):
        assert values(table(start + text)) == [tuple(REX), tuple(TOM)]


@pytest.mark.parametrize("text", sorted(MISSING))
def test_what_pandas_takes_as_missing_is_missing_in_a_csv(text: str) -> None:
    assert table(f"{HEADER}1,3,{text},{text},true") == [[3, None, None, True]]


def test_a_category_in_a_csv_stays_text() -> None:
    text = f'{HEADER}1,3,1,01,true\n1,3,1,"a ""b"",\nc",true'
    assert [row[2] for row in table(text)] == ["01", 'a "b",\nc']


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n \n",
        "age,weight\n1,2",
        f"{HEADER}1,3,21.5,dog",
        f"{HEADER}1,3,21.5,dog,true,1",
        f'{HEADER}1,"3,21.5,dog,true',
        "age,age,weight,kind,tame\n1,1,1,dog,true",
    ],
)
def test_a_csv_that_is_no_table_of_the_features_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"\.$"):
        table(text)


@pytest.mark.parametrize("text", ["abc", "1_000", "1,5", "0x10", "inf", "1e400"])
def test_text_that_is_no_number_is_left_for_the_reader_to_refuse(text: str) -> None:
    found = table(f'{HEADER}1,3,"{text}",dog,true')
    with pytest.raises(InputError, match=r"^instances\[0\]\.weight: "):
        READER.instances(found)


def test_a_csv_in_another_encoding_is_refused() -> None:
    with pytest.raises(InputError, match="not UTF-8"):
        read(HEADER.encode("utf-16"), CSV)


def parquet(table: pd.DataFrame, **options: Any) -> bytes:
    stream = io.BytesIO()
    table.to_parquet(stream, index=False, **options)
    return stream.getvalue()


PARQUET = "application/vnd.apache.parquet"


@pytest.mark.parametrize("kind", ["integers", "floats", "categories", "more columns"])
def test_a_parquet_body_gives_the_rows_that_its_table_holds(kind: str) -> None:
    frame = pd.DataFrame(OBJECTS)
    frame = {
        "integers": frame,
        "floats": frame.astype({"age": float, "tame": float}),
        "categories": frame.astype({"kind": "category"}),
        "more columns": frame.assign(id=[1, 2], other="x")[["other", *NAMES[::-1], "id"]],
    }[kind]
    found = read(parquet(frame), PARQUET)
    assert values(found) == [tuple(REX), tuple(TOM)]
    with_key = read(parquet(frame.assign(id=[7, 8])), PARQUET, ("id",))
    assert [row["id"] for row in with_key] == [7, 8]


def test_a_parquet_body_that_is_none_or_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = pd.DataFrame(OBJECTS)
    for body in (b"", b"PAR1", b"PAR1PAR1" * 9, parquet(frame)[:-9]):
        with pytest.raises(InputError, match=r"^The body is no Parquet file.*\.$"):
            read(body, PARQUET)
    with pytest.raises(InputError, match="Parquet: the column tame is missing"):
        read(parquet(frame.drop(columns="tame")), PARQUET)
    many = pd.concat([frame] * 100_000)  # a few KB
    with pytest.raises(TooMuch, match="200,000 rows are more than the 10,000"):
        rows(parquet(many), PARQUET, NAMES, PETS.features, most_rows=10_000)
    monkeypatch.setattr("seedling.serving.parquet.MAX_BYTES", 1_000_000)
    zeroes = pd.DataFrame({"age": np.zeros(200_000, dtype="int64")})
    packed = parquet(zeroes, compression="gzip", use_dictionary=False)
    with pytest.raises(InputError, match="once it is unpacked"):
        rows(packed, PARQUET, ["age"], PETS.features[:1])


def test_a_long_text_that_each_row_refers_to_is_one_text() -> None:
    import pyarrow as pa
    from pyarrow import parquet as files

    count, long = 500, "x" * 200_000
    columns: dict[str, Any] = {name: [OBJECTS[0][name]] * count for name in NAMES}
    columns["kind"] = pa.DictionaryArray.from_arrays([0] * count, [long])
    stream = io.BytesIO()
    files.write_table(pa.table(columns), stream, store_schema=False)
    assert len(stream.getvalue()) < len(long)
    found = read(stream.getvalue(), PARQUET)
    assert found[-1][2] == long
    assert len({id(row[2]) for row in found}) == 1


def test_without_pyarrow_parquet_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NoReader, match="no pyarrow, which reads Parquet: send JSON or CSV") as no:
        read(b"PAR1", PARQUET)
    assert no.value.status == 415


def test_the_answer_is_the_one_of_mlflow() -> None:
    assert answer(["a", 1, 1.5, True]) == {"predictions": ["a", 1, 1.5, True]}
    assert answer([float("nan"), -float("inf")]) == {"predictions": [None, None]}
    numbers = [np.int64(1), np.float32(0.5), np.bool_(True), np.str_("a")]
    assert ENCODER.encode(answer(numbers)) == b'{"predictions":[1,0.5,true,"a"]}'


class Answering:
    """Stands in for the service in Azure ML's scoring script."""

    def score(self, body: bytes, model: str | None = None) -> dict[str, Any]:
        if not body:
            raise InputError("The body is empty.")
        if body == b"{}":
            raise Unavailable("No model is served.")
        return {"predictions": [1 / len(body)]}


@pytest.mark.parametrize(
    ("body", "status", "answered"),
    [
        ("x", 200, {"predictions": [1.0]}),
        ("", 400, {"error": "The body is empty."}),
        ("{}", 503, {"error": "No model is served."}),
        ("\udc80", 500, {"error": "The service failed to answer; its log has the details."}),
    ],
    ids=["rows", "nothing", "no model", "failure"],
)
def test_the_scoring_script_answers_or_says_what_is_wrong(
    body: str, status: int, answered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = importlib.import_module("seedling.azure.score")
    monkeypatch.setattr(script, "service", Answering())
    response = script.run(body)
    assert (response.status_code, response.get_json()) == (status, answered)


def test_a_body_may_name_its_model() -> None:
    assert named_model(b'{"model": "second", "data": []}') == "second"
    assert named_model(b'{"data": [{"model": "T"}]}') is None
    with pytest.raises(InputError, match="expected the name of a model"):
        named_model(b'{"model": 3, "data": []}')
