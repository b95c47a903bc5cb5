"""Parts of a batch: the names of their files, their notes, and the checksum of their rows."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from seedling.data import csv_columns, csv_lines
from seedling.errors import ProjectError
from seedling.scoring import checksum, chunk, formats
from seedling.serving.score_files import Reject
from seedling.serving.score_parts import Part

CELLS = [
    "a",
    "b,c",
    'say "so"',
    "=1+1",
    "-5",
    "-x",
    "+4_0",
    "@",
    "",
    None,
    "ü",
    "1e5",
    "\tx",
    "- 1",
]
COLUMNS = ("file", "row", "prediction")


def batch(rows: Sequence[int], answers: Sequence[Any] | None = None, file: str = "x") -> Any:
    answers = [row / 7 for row in rows] if answers is None else answers
    return pa.record_batch(
        {"file": [file] * len(rows), "row": [*rows], "prediction": pa.array(answers)}
    )


class Sevenths:
    """Answers a row by a seventh of its number; every tenth row is rejected."""

    identity, columns = "one", [*COLUMNS, "model", "version"]
    needed = SimpleNamespace(keys=["id"])
    asked = 0

    def scored(self, part: Any) -> tuple[Any, list[Reject]]:
        self.asked += 1
        rows = [part.first + at for at in range(part.batch.num_rows)]
        rejects = [Reject(row, "x", "is a ten") for row in rows if row % 10 == 0]
        return batch([row for row in rows if row % 10], file=part.file), rejects


def part(first: int = 1, count: int = 25) -> Any:
    rows = pa.record_batch({"x": list(range(first, first + count))})
    return Part("x", first, rows)


@pytest.mark.parametrize("special", [True, False])
def test_columns_become_the_lines_that_a_loop_over_cells_writes(special: bool) -> None:
    texts = CELLS if special else [cell for cell in CELLS if cell not in ("b,c", 'say "so"')]
    count = len(texts)
    numbers = [0.1 + 0.2, 5.0, -3.0, None, 1e300, 1e-7, math.inf, *[0.5] * (count - 7)]
    rows = pa.record_batch(
        {
            "text": texts,
            "coded": pa.array(texts).dictionary_encode(),
            "number": numbers,
            "whole": [*range(count - 1), None],
            "truth": [True, None, *[False] * (count - 2)],
        }
    )
    for some in (rows, rows.slice(2, 5), rows.slice(0, 0)):
        cells = zip(*(column.to_pylist() for column in some.columns), strict=True)
        expected = list(csv.reader(io.StringIO(csv_lines.text(cells))))
        found = list(csv.reader(io.StringIO(bytes(csv_columns.text(some)).decode())))
        for line in (*expected, *found):  # 1e-07 may be spelled 1e-7
            line[2] = line[2] and str(float(line[2]))
        assert found == expected


def test_the_checksum_depends_on_the_rows_alone() -> None:
    rows = [*range(1, 101)]
    whole = checksum.of(batch(rows), COLUMNS)
    parted = [checksum.of(batch(some), COLUMNS) for some in (rows[60:], rows[:1], rows[1:60])]
    assert checksum.added(parted) == whole
    assert checksum.of(batch(rows[::-1]), COLUMNS) == whole


@pytest.mark.parametrize(
    "other",
    [
        batch(range(1, 100)),
        batch([*range(1, 101), 100]),
        batch(range(1, 101), file="y"),
        batch([*range(1, 100), 101], [row / 7 for row in range(1, 101)]),
        batch(range(1, 101), [row / 7 for row in [2, 1, *range(3, 101)]]),
        batch(range(1, 101), [row / 7 for row in range(1, 100)] + [None]),
        batch(range(1, 101), [row / 7 for row in range(1, 100)] + [math.nan]),
        batch(range(1, 101), [math.nextafter(1 / 7, 1), *(row / 7 for row in range(2, 101))]),
        batch(range(1, 101), [str(row) for row in range(1, 101)]),
    ],
    ids=["lost", "twice", "file", "number", "swapped", "missing", "nan", "last bit", "text"],
)
def test_any_other_row_has_another_checksum(other: Any) -> None:
    assert checksum.of(other, COLUMNS) != checksum.of(batch(range(1, 101)), COLUMNS)


@pytest.mark.parametrize("form", [formats.CSV, formats.ARROW, formats.FOLDER])
def test_a_part_that_is_delivered_twice_is_scored_once(tmp_path: Path, form: Any) -> None:
    scorer = Sevenths()
    done = chunk.score_part(scorer, part(), tmp_path, form=form)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {*files} == {f"{done.name}.json", f"{done.name}{form.ending}"}
    assert (done.scored, [reject.row for reject in done.rejects]) == (23, [10, 20])
    assert chunk.score_part(scorer, part(), tmp_path, form=form) == done
    assert scorer.asked == 1
    assert [*chunk.listed(tmp_path, form)] == [done]
    for path in tmp_path.glob("*.json"):
        path.unlink()  # another node, or a kill between the part and its note
    assert [*chunk.listed(tmp_path, form)] == []
    assert chunk.score_part(scorer, part(), tmp_path, form=form) == done
    assert files == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_other_rows_another_model_or_form_have_another_name(tmp_path: Path) -> None:
    scorer, newer = Sevenths(), Sevenths()
    newer.identity = "two"
    names = [
        chunk.score_part(scorer, part(), tmp_path).name,
        chunk.score_part(newer, part(), tmp_path).name,
        chunk.score_part(scorer, part(), tmp_path, form=formats.ARROW).name,
        chunk.score_part(scorer, part(26), tmp_path).name,
        chunk.score_part(scorer, part(1, 24), tmp_path).name,
    ]
    assert len({*names}) == 5


def test_a_damaged_part_is_not_taken_for_done(tmp_path: Path) -> None:
    done = chunk.score_part(Sevenths(), part(), tmp_path)
    path = tmp_path / f"{done.name}.csv"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert chunk.finished(tmp_path, done.name) is None
    path.write_bytes(content[:-2] + b"?\n")
    with pytest.raises(ProjectError, match="damaged on the disk"):
        chunk.refuse_damaged(tmp_path, done, formats.CSV)
    assert chunk.finished(tmp_path, done.name) is None
    (tmp_path / f"{done.name}.json").write_text("{", encoding="utf-8")
    assert chunk.finished(tmp_path, done.name) is None


def test_a_row_without_an_answer_or_a_reason_is_an_error(tmp_path: Path) -> None:
    scorer = Sevenths()
    scorer.scored = lambda part: (batch([1]), [])  # type: ignore[method-assign]
    with pytest.raises(ProjectError, match="25 rows were given, 1 answered and 0 rejected"):
        chunk.score_part(scorer, part(), tmp_path)
    assert [*tmp_path.iterdir()] == []
