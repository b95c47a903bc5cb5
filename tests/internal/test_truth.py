"""Truth that became known: read from any table, kept once, and joined with the prediction log."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from small import PETS, pets

from seedling.config import Dataset, Project
from seedling.errors import ProjectError
from seedling.monitoring import truth
from seedling.monitoring.add_truth import TruthAdded, Wanted, add_truth
from seedling.monitoring.logged import Page
from seedling.testing import invoke, sample_rows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def page(keys: list[object], ids: list[str] | None = None, places: list[int] | None = None) -> Page:
    """Logged rows of PETS with these entity keys, one a request unless said."""
    count = len(keys)
    sent = pets(count).drop(columns="adopted").assign(id=pd.Series(keys))
    answers = pd.DataFrame({"prediction": ["no"] * count, "score_no": 0.9, "score_yes": 0.1})
    records = pd.DataFrame(
        {
            "id": ids or [f"request{at}" for at in range(count)],
            "row": places or [0] * count,
            "time": NOON,
            "version": "1",
        }
    )
    return Page(records, sent, answers)


def add(folder: Path, rows: pd.DataFrame, name: str = "truth.csv", **said: object) -> TruthAdded:
    file = folder / name
    writers = {".csv": rows.to_csv, ".parquet": rows.to_parquet, ".xlsx": rows.to_excel}
    if file.suffix == ".jsonl":
        rows.to_json(file, orient="records", lines=True)
    else:
        writers[file.suffix](file, index=False)
    return add_truth(Project(folder), PETS, Wanted(str(file), **said))


def known(folder: Path, rows: Page) -> dict[object, object]:
    found = truth.joined(Project(folder), PETS, rows).rows
    return dict(zip(found["id"], found["adopted"], strict=True))


def frame(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


@pytest.mark.parametrize("name", ["truth.csv", "truth.parquet", "truth.jsonl"])
def test_truth_of_any_table_is_joined_by_the_entity_key_and_unmatched_rows_are_counted(
    tmp_path: Path, name: str
) -> None:
    done = add(tmp_path, frame(id=[1, 2, 9], adopted=["yes", "no", "yes"]), name)
    assert (done.on, done.rows, done.new) == (["id"], 3, 3)
    found = truth.truth_of(Project(tmp_path), PETS)
    joined = found.join(page([1, 2, 3]))
    assert list(joined.rows["adopted"]) == ["yes", "no"]
    assert (joined.by, joined.without_truth, found.unmatched) == (["id"], 1, 1)
    found.join(page([9]))
    assert found.unmatched == 0


def test_the_same_table_twice_adds_nothing_and_a_correction_counts_from_then_on(
    tmp_path: Path,
) -> None:
    first = frame(id=[1, 2], adopted=["yes", "no"])
    add(tmp_path, first)
    again = add(tmp_path, first)
    assert (again.new, again.corrected, again.same) == (0, 0, 2)
    (file,) = truth.folder_of(Project(tmp_path), PETS).glob("*")
    assert file.suffix == ".parquet"
    late = add(tmp_path, frame(id=[2, 3], adopted=["yes", "yes"]))
    assert (late.new, late.corrected, late.same) == (1, 1, 0)
    assert known(tmp_path, page([1, 2, 3])) == {1: "yes", 2: "yes", 3: "yes"}
    back = add(tmp_path, first)  # what was true at first is so again
    assert (back.corrected, back.same) == (1, 1)
    assert known(tmp_path, page([2])) == {2: "no"}


def test_of_a_key_that_stands_twice_in_a_table_the_last_row_counts(tmp_path: Path) -> None:
    done = add(tmp_path, frame(id=[1, 1, 2, 2], adopted=["yes", "yes", "no", "yes"]))
    assert (done.new, done.repeated, done.contradicted) == (2, 1, 1)
    assert known(tmp_path, page([1, 2])) == {1: "yes", 2: "yes"}


def test_an_entity_that_was_asked_for_again_is_one_row_the_last_one(tmp_path: Path) -> None:
    add(tmp_path, frame(id=[1], adopted=["yes"]))
    rows = page([1, 1, 1])
    joined = truth.joined(Project(tmp_path), PETS, rows)
    assert (len(joined.rows), joined.repeated) == (1, 2)
    assert list(joined.records["id"]) == ["request2"]


def test_a_key_is_found_however_a_file_writes_it(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("id,adopted\n1.0,yes\n,no\n2.0,no\n", encoding="utf-8")
    done = add_truth(Project(tmp_path), PETS, Wanted(str(tmp_path / "truth.csv")))
    assert done.left_out == ["1 row without id: left out"]
    assert known(tmp_path, page([1, 2])) == {1: "yes", 2: "no"}
    (tmp_path / "codes.csv").write_text("id,adopted\n007,yes\n010,no\n", encoding="utf-8")
    add_truth(Project(tmp_path), PETS, Wanted(str(tmp_path / "codes.csv")))
    assert known(tmp_path, page(["007", "7", "010"])) == {"007": "yes", "010": "no"}


def test_a_key_that_the_log_has_as_a_number_is_found_by_any_text_of_that_number(
    tmp_path: Path,
) -> None:
    rows = "id,adopted\n1e4,yes\n0010001,no\n3.0,yes\n4.50,no\n12,no\nabc,yes\n"
    (tmp_path / "truth.csv").write_text(rows, encoding="utf-8")
    done = add_truth(Project(tmp_path), PETS, Wanted(str(tmp_path / "truth.csv")))
    assert done.new == 6
    found = truth.truth_of(Project(tmp_path), PETS)
    assert len(found.join(page([10_000, 10_001, 3])).rows) == 3
    assert len(found.join(page([4.5, None])).rows) == 1
    assert (found.unmatched, found.one_unmatched()) == (2, "id 12")
    add(tmp_path, frame(id=["10000"], adopted=["no"]), "later.csv")  # a correction of 1e4
    assert known(tmp_path, page([10_000, 12])) == {10_000: "no", 12: "no"}
    assert known(tmp_path, page(["1e4", "0010001", "10001", "3", "4.50"])) == {
        "1e4": "yes",
        "0010001": "no",
        "3": "yes",
        "4.50": "no",
    }


def test_a_key_of_which_python_makes_no_number_is_unmatched_and_stops_nothing(
    tmp_path: Path,
) -> None:
    add(tmp_path, frame(id=["9" * 5000, "1_000", "0" * 5000 + "7"], adopted=["yes"] * 3))
    assert known(tmp_path, page([7, 1000])) == {7: "yes"}


def test_a_key_that_is_no_number_of_the_log_is_unmatched_however_long_it_is(
    tmp_path: Path,
) -> None:
    long = "9" * 5_000
    odd = [long, f"-{long}", f"{long}.5", f"1e{long}", "1_0", "1_0.0", "\u0661\u0660", "inf", "nan"]
    keys = pd.Series([*odd, "-0", f"{'0' * 5_000}7"]).rename("id").to_frame()
    add(tmp_path, keys.assign(adopted="yes"))
    found = truth.truth_of(Project(tmp_path), PETS)
    joined = found.join(page([10, 0, 7, 1]))
    assert list(joined.rows["id"]) == [0, 7]
    assert found.unmatched == found.rows - 2 >= len(odd) - 1  # nan may be a missing key
    assert len(found.one_unmatched()) < 100


def test_a_truth_or_a_place_of_thousands_of_digits_is_one_line(tmp_path: Path) -> None:
    long = "9" * 5_000
    ids = [f"request{number}" for number in range(40)]
    by_id = frame(prediction_id=ids, row=[0] * 39 + [long], adopted=["yes"] * 40)
    add(tmp_path, by_id)
    assert len(truth.joined(Project(tmp_path), PETS, page([1] * 40, ids)).rows) == 39
    with pytest.raises(ProjectError, match="adopted") as refused:
        add(tmp_path, frame(id=[1, 2], adopted=["yes", long]), "long.csv")
    assert len(str(refused.value)) < 500


def test_one_misfit_does_not_make_misfits_of_numbers_that_are_labels(tmp_path: Path) -> None:
    target = PETS.target.model_copy(update={"labels": ["0", "1"], "positive": "1"})
    numbered = PETS.model_copy(update={"target": target})
    lines = [f"{at},{at % 2}.0" for at in range(40)]
    text = "\n".join(["id,adopted", *lines, "40,true", "41,nan"])
    (tmp_path / "truth.csv").write_text(text, encoding="utf-8")
    done = add_truth(Project(tmp_path), numbered, Wanted(str(tmp_path / "truth.csv")))
    assert done.new == 40
    assert done.left_out[0] == "adopted: 'true' is none of its labels (row 41): left out"


def test_truth_by_the_predictions_id_finds_the_row_of_its_request(tmp_path: Path) -> None:
    ids, rows = ["a", "a", "b"], [0, 1, 0]
    add(tmp_path, frame(prediction_id=ids, row=rows, adopted=["yes", "no", "yes"]))
    # A request that two versions answered is two records, and each says which rows are its own.
    logged = page([1, 2, 3, 4], ids=["a", "a-1", "b-shadow-2", "c"], places=[1, 0, 0, 0])
    assert known(tmp_path, logged) == {1: "no", 2: "yes", 3: "yes"}
    add(tmp_path, frame(prediction_id=["c"], adopted=["no"]), "single.csv")
    for row in ("-1", "abc", "1.5"):
        wrong = frame(prediction_id=["a", "b"], row=["0", row], adopted=["yes", "no"])
        with pytest.raises(ProjectError, match=rf"row: '{row}' is no place in a request.*row 2\)"):
            add(tmp_path, wrong, "wrong.csv")
    assert known(tmp_path, logged)[4] == "no"


def test_the_value_added_last_counts_by_whatever_key_it_came(tmp_path: Path) -> None:
    logged = page([1], ids=["a"])
    add(tmp_path, frame(id=[1], adopted=["no"]))
    add(tmp_path, frame(prediction_id=["a"], adopted=["yes"]), "ids.csv")
    assert known(tmp_path, logged) == {1: "yes"}
    add(tmp_path, frame(id=[1, 2], adopted=["no", "no"]), "more.csv")
    assert known(tmp_path, logged) == {1: "yes"}, "a value that was known is not said anew"


def test_a_column_of_another_name_leads_to_predictions(tmp_path: Path) -> None:
    rows = frame(number=[1, 2], seen=["yes", "no"], id=["x", "y"])
    done = add(tmp_path, rows, on=["number=id"], target="seen")
    assert done.on == ["id"]
    assert known(tmp_path, page([1, 2])) == {1: "yes", 2: "no"}
    by_two = frame(kind=["cat", "dog"], age=[0, 1], adopted=["yes", "no"])
    assert add(tmp_path, by_two, on=["kind", "age"]).new == 2


DATED = Dataset.model_validate(
    PETS.model_dump(exclude_unset=True)
    | {
        "features": [{"name": "week", "type": "date"}, {"name": "age", "type": "integer"}],
        "split": {"by": "week"},
    }
)


def dated(weeks: list[str]) -> Page:
    """Logged rows of DATED, all of the entity 1, each of another week."""
    rows = page([1] * len(weeks))
    return rows._replace(sent=pd.DataFrame({"id": 1, "week": pd.to_datetime(weeks), "age": 3}))


@pytest.mark.parametrize("said", [{}, {"on": ["id", "week"]}])
def test_of_a_dataset_that_is_split_by_time_an_entity_has_a_truth_for_each_time(
    tmp_path: Path, said: dict[str, object]
) -> None:
    rows = frame(id=[1, 1], week=["2026-03-02", "2026-03-09"], adopted=["yes", "no"])
    rows.to_csv(tmp_path / "truth.csv", index=False)
    done = add_truth(Project(tmp_path), DATED, Wanted(str(tmp_path / "truth.csv"), **said))
    assert (done.on, done.new, done.contradicted) == (["id", "week"], 2, 0)
    joined = truth.joined(
        Project(tmp_path), DATED, dated(["2026-03-02", "2026-03-09", "2026-03-16"])
    )
    assert list(joined.rows["adopted"]) == ["yes", "no"]
    assert (joined.by, joined.without_truth) == (["id, week"], 1)


def test_the_time_is_no_key_where_the_table_or_the_log_has_it_not_or_another_key_is_named(
    tmp_path: Path,
) -> None:
    rows = frame(id=[1], week=["2026-03-02"], adopted=["yes"])
    unasked = PETS.model_copy(update={"split": DATED.split})
    for dataset, table, on in (
        (DATED, rows.drop(columns="week"), ()),
        (DATED, rows, ["id"]),
        (unasked, rows, ()),
    ):
        table.to_csv(tmp_path / "truth.csv", index=False)
        wanted = Wanted(str(tmp_path / "truth.csv"), on)
        assert add_truth(Project(tmp_path), dataset, wanted).on == ["id"]


@pytest.mark.parametrize(
    ("rows", "said", "words"),
    [
        (frame(id=[1]), {}, "truth.csv has no column 'adopted', the truth; it has id: name its"),
        (
            frame(age=[1], adopted=["no"]),
            {},
            r"has neither prediction_id nor the entity key \(id\)",
        ),
        (frame(id=[1], adopted=["maybe"]), {}, r"adopted: 'maybe' is none of its labels \(row 1\)"),
        (frame(id=[1], adopted=[None]), {}, "truth.csv: no row has a value of adopted"),
        (frame(id=[1], adopted=["no"]), {"on": ["name"]}, "has no column 'name'; it has id, adopt"),
        (frame(id=[1], adopted=["no"]), {"on": ["adopted"]}, "--on adopted: the prediction log"),
        (frame(id=[None], adopted=["no"]), {}, "no row has both id and a truth"),
    ],
)
def test_a_table_that_is_no_truth_is_refused_in_one_line(
    tmp_path: Path, rows: pd.DataFrame, said: dict[str, object], words: str
) -> None:
    with pytest.raises(ProjectError, match=words) as refused:
        add(tmp_path, rows, **said)
    assert "\n" not in str(refused.value)
    assert not [*truth.folder_of(Project(tmp_path), PETS).glob("*.parquet")]


def test_a_few_values_that_do_not_fit_are_left_out_and_named(tmp_path: Path) -> None:
    rows = frame(id=[*range(40)], adopted=["no"] * 38 + ["perhaps", None])
    done = add(tmp_path, rows)
    assert done.new == 38
    assert done.left_out == [
        "adopted: 'perhaps' is none of its labels (row 39): left out",
        "1 row without adopted: left out",
    ]


def test_truth_may_be_a_number_with_the_marks_of_its_file(tmp_path: Path) -> None:
    target = {"name": "price", "type": "number"}
    fields = {"task": "regression", "metric": "mae", "target": target}
    dataset = Dataset.model_validate(PETS.model_dump(exclude_unset=True) | fields)
    for name, text in {"a.csv": "id,price\n1,3.5\n2,4\n", "b.csv": "id;price\n3;1,5\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        add_truth(Project(tmp_path), dataset, Wanted(str(tmp_path / name)))
    joined = truth.joined(Project(tmp_path), dataset, page([1, 2, 3]))
    assert list(joined.rows["price"]) == [3.5, 4.0, 1.5]
    (tmp_path / "c.csv").write_text("id,price\n1,dear\n", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"c\.csv: price: .*'dear'"):
        add_truth(Project(tmp_path), dataset, Wanted(str(tmp_path / "c.csv")))


@pytest.mark.parametrize(
    ("header", "said", "column"),
    [
        ("id,id,adopted", {}, "id"),
        ("id,adopted,adopted", {}, "adopted"),
        ("key,key,adopted", {"on": ["key=id"]}, "key"),
        ("id,seen,seen", {"target": "seen"}, "seen"),
        ("id,adopted,kind,kind", {}, ""),
        ("id,adopted,adopted", {"target": "adopted_2"}, ""),
    ],
)
def test_a_column_of_the_key_and_the_truth_stand_once_in_a_table(
    tmp_path: Path, header: str, said: dict[str, object], column: str
) -> None:
    cells = ["no" if name in ("adopted", "seen") else "1" for name in header.split(",")]
    (tmp_path / "truth.csv").write_text(f"{header}\n{','.join(cells)}\n", encoding="utf-8")
    wanted = Wanted(str(tmp_path / "truth.csv"), **said)
    if not column:
        assert add_truth(Project(tmp_path), PETS, wanted).new == 1
        return
    with pytest.raises(ProjectError, match=f"truth.csv has the column {column} twice: leave only"):
        add_truth(Project(tmp_path), PETS, wanted)


def test_a_copy_that_a_dataset_has_as_a_column_of_its_own_is_that_one(tmp_path: Path) -> None:
    target = PETS.target.model_copy(update={"name": "kind_2"})
    (tmp_path / "truth.csv").write_text("id,kind,kind\n1,cat,no\n", encoding="utf-8")
    dataset = PETS.model_copy(update={"target": target})
    added = add_truth(
        Project(tmp_path), dataset, Wanted(str(tmp_path / "truth.csv"), ["id", "kind"])
    )
    assert added.new == 1


def test_the_verb_says_what_was_new(project: Project) -> None:
    dataset = project.config.first_dataset
    rows = sample_rows(dataset, 20)[[*dataset.entity_key, dataset.target.name]]
    rows.to_csv(project.root / "truth.csv", index=False)
    shown = invoke(project, "add-truth", "truth.csv", "--dataset", dataset.name)
    assert shown.exit_code == 0, shown.output
    assert shown.output == (
        f"{dataset.name}: 20 rows of {dataset.target.name} by {', '.join(dataset.entity_key)}: "
        "20 new, 0 corrected, 0 known before\n"
    )
    refused = invoke(project, "add-truth", "gone.csv", "--dataset", dataset.name)
    assert refused.exit_code == 1
    assert refused.stderr == "Error: There is no file gone.csv.\n"
