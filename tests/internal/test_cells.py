"""Cells as people spell them: the same values in training, in a scored file and in a request."""

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import PETS, pets

from seedling import columns
from seedling.columns.protocol import Column
from seedling.config import Dataset, Reading
from seedling.data import cells, datasets, spelled_columns
from seedling.data.spelled import POINT, Marks, number
from seedling.data.validation import validate
from seedling.errors import InputError
from seedling.serving.inputs import Reader

COMMA = Marks(",")
NUMBERS = {
    "$1,234.50": 1234.5,
    "10.3 %": 10.3,
    "10%": 10,
    "(200)": -200,
    "-$5": -5,
    "$-5": -5,
    "5-": -5,
    "\u22123": -3,
    "+4": 4,
    "12 EUR": 12,
    "US$ 1,000": 1000,
    "1\u202f234.5": 1234.5,
    "1\u00a0234": 1234,
    "1'234.50": 1234.5,
    "1,234": 1234,
    "12,34,567": 1234567,
    "1e5": 100000,
    ".5": 0.5,
    " 7 ": 7,
}
NO_NUMBERS = ["abc", "1_000", "0x10", "1,5", "0,942", "1.2.3", "(5", "-(5)", "1 days", "12 kg", ""]


def column(kind: str, **keys: Any) -> Column:
    found: Column = columns.read({"name": "x", "type": kind, **keys})
    return found


def described(**changes: Any) -> Dataset:
    return Dataset.model_validate({**PETS.model_dump(), **changes})


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_a_spelled_number_is_one_value_in_a_column_and_alone(text: str, value: float) -> None:
    assert column("number").parse(text) == value
    assert column("number").from_text(pd.Series([text], dtype=object), POINT).tolist() == [value]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_spells_no_number_is_none_in_a_column_and_alone(text: str) -> None:
    assert number(text) is None
    assert spelled_columns.numbers(pd.Series([text], dtype=object)).isna().all()


def test_a_decimal_comma_is_that_of_the_file_or_of_the_column() -> None:
    texts = {"1.234,5": 1234.5, "0,9417": 0.9417, "-3": -3, "1.234": 1234}
    for kind, marks in ((column("number"), COMMA), (column("number", decimal=","), POINT)):
        assert [kind.parse(text, marks) for text in texts] == [*texts.values()]
        found = kind.from_text(pd.Series([*texts], dtype=object), marks)
        assert found.tolist() == [*texts.values()]
    assert column("number").parse("1.5", COMMA) == "1.5"


def test_many_texts_are_read_as_each_alone_is() -> None:
    generator = np.random.default_rng(0)
    letters = [*"0123456789", *"0123456789", *".,.,-+()$€%' eE", "\u202f"]
    texts = ["".join(generator.choice(letters, generator.integers(1, 8))) for _ in range(4000)]
    for marks in (POINT, COMMA, Marks(".", "_")):
        alone = [number(text, marks) for text in texts]
        together = spelled_columns.numbers(pd.Series(texts, dtype=object), marks)
        assert sum(value is not None for value in alone) > 500
        expected = np.array([np.nan if value is None else value for value in alone])
        np.testing.assert_array_equal(together.to_numpy(), expected)


@pytest.mark.parametrize("text", ["-", "?", "unknown", "n/a", "#N/A", ".", "--", "#DIV/0!", "None"])
def test_a_word_for_nothing_is_a_gap_in_numbers_and_no_misfit(text: str) -> None:
    rows = pets().astype({"weight": str})
    rows.loc[2, "weight"] = text
    found = cells.typed(rows, PETS)
    assert found.rows["weight"].isna().sum() == 1
    assert found.rows["weight"].dtype == "float64"
    assert (found.misfits, found.refused) == ([], {})
    assert column("number").parse(text) is None


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        *(("yes", "no"), ("Ja", "Nein"), ("oui", "non"), ("Sí", "No"), ("TRUE", "false")),
        *(("t", "f"), ("y", "N"), ("J", "N"), ("да", "нет"), ("はい", "いいえ")),
    ],
)
def test_yes_and_no_are_booleans_in_several_languages(yes: str, no: str) -> None:
    boolean = column("boolean")
    texts = pd.Series([yes, no, yes.upper(), "-"], dtype=object)
    assert type(boolean).propose_text(texts, POINT) == {}
    assert boolean.from_text(texts, POINT).tolist() == [True, False, True, None]
    assert [boolean.parse(text) for text in texts] == [True, False, True, None]


@pytest.mark.parametrize("texts", [["no", "yes", "unknown"], ["m", "f"], ["yes", "ja"], ["0", "1"]])
def test_other_words_are_no_booleans(texts: list[str]) -> None:
    assert type(column("boolean")).propose_text(pd.Series(texts), POINT) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 days 02:00:00", 93600),
        ("1 day, 2:00:00", 93600),
        ("-1 days +23:00:00", -3600),
        ("26:30", 95400),
        ("00:00:36.5", 36.5),
        ("P1DT2H", 93600),
        ("PT90M", 5400),
        ("3", 3),
    ],
)
def test_a_length_of_time_is_its_seconds(text: str, seconds: float) -> None:
    duration = column("duration")
    assert duration.parse(text) == seconds
    assert duration.from_text(pd.Series([text], dtype=object), POINT).tolist() == [seconds]
    reader = Reader(described(features=[{"name": "stay", "type": "duration"}]))
    for sent in (text, seconds):
        assert reader.values(reader.instances([{"stay": sent}])) == [(seconds,)]
    with pytest.raises(InputError, match="stay: expected a length of time such as 26:00:00"):
        reader.values(reader.instances([{"stay": "soon"}]))


def test_lengths_of_time_of_a_typed_source_and_of_texts_are_proposed_alike() -> None:
    kind = columns.find("duration")
    assert kind is not None
    times = pd.Series(pd.to_timedelta(range(30, 90), unit="h"))
    keys = {"minimum": 30 * 3600, "maximum": 89 * 3600}
    assert kind.propose(times) == keys
    assert kind.propose_text(times.astype(str), POINT) == keys
    duration = column("duration")
    assert (
        duration.from_typed(times).tolist() == duration.from_text(times.astype(str), POINT).tolist()
    )
    few = pd.Series(["06:00", "12:00", "18:00"] * 20)  # times of day are categories
    assert kind.propose_text(few, POINT) is None


def test_a_cell_that_does_not_fit_is_missing_and_named_with_its_row() -> None:
    rows = pets().astype({"weight": str, "age": object})
    rows.loc[4, "weight"] = "heavy"
    rows.loc[7, "age"] = "old"
    found = cells.typed(rows, PETS)
    assert found.misfits == [("age", 8, "old"), ("weight", 5, "heavy")]
    assert found.rows["weight"].isna().tolist().index(True) == 4
    assert found.rows["age"].dtype == "float64"
    words = [cells.misfit_words(each) for each in cells.by_column(found.misfits)]
    assert words[1] == "weight: 1 cell does not fit (row 5 'heavy')"


def test_a_column_in_which_many_cells_do_not_fit_is_refused_and_stays_as_it_is() -> None:
    rows = pets().astype({"weight": str})
    rows.loc[:5, "weight"] = "heavy"
    found = cells.typed(rows, PETS)
    assert (found.misfits, [*found.refused]) == ([], ["weight"])
    assert (
        "6 cells do not fit (row 1 'heavy', row 2 'heavy', row 3 'heavy' and 3 more)"
        in (found.refused["weight"])
    )
    assert found.rows["weight"].tolist() == rows["weight"].tolist()


def test_an_infinite_number_is_a_misfit_also_in_a_typed_source() -> None:
    for rows in (pets().astype({"weight": float}), pets().astype({"weight": str})):
        rows.loc[1, "weight"] = "-inf" if rows["weight"].dtype == object else -np.inf
        found = cells.typed(rows, PETS)
        assert found.misfits == [("weight", 2, "-inf")]
        assert found.rows["weight"].isna().sum() == 1


def test_a_fraction_in_whole_numbers_is_kept_for_validation_to_name() -> None:
    rows = pets().astype({"age": str})
    rows.loc[1, "age"] = "1.5"
    assert cells.typed(rows, PETS).rows["age"].tolist()[:3] == [0, 1.5, 2]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pd.array([1, None], dtype="Int64"), [1, None]),
        (pd.array([1.5, None], dtype="Float64"), [1.5, None]),
        (pd.array([True, None], dtype="boolean"), [True, None]),
        (pd.array([True, False], dtype="boolean"), [True, False]),
        (pd.Categorical(["a", None]), ["a", None]),
        (pd.Categorical([3, 4]), [3, 4]),
        (pd.array(["a", None], dtype="string"), ["a", None]),
        ([decimal.Decimal("0.25"), None], [0.25, None]),
        ([datetime.timedelta(hours=1), None], [pd.Timedelta(hours=1), None]),
        ([1, None, 2.5], [1, None, 2.5]),
    ],
)
def test_columns_of_typed_sources_become_numpys(given: Any, expected: list[Any]) -> None:
    found = cells.settled(pd.Series(given))
    assert isinstance(found.dtype, np.dtype)
    assert [None if pd.isna(cell) else cell for cell in found] == expected


def test_numbers_and_texts_in_one_column_are_read_together() -> None:
    mixed = pd.Series([1, 2.5, "-", "$3", None, "x"], dtype=object)
    found = cells.read(mixed, column("number"), POINT)
    assert [None if pd.isna(cell) else cell for cell in found] == [1, 2.5, None, 3, None, None]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "2"], [1, 2]),
        (["1", "2.5"], [1, 2.5]),
        (["0012", "0112"], ["0012", "0112"]),
        (["TRUE", "false"], [True, False]),
        (["1", "x"], ["1", "x"]),
        (["9007199254740993", "1"], [9007199254740993, 1]),
        (["9007199254740993", None], ["9007199254740993", None]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),
        (["$1", "$2"], ["$1", "$2"]),
    ],
)
def test_a_column_without_a_schema_is_typed_where_all_texts_are_plain(
    texts: list[Any], expected: list[Any]
) -> None:
    assert cells.inferred(pd.Series(texts, dtype=object)).tolist() == expected


def test_a_request_may_spell_a_cell_as_the_table_does() -> None:
    comma = Reader(described(read=Reading(decimal=",")))
    point = Reader(PETS)
    row = {"age": "3", "weight": "1.234,5", "kind": "dog", "tame": "Ja"}
    assert comma.values(comma.instances([row])) == [(3, 1234.5, "dog", True)]
    row = {"age": 3, "weight": "-", "kind": "-", "tame": False}
    assert point.values(point.instances([row])) == [(3, None, "-", False)]
    assert point.values(point.instances([[3, "$5", "dog", "no"]])) == [(3, 5, "dog", False)]
    for name, text in (("weight", "1.234,5"), ("age", "1.5"), ("tame", "perhaps")):
        with pytest.raises(InputError, match=rf"^instances\[0\]\.{name}: expected "):
            point.instances([row | {name: text}])


def test_a_dataset_notes_what_did_not_fit(project: Any) -> None:
    table = project.root / "pets.csv"
    rows = pets().astype({"weight": str})
    rows.loc[4, "weight"] = "heavy"
    rows.to_csv(table, index=False)
    note = datasets.create(project, PETS)
    assert note["misfits"] == ["weight: 1 cell does not fit (row 5 'heavy')"]
    rows["weight"] = "heavy"
    rows.to_csv(table, index=False)
    (refused,) = datasets.create(project, PETS)["refused"]
    assert refused.startswith("weight: 60 cells do not fit (row 1 'heavy'")
    (problem,) = validate(datasets.load(project, PETS), PETS)
    assert "'heavy' is not a number" in str(problem)


def test_numbers_and_words_in_one_column_are_written_as_texts(project: Any) -> None:
    rows = pets().assign(note=[1, 2.5, "x"] * 20)
    found = cells.typed(rows, PETS).rows
    datasets.save(project, PETS, found)
    assert datasets.load(project, PETS)["note"].tolist()[:3] == ["1", "2.5", "x"]
