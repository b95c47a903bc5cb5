"""Files scored by columns: the values, the answers and the refusals of rows read one by one."""

import json
import math
import pickle
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seedling.config import Dataset, Project, Reading
from seedling.data import mixed_cells
from seedling.data.column_values import rows
from seedling.data.derived import Derivation
from seedling.data.text_rows import opened
from seedling.errors import InputError
from seedling.serving import score_parts
from seedling.serving.inputs import Reader
from seedling.serving.score_columns import PartReader
from seedling.serving.score_files import Scorer
from seedling.serving.score_parts import Needed, Part, Unread
from seedling.serving.score_rows import Refused, RowReader
from seedling.serving.service import Service
from seedling.serving.text_blocks import TextBlocks
from seedling.testing import first_model, sample_rows

DATASET: dict[str, Any] = {
    **{"name": "things", "source": "things.csv", "file_name": "things.parquet", "version": "1"},
    **{"task": "regression", "metric": "rmse", "entity_key": ["id"]},
    "target": {"name": "cost", "type": "number"},
    "features": [
        {"name": "age", "type": "integer"},
        {"name": "size", "type": "number", "nullable": True},
        {"name": "tame", "type": "boolean", "nullable": True},
        {"name": "kind", "type": "category", "categories": ["cat", "1", "NA"], "nullable": True},
        {"name": "born", "type": "date", "nullable": True},
        {"name": "seen", "type": "datetime", "nullable": True},
        {"name": "took", "type": "duration", "nullable": True},
        {"name": "note", "type": "text", "nullable": True},
    ],
}
TEXTS = (
    *(
        "5",
        "-3",
        "0",
        "-0",
        "5.0",
        "5.5",
        "1e3",
        "1E400",
        "inf",
        "-Infinity",
        "nan",
        "NaN",
        "1_000",
    ),
    *("$1,234.50", "(20)", "1.234,5", "0x10", "+7", ".5", "5.", "007", "9007199254740993", "4e38"),
    *("99999999999999999999", "", " ", "NA", "?", "-", "null", "yes", "False", "ja", "2", "1.0"),
    *("cat", " cat ", "Dog", "2024-03-15", "15/03/2024", "2024-13-01", "2024-03-15T20:21:09"),
    *("2024-03-15 20:21:09.5", "2024-03-15T20:21:09Z", "26:00", "P1DT2H", "1 days 02:00:00", "ж"),
)
DAY, MOMENT = datetime(2024, 3, 15), datetime(2024, 3, 15, 10)
TYPED: dict[str, list[Any]] = {
    "age": [1, 0, 2**60, None, 1.0, 1.5, math.nan, True, "5", "x"],
    "size": [1.5, -0.0, math.inf, None, 4e38, 3, "2", "1,5", False],
    "tame": [True, False, 1, 0, 2, 1.0, None, "yes", "maybe"],
    "kind": ["cat", 1, 1.0, None, "NA", True, "other "],
    "born": ["2024-03-15", DAY, MOMENT, None, 20240315],
    "seen": [MOMENT, "2024-03-15", None, 5],
    "took": [timedelta(hours=2), 60, "26:00", None, "never"],
    "note": ["good", 5, 1.0, None, True, "?"],
}


def answers(dataset: Dataset, reading: Reading, columns: list[pa.Array], is_text: bool) -> Any:
    """The rows' values, or why they have none: read by columns, and one by one."""
    reader = Reader(dataset)
    batch = pa.RecordBatch.from_arrays(columns, reader.names)
    none = np.zeros(batch.num_rows, bool)
    values, rejects = PartReader(reader, reading).read(batch, is_text, none)
    found = [rejects.get(at, row) for at, row in enumerate(rows(values))]
    one_by_one = RowReader(reader, reading)
    cells = zip(*map(mixed_cells.cells, columns), strict=True)
    return found, [one_by_one.read(row, is_text) for row in cells]


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, Refused):
        return bool(found == expected)
    return not isinstance(found, Refused) and all(
        one == other and isinstance(one, bool | str) == isinstance(other, bool | str)
        for one, other in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("reading", [{}, {"decimal": ",", "na": ["-3"]}], ids=["point", "comma"])
def test_texts_are_read_by_columns_as_one_by_one(reading: dict[str, Any]) -> None:
    draw, read = Random(0), Reading(**reading)  # noqa: S311
    dataset = Dataset.model_validate({**DATASET, "read": reading})
    names = Reader(dataset).names
    good = ("5", "1.5", "yes", "cat", "2024-03-15", "2024-03-15T10:00", "60", "a")
    usual = dict(zip(names, good, strict=True))
    table = [{**usual, name: text} for name in names for text in TEXTS]
    table += [{name: draw.choice(TEXTS) for name in names} for _ in range(300)]
    columns = [pa.array([row[name] for row in table], pa.string()) for name in names]
    for found, expected in zip(*answers(dataset, read, columns, True), strict=True):
        assert same(found, expected), (found, expected)
    numbers = [
        pa.array([f"{draw.lognormvariate(0, 9):.{draw.randrange(17)}g}" for _ in table])
        for _ in names
    ]
    for found, expected in zip(*answers(dataset, read, numbers, True), strict=True):
        assert same(found, expected), (found, expected)


def test_typed_cells_are_read_by_columns_as_one_by_one() -> None:
    dataset, draw = Dataset.model_validate(DATASET), Random(0)  # noqa: S311
    for _ in range(40):
        columns = []
        for cells in TYPED.values():
            kind = draw.choice([type(cell) for cell in cells if cell is not None])
            alike = [cell for cell in cells if cell is None or type(cell) is kind]
            some = [draw.choice(draw.choice([cells, alike])) for _ in range(12)]
            if draw.random() < 0.7:
                some = [draw.choice(alike) for _ in range(12)]
            columns.append(mixed_cells.array(some))
        for found, expected in zip(*answers(dataset, Reading(), columns, False), strict=True):
            assert same(found, expected), (found, expected)


def test_derived_features_are_the_same_by_columns() -> None:
    number = {"type": "number", "nullable": True}
    words = {"type": "category", "nullable": True, "categories": ["high", "low"]}
    names = {"a": number, "b": number, "ratio": number, "power": number, "side": words}
    expressions = {
        "ratio": "a / b",
        "power": "exp(a) ** b % 3",
        "side": "'high' if ratio > 1 else 'low'",
    }
    features = [{"name": name, **kind} for name, kind in names.items()]
    dataset = Dataset.model_validate({**DATASET, "features": features, "derived": expressions})
    derivation, draw = Derivation(dataset), Random(0)  # noqa: S311
    texts = [[draw.choice(["", "0", "2.5", "-7", "1e200", "800"]) for _ in "ab"] for _ in range(99)]
    reader = Reader(dataset)
    columns = [pa.array(column) for column in zip(*texts, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, reader.names)
    raw, _ = PartReader(reader, Reading()).read(batch, True, np.zeros(99, bool))
    assert rows(derivation.columns(raw)) == derivation.values(rows(raw))


FILES = {
    "plain": "a,b,c\n1,2,3\n4,5,6\n",
    "quoted": 'a,b,c\n"1","x, y",3\n"say ""no""","two\nlines",6\n7,8,9\n',
    "broken quotes": 'a,b,c\n1,2,3\n"4"x,5,6\n7,8,9\n',
    "open quotes": 'a,b,c\n1,2,3\n"4,5,6\n7,8,9\n',
    "inches": 'a,b,c\n1,5" pipe,3\n4,5,6\n7,8" pipe,9\n',
    "blanks": "a, b, c\n1, 2, 3\n 4,5 ,  6\n",
    "blanks and quotes": 'a, b, c\n1, "2, 3", 4\n',
    "lengths": "a,b,c\n1,2\n1,2,3,4\n1,2,3,\n\n   \n5,6,7\n",
    "trailing": "a,b,c,\n1,2,3,\n4,5,6\n7,8,9,0\n",
    "windows": "a,b,c\r\n1,2,3\r\n\r\n4,5,6\r\n",
    "carriage returns": "a,b,c\r1,2,3\r4,5,6\r",
    "comments": "# made\na,b,c\n1,2,3\n# note\n4,5,6\n",
    "lines of blanks": "a,b,c\n1,2,3\n\t\n4,5,6,\n\u3000\n\x0b\n7,8,9\n\n ,1,2\n",
    "no end": "a,b,c\n1,2,3\n4,5,6",
    "empty": "a,b,c\n",
    "one column": "a\n1\n\n 2\n",
    "zero": "a,b,c\n1,\0,3\n4,5,6\n",
    "semicolons": "a;b;c\n1,5;2;3\n",
    "skipped": "Title\na,b,c\n1,2,3\n",
    "no header": "1,2,3\n4,5,6\n",
    "two lines of header": '"a\nx",b,c\n1,2,3\n4,5\n',
}
READINGS = {
    "comments": {"comment": "#"},
    "skipped": {"skip": 1},
    "no header": {"header": False},
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("kind", FILES)
def test_a_text_file_has_the_same_rows_and_faults_by_blocks(
    kind: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, reading = tmp_path / "x.csv", Reading(encoding=encoding, **READINGS.get(kind, {}))
    path.write_bytes(FILES[kind].replace("pipe", "Röhre").encode(encoding, "replace"))
    for letters in (1, 9, 1 << 16):
        monkeypatch.setattr("seedling.serving.text_blocks.FIRST", letters)
        with opened(path, reading) as (lines, _):
            names, expected = lines.names, list(lines)
        found = []
        for block in TextBlocks(path, reading, 1).blocks(range(len(names))):
            cells = zip(*(column.to_pylist() for column in block.columns), strict=True)
            found += [block.faults.get(at, list(row)) for at, row in enumerate(cells)]
        wanted = [f"line {row.line} {row.fault}" if row.fault else row.cells for row in expected]
        assert found == wanted, letters


@pytest.mark.parametrize("kind", ["plain", "trailing", "lines of blanks", "comments", "windows"])
def test_lines_are_read_in_another_process_as_here(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedling.serving.text_blocks.FIRST", 9)
    path, reading = tmp_path / "x.csv", Reading(**READINGS.get(kind, {}))
    path.write_text(FILES[kind], encoding="utf-8", newline="")
    read = path, reading, Needed(["a", "b"], [], "target"), 1
    found = list(score_parts.unread(*read))
    assert any(isinstance(each, Unread) for each in found) == (kind != "windows")
    sent = pickle.loads(pickle.dumps(found))  # as a pool sends them
    rows = [each.part() if isinstance(each, Unread) else each for each in sent]
    here = list(score_parts.parts(*read))
    assert [each.batch.to_pydict() for each in rows] == [each.batch.to_pydict() for each in here]
    assert [each.faults for each in rows] == [each.faults for each in here]
    counts = [each.batch.num_rows for each in rows]
    assert [each.first for each in rows] == [1 + sum(counts[:at]) for at in range(len(rows))]


def test_a_million_cells_are_not_read_one_by_one(tmp_path: Path, monkeypatch: Any) -> None:
    """Quoted cells and Windows' line ends are usual: a block of them is read at once."""
    lines = ['"a","b","c"\r\n', *(f'{at},"x, {at}","two\r\nlines"\r\n' for at in range(5_000))]
    (tmp_path / "x.csv").write_text("".join(lines), encoding="utf-8", newline="")
    blocks = TextBlocks(tmp_path / "x.csv", Reading(), 1_000)
    monkeypatch.setattr(TextBlocks, "_by_rows", None)
    monkeypatch.setattr("seedling.serving.text_blocks._block", None)
    found = [len(block.columns[0]) for block in blocks.blocks([0, 1])]
    assert sum(found) == 5_000
    assert len(found) > 2


def test_a_row_has_the_bits_of_the_services_answer_alone_and_among_others(
    trained: Project, tmp_path: Path
) -> None:
    dataset = trained.config.dataset(trained.config.trained_model(first_model(trained)).dataset)
    table = sample_rows(dataset, 60).drop(columns=dataset.target.name)
    table.to_parquet(tmp_path / "x.parquet", row_group_size=7)
    scorer, service = Scorer(trained), Service(trained)
    read = tmp_path / "x.parquet", scorer.reading, scorer.needed
    whole = pa.Table.from_batches([scorer.scored(part)[0] for part in score_parts.parts(*read, 50)])
    ranges = score_parts.ranges(*read, 10)
    assert ranges is not None
    assert [one.rows for one in ranges] == [14, 14, 14, 14, 4]
    parts = [score_parts.read_range(*read, one) for one in ranges]
    assert pa.Table.from_batches([scorer.scored(part)[0] for part in parts]).equals(whole)
    body = {"payload": {"instances": json.loads(table.to_json(orient="records"))}}
    served = service.predict(json.dumps(body).encode(), first_model(trained))
    task = service.model(None).lineup.champion.task
    expected = [list(map(float, cells[1:])) for cells in task.batch_cells(served)]
    first = 2 + len(scorer.needed.keys) + 1
    columns = [whole.column(at).to_pylist() for at in range(first, whole.num_columns - 2)]
    found = zip(*columns, strict=True)
    assert [list(row) for row in found] == expected


@pytest.mark.parametrize("kind", ["few", "many", "numbers"])
def test_texts_with_the_codes_of_a_parquet_file_are_the_texts(kind: str, tmp_path: Path) -> None:
    """Gaps, dictionaries of several row groups, and more texts than a part has rows."""
    words = [str(at % 5) if kind == "few" else str(at) for at in range(400)]
    texts = [None if at % 7 == 0 else word for at, word in enumerate(words)]
    name = "age" if kind == "numbers" else "kind"
    pq.write_table(pa.table({name: texts, "id": texts}), tmp_path / "x.parquet", row_group_size=90)
    read = tmp_path / "x.parquet", Reading(), Needed([name], ["id"], "cost")
    whole = [*score_parts.parts(*read, 60)]
    ranges = score_parts.ranges(*read, 100) or []
    for parts in (whole, [score_parts.read_range(*read, one) for one in ranges]):
        column = [part.batch.column(name) for part in parts]
        assert all(pa.types.is_dictionary(each.type) for each in column)
        assert [cell for each in column for cell in each.to_pylist()] == texts
    features = [one for one in DATASET["features"] if one["name"] == name]
    one = {**features[0], "nullable": True, **({} if name == "age" else {"categories": words})}
    reader = Reader(Dataset.model_validate({**DATASET, "features": [one]}))
    for part in whole:
        coded = part.batch.select([name])
        dense = pa.RecordBatch.from_arrays([coded.column(0).cast(pa.string())], [name])
        none = np.zeros(coded.num_rows, bool)
        found, expected = (
            PartReader(reader, Reading()).read(batch, False, none) for batch in (coded, dense)
        )
        assert rows(found[0]) == rows(expected[0])
        assert found[1] == expected[1]


def test_a_part_without_a_good_row_is_answered_by_none(trained: Project) -> None:
    scorer = Scorer(trained)
    names = [*scorer.needed.features, *scorer.needed.keys]
    batch = pa.RecordBatch.from_arrays([pa.nulls(3, pa.string())] * len(names), names)
    scored, rejects = scorer.scored(Part("x.csv", 5, batch, {1: "line 7 is torn"}, True))
    assert (scored.num_rows, scored.schema) == (0, scorer.schema)
    assert [reject.row for reject in rejects] == [5, 6, 7]
    assert rejects[1].reason == "line 7 is torn"


def test_a_misspelt_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("agee,b\n1,2\n", encoding="utf-8")
    needed = Needed(["age"], [], "cost")
    with pytest.raises(InputError, match="the column age is missing; is it the one called agee"):
        list(score_parts.parts(tmp_path / "x.csv", Reading(), needed, 10))
