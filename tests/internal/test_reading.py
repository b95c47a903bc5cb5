"""Files as they arrive: encodings, separators, marks, headers, comments, footers and kinds."""

import bz2
import datetime
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet
from small import PETS

from seedling.config import Dataset, Project, Reading
from seedling.config.reading import column_names
from seedling.data.cells import marks_of, typed
from seedling.data.infer_schema import dataset_name, propose
from seedling.data.reading import Table, guess, read, read_table
from seedling.data.spelled import duration, iso_duration, number
from seedling.errors import ProjectError
from seedling.testing import invoke

COUNT = 40
NUMBERS = range(COUNT)


def lines(template: str) -> str:
    """Return a line for each number n: `{n}`, `{half}` of it, and 0 or 1 as `{y}`."""
    return "".join(template.format(n=n, half=n / 2, y=n % 2) + "\n" for n in NUMBERS)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def guessed(path: Path, **said: Any) -> tuple[dict[str, Any], Table]:
    reading = guess(path, said)
    return reading.entry(), read(path, reading)


PLAIN = "a,b,y\n" + lines("{n},{half},{y}")
NO_NAMES = ["column_1", "column_2", "column_3"]

CASES: dict[str, tuple[str, str, dict[str, Any], list[str]]] = {
    "a plain file": ("x.csv", PLAIN, {}, ["a", "b", "y"]),
    "no header": ("x.data", lines("{n},{half},{y}"), {"header": "none"}, NO_NAMES),
    "no header, a question mark first": (
        "x.data",
        "?,1.5,0\n" + lines("{n},{half},{y}"),
        {"header": "none"},
        NO_NAMES,
    ),
    "no header among texts": (
        "x.data",
        lines("{y}x, {half}, <=50K"),
        {"header": "none"},
        NO_NAMES,
    ),
    "a header among texts": ("x.csv", "size,colour\n" + lines("s{y},c{y}"), {}, ["size", "colour"]),
    "texts without a header": ("x.csv", lines("s{y},c{y}"), {"header": "none"}, NO_NAMES[:2]),
    "a name for each year": (
        "x.csv",
        "country,2019,2020,y\n" + lines("c{n},{n},{n},{y}"),
        {},
        ["country", "2019", "2020", "y"],
    ),
    "a header above the header": (
        "x.csv",
        "X1,X2,X3\nID,b,y\n" + lines("{n},{half},{y}"),
        {"skip": 1},
        ["ID", "b", "y"],
    ),
    "row names of R": (
        "x.txt",
        '"a" "y"\n' + lines('"r{n}" {half} {y}'),
        {"separator": "space", "header": ["row", "a", "y"], "skip": 1},
        ["row", "a", "y"],
    ),
    "semicolons": ("x.csv", "a;b;y\n" + lines("{n};x, z;{y}"), {"separator": ";"}, ["a", "b", "y"]),
    "tabs": ("x.tsv", "a\tb, c\ty\n" + lines("{n}\tx, {half}\t{y}"), {}, ["a", "b, c", "y"]),
    "tabs in a text": (
        "x.txt",
        lines("{y}s\tso, {n}. What"),
        {"separator": "tab", "header": "none"},
        NO_NAMES[:2],
    ),
    "bars": ("x.txt", "a|b|y\n" + lines('{n}|"p, q; r"|{y}'), {"separator": "|"}, ["a", "b", "y"]),
    "blanks": (
        "x.data",
        lines('{half}   {n}.   1\t"ford {n}"'),
        {"separator": "space", "header": "none"},
        [*NO_NAMES, "column_4"],
    ),
    "separators at the ends": (
        "x.csv",
        "a;b;y;;\n" + lines("{n};{half};{y};;"),
        {"separator": ";"},
        ["a", "b", "y"],
    ),
    "separators at the ends of rows only": (
        "x.csv",
        "a,b,y\n" + lines("{n},{half},{y},,"),
        {},
        ["a", "b", "y"],
    ),
    "comments at the top": (
        "x.csv",
        "# made by us\n# 2024, second run\n" + PLAIN,
        {"comment": "#"},
        ["a", "b", "y"],
    ),
    "titles at the top": (
        "x.csv",
        "Report, all shops\n\n" + PLAIN,
        {"skip": 2},
        ["a", "b", "y"],
    ),
    "a title as wide as the table": (
        "x.csv",
        "Report;;\n" + PLAIN.replace(",", ";"),
        {"separator": ";", "skip": 1},
        ["a", "b", "y"],
    ),
    "an index column of pandas": (
        "x.csv",
        ",b,y\n" + lines("{n},{half},{y}"),
        {},
        ["column_1", "b", "y"],
    ),
    "a name twice": (
        "x.csv",
        "a,b,a,a_2\n" + lines("{n},{half},{y},1"),
        {},
        ["a", "b", "a_3", "a_2"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_goes_in_as_it_is(tmp_path: Path, case: str) -> None:
    name, content, entry, names = CASES[case]
    found, table = guessed(written(tmp_path, name, content))
    assert found == entry
    assert list(table.rows) == names
    count = COUNT + (case == "no header, a question mark first")
    assert table.rows.shape == (count, len(names))
    assert table.left_out == ""
    made = [each for each in names if each not in content and each != "row"]
    assert bool(table.remarks) == bool(made)


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("größe,y\nMünchen,1\n", "utf-8-sig", "utf-8"),
        ("größe,y\nMünchen,1\n", "utf-16", "utf-8"),  # its byte order mark says it
        ("größe,y\nMünchen,1\n", "utf-16-le", "utf-16-le"),
        ("größe,y\nMünchen,1\n", "latin-1", "cp1252"),
        ("prénom,âge\nZoé,31\n", "cp1252", "cp1252"),
        ("preis,note\n5 €,“gut” – ja\n", "cp1252", "cp1252"),  # noqa: RUF001
        ("город,население\nМосква,13\nКазань,1\n", "cp1251", "cp1251"),  # noqa: RUF001
    ],
)
def test_letters_of_other_languages_arrive(
    tmp_path: Path, text: str, encoding: str, expected: str
) -> None:
    path = written(tmp_path, "x.csv", text.encode(encoding))
    reading = guess(path)
    assert reading.encoding == expected
    header, first, *_ = text.splitlines()
    rows = read_table(path, reading)
    assert (list(rows), rows.iloc[0].tolist()) == (header.split(","), first.split(","))


def test_a_letter_far_behind_the_sample_still_says_the_encoding(tmp_path: Path) -> None:
    text = "a,town\n" + "1,Ulm\n" * 400_000 + "2,Köln\n"
    assert guess(written(tmp_path, "x.csv", text.encode("cp1252"))).encoding == "cp1252"


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands"),
    [
        (["0,9417", "-1,3966"], ",", None),
        (["1.234,5", "12,25"], ",", "."),
        (["1 234,5", "12,25"], ",", " "),
        (["14,710.00", "6,600.50"], ".", ","),
        (["1'234.50", "12.25"], ".", "'"),
        (["$1,234", "$950"], ".", ","),
        (["1.234", "5.678"], ".", None),
        (["2.339", "1,5"], ",", "."),
        (["10.3 %", "5.1 %"], ".", None),
        (["2024-01-01", "01.02.2024"], ".", None),
        (["1.10.2", "v1"], ".", None),
    ],
)
def test_the_marks_of_numbers_are_seen(
    tmp_path: Path, cells: list[str], decimal: str, thousands: str | None
) -> None:
    text = "a|y\n" + "".join(f"{cell}|1\n" for cell in cells * 5)
    reading = guess(written(tmp_path, "x.txt", text))
    assert (reading.decimal, reading.thousands) == (decimal, thousands)


def test_a_comma_in_a_file_with_semicolons_is_a_decimal_mark(tmp_path: Path) -> None:
    reading = guess(written(tmp_path, "x.csv", "a;y\n" + "1,234;0\n2,345;1\n" * 5))
    assert (reading.decimal, reading.thousands) == (",", None)


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "value"),
    [
        (".", ",", "1,234,567.8", 1234567.8),
        (",", ".", "1.234,5", 1234.5),
        (",", ".", "1.5", None),  # a file of 1.5 and 1.234 is not one with decimal commas
        (",", " ", "1\u202f234,5", 1234.5),
        (",", None, "-0,25", -0.25),
    ],
)
def test_a_number_is_read_by_the_marks(
    decimal: Any, thousands: str | None, text: str, value: float | None
) -> None:
    assert number(text, marks_of(Reading(decimal=decimal, thousands=thousands))) == value


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x.csv", content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("x.csv.gz", gzip.compress),
        ("x.csv.bz2", bz2.compress),
        ("x.csv.xz", lzma.compress),
        ("x.zip", zipped),
        ("x.csv", gzip.compress),
    ],
)
def test_a_compressed_file_is_read(
    tmp_path: Path, name: str, packed: Callable[[bytes], bytes]
) -> None:
    _, table = guessed(written(tmp_path, name, packed(PLAIN.encode())))
    assert table.rows.shape == (COUNT, 3)
    assert dataset_name(f"folder/{name}") == "x"


def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"x.csv.gz cannot be read: .*\.$"):
        guess(written(tmp_path, "x.csv.gz", gzip.compress(PLAIN.encode())[:40]))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", "a\n")
        archive.writestr("b.csv", "b\n")
    with pytest.raises(ProjectError, match=r"holds 2 files: a.csv, b.csv: unpack it"):
        guess(written(tmp_path, "y.zip", stream.getvalue()))


def test_lines_that_are_no_rows_are_left_out_and_said(tmp_path: Path) -> None:
    _, table = guessed(written(tmp_path, "x.csv", PLAIN + "\n(c) us\n"))
    assert len(table.rows) == COUNT
    assert table.left_out == f"1 row left out: line {COUNT + 3} has 1 value for 3 columns."


def test_a_file_that_is_read_in_a_wrong_way_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", "a,b\n" + "1,2\n1,2,3\n" * 20)
    with pytest.raises(ProjectError, match=r"line 3 has 3 values for 2 columns, .* 20 of 40 rows"):
        read_table(path, Reading())


def test_cells_of_a_text_file_stay_as_they_are_and_missing_ones_are_none(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", 'a,b\n007, x\n" ",NA\n-,?\n"q\nr",n/a\n1.50,none\n')
    rows = read_table(path, Reading(na=["-", "none"]))
    assert rows["a"].tolist() == ["007", None, None, "q\nr", "1.50"]
    assert rows["b"].tolist() == ["x", None, None, None, None]


def test_what_is_said_is_not_guessed(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", lines("{n};{half},5;{y}"))
    entry, table = guessed(path, separator=";", header="size,weight,y", decimal=".")
    assert entry == {"separator": ";", "header": ["size", "weight", "y"]}
    assert list(table.rows) == ["size", "weight", "y"]
    assert len(table.rows) == COUNT


def test_names_that_are_said_take_the_place_of_a_header(tmp_path: Path) -> None:
    entry, table = guessed(written(tmp_path, "x.csv", PLAIN), header="one,two,three")
    assert entry == {"header": ["one", "two", "three"], "skip": 1}
    assert (list(table.rows), len(table.rows)) == (["one", "two", "three"], COUNT)


def test_what_is_said_wrong_is_refused_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", PLAIN)
    with pytest.raises(ProjectError, match=r"encoding 'latin-9x': .* is no encoding"):
        guess(path, {"encoding": "latin-9x"})
    with pytest.raises(ProjectError, match="separator 'ab': say one character, or tab or space"):
        guess(path, {"separator": "ab"})
    with pytest.raises(ProjectError, match=r"line 2 has .* name as many columns by --header"):
        read_table(path, guess(path, {"header": "a,b"}))
    with pytest.raises(ProjectError, match="is not text in ascii: name its encoding"):
        read_table(written(tmp_path, "y.csv", "ä,b\n1,2\n"), Reading(encoding="ascii"))


def test_every_type_of_parquet_and_arrow_becomes_a_plain_one(tmp_path: Path) -> None:
    day = datetime.date(2024, 5, 1)
    table = pa.table(
        {
            "price": pa.array([Decimal("1.25"), None], pa.decimal128(9, 2)),
            "day": pa.array([day, None], pa.date32()),
            "stay": pa.array([datetime.timedelta(hours=2), None]),
            "at": pa.array([datetime.time(6, 30), None]),
            "colour": pa.array(["red", None]).dictionary_encode(),
            "count": pa.array([3, None], pa.uint8()),
            "flag": pa.array([True, None]),
            "text": pa.array(["x", None], pa.large_string()),
            "when": pa.array([datetime.datetime(2024, 5, 1, 12), None]),
        }
    )
    parquet.write_table(table, tmp_path / "x.parquet")
    feather.write_feather(table, str(tmp_path / "x.feather"))
    with (
        pa.OSFile(str(tmp_path / "x.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    for name in ("x.parquet", "x.feather", "x.arrow"):
        rows = read_table(tmp_path / name)
        assert rows.iloc[0].tolist() == [
            1.25,
            pd.Timestamp(day),
            pd.Timedelta(hours=2),
            "06:30:00",
            "red",
            3.0,
            True,
            "x",
            pd.Timestamp("2024-05-01 12:00"),
        ]
        assert rows.iloc[1].isna().all()
        assert [str(rows[each].dtype) for each in ("price", "count")] == ["float64"] * 2


def test_a_column_of_lists_is_refused_in_words(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2], "tags": [["x"], ["y", "z"]]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ProjectError, match=r"the column tags holds lists: leave it out"):
        read_table(tmp_path / "x.parquet")
    path = written(tmp_path, "x.jsonl", '{"a": 1}\n{"a": {"b": 2}}\n')
    with pytest.raises(ProjectError, match=r"x.jsonl, row 2 has an object as its a"):
        read_table(path)


def test_a_sheet_of_a_workbook_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    rows = pd.DataFrame(
        {
            "n": [1, None, 3],
            "price": [1.5, 2.5, 3.5],
            "day": pd.to_datetime(["2024-05-01"] * 3),
            "code": ["A1", 7, None],
        }
    )
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"other": [1]}).to_excel(book, sheet_name="notes", index=False)
        pd.DataFrame([["Sales of May"]]).to_excel(book, sheet_name="may", index=False, header=False)
        rows.to_excel(book, sheet_name="may", index=False, startrow=2)
    entry, table = guessed(path, sheet="may")
    assert entry == {"sheet": "may", "skip": 2}
    assert table.rows["n"].tolist()[::2] == [1.0, 3.0]
    assert table.rows["price"].tolist() == [1.5, 2.5, 3.5]
    assert table.rows["day"].dtype.kind == "M"
    assert table.rows["code"].tolist() == ["A1", "7", None]
    with pytest.raises(ProjectError, match="has no sheet 'june'; it has notes, may"):
        guess(path, {"sheet": "june"})


def test_lengths_of_time_of_a_sheet_are_lengths_above_a_day_too(tmp_path: Path) -> None:
    rows = pd.DataFrame({"days": [at * 0.11 for at in range(30)], "y": range(30)})
    with pd.ExcelWriter(tmp_path / "x.xlsx", engine="openpyxl") as book:
        rows = rows.assign(clock=rows["days"], hours=rows["days"])[["clock", "hours", "y", "days"]]
        rows.drop(columns="days").to_excel(book, index=False)
        for row in book.book.active.iter_rows(min_row=2):
            row[0].number_format, row[1].number_format = "h:mm", "[h]:mm"
    table = read_table(tmp_path / "x.xlsx")
    entries = propose(table, "x", "x.xlsx", target="y").entry["features"]
    assert [entry["type"] for entry in entries] == ["duration"] * 2
    dataset = Dataset.model_validate(
        PETS.model_dump()
        | {"features": entries, "target": {"name": "y", "type": "integer"}}
        | {"task": "regression", "metric": "rmse", "entity_key": []}
    )
    found = typed(table, dataset)
    assert not found.misfits
    for name in ("clock", "hours"):
        assert found.rows[name].tolist() == pytest.approx((rows["days"] * 86400).tolist())


def test_a_table_of_one_column_has_no_separator(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", "target\n1\n0\n")
    reading = guess(path, {})
    assert "tab" not in reading.words(columns=1)
    assert "no separator (--sep)" in reading.words(columns=1)


def test_json_lines_keep_their_types(tmp_path: Path) -> None:
    found = [
        {"a": 1, "b": "x", "y": True},
        {"a": None, "b": "NA", "y": False},
        {"b": "z", "y": True},
    ]
    as_lines = written(tmp_path, "x.jsonl", "\n".join(map(json.dumps, found)))
    as_list = written(tmp_path, "x.json", json.dumps(found, indent=1))
    for path in (as_lines, as_list):
        rows = read_table(path)
        assert rows["y"].tolist() == [True, False, True]
        assert rows["b"].tolist() == ["x", None, "z"]
        assert rows["a"].dtype == "float64"


def test_another_kind_is_refused_with_the_kinds_that_are_read(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"x.pdf: give a .csv, .tsv, .* or a SQL URL"):
        guess(written(tmp_path, "x.pdf", "%PDF"))


def test_how_a_file_is_read_is_shown_and_kept_for_tomorrows_file(
    project: Project, tmp_path: Path
) -> None:
    text = "".join(f"{n};{n / 7:.4f};{'ja' if n % 2 else 'nein'}\n" for n in range(60))
    path = written(tmp_path, "Käufe.csv", f"nr;größe;y\n{text.replace('.', ',')}".encode("cp1252"))
    task = project.config.datasets[0].task
    words = ("--target", "y" if task == "classification" else "größe", "--na", "-", "--yes")
    result = invoke(project, "create-local-datasets", "--from", str(path), *words)
    assert result.exit_code == 0, result.output
    assert "encoding cp1252 (--encoding)" in result.stdout.replace(
        "cp1252 (", "encoding cp1252 (", 1
    )
    (dataset, *_) = Project(project.root).config.datasets
    assert dataset.read.entry() == {
        "encoding": "cp1252",
        "separator": ";",
        "decimal": ",",
        "na": ["-"],
    }
    path.write_bytes(path.read_bytes() + b"61;-;ja\n")
    result = invoke(Project(project.root), "create-local-datasets")
    assert result.exit_code == 0, result.output
    assert "61 rows" in result.stdout or "1 row without" in result.stdout


def test_how_a_file_is_read_is_said_for_a_new_table_only(project: Project) -> None:
    result = invoke(project, "create-local-datasets", "--sep", ";")
    assert result.exit_code == 2
    assert "go with --from" in result.stderr


@pytest.mark.parametrize("seconds", [0, 7200.5, -3600, 1e9])
def test_a_duration_is_written_as_it_is_read(seconds: float) -> None:
    assert duration(iso_duration(seconds)) == seconds


def test_a_point_between_thousands_is_named_and_can_be_denied(tmp_path: Path) -> None:
    """Nothing in the file tells what 2.339 is, beside a column of 5,160."""
    text = "".join(f"{2 + n}.{339 + n};{5 + n},{160 + n};{n % 2}\n" for n in range(80))
    path = written(tmp_path, "x.csv", f"a;b;target\n{text}")
    reading = guess(path)
    assert ". between thousands (--thousands)" in reading.words(3)
    rows = read_table(path, reading)
    found = propose(rows, "x", "x.csv", marks=marks_of(reading))
    seen = {line.name: line.seen for line in found.lines}
    assert seen["a"].startswith("numbers such as 10.347, 2,339 to ")
    assert seen["a"].endswith("2.339 is ambiguous, and read as 2339: --decimal . says otherwise")
    assert seen["b"].endswith("5,160 is ambiguous, and read as 5.16: --decimal . says otherwise")
    denied = guess(path, {"thousands": "none"})
    assert denied.entry() == {"separator": ";", "decimal": ",", "thousands": "none"}
    assert Reading(**denied.entry()) == denied
    assert "nothing between thousands (--thousands)" in denied.words(3)
    a, b = propose(rows, "x", "x.csv", marks=marks_of(denied)).entry["features"]
    assert (a["minimum"], a["decimal"], b["minimum"]) == (2.339, ".", 5.16)


def test_one_clear_fraction_says_what_the_other_numbers_are() -> None:
    rows = pd.DataFrame({"a": [f"{2 + n}.339" for n in range(80)], "y": ["1", "0"] * 40})
    for clear, ends in (("1.5", False), ("1.500", True)):
        found = propose(rows.assign(b=[clear, "7.250"] * 40), "x", "x.csv", target="y")
        (line,) = [line for line in found.lines if line.name == "a"]
        assert line.seen.endswith("--decimal , says otherwise") is ends


@pytest.mark.parametrize(
    ("count", "words"), [(1, "column is called column_1."), (2, " to column_")]
)
def test_the_names_of_a_table_without_header_are_said(count: int, words: str) -> None:
    _, remarks = column_names(Reading(header=False), ["x"] * count)
    assert words in remarks["column_1"]
