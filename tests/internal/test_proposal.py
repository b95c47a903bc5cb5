"""The proposal for an own table: what it takes each column for, and what it asks."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import pets

from seedling import tasks
from seedling.config import Project
from seedling.data.infer_schema import Asking, Proposal, propose
from seedling.data.infer_target import guess_key, guess_target
from seedling.errors import ProjectError
from seedling.testing import invoke

COUNT = 300


def table(**more: Any) -> pd.DataFrame:
    """Rows as a text file has them: a number, a few words, `target` of two labels, and more."""
    generator = np.random.default_rng(0)
    rows = {
        "size": generator.normal(0, 1, COUNT).round(3),
        "kind": generator.choice(["a", "b", "c"], COUNT),
        **more,
        "target": generator.integers(0, 2, COUNT),
    }
    return pd.DataFrame(rows).astype(str)


def proposed(rows: pd.DataFrame, **answers: Any) -> Proposal:
    return propose(rows, "own", "own.csv", **answers)


def feature(proposal: Proposal, name: str) -> dict[str, Any]:
    (found,) = [each for each in proposal.entry["features"] if each["name"] == name]
    return {key: value for key, value in found.items() if key != "name"}


def numbers() -> list[str]:
    return [f"{value:.3f}" for value in np.random.default_rng(1).normal(1000, 50, COUNT)]


@pytest.mark.parametrize("spelled", ["${}", "{} %", "{} €", "({})", "USD {}"])
def test_spelled_numbers_are_numbers(spelled: str) -> None:
    found = proposed(table(amount=[spelled.format(value) for value in numbers()]))
    assert feature(found, "amount")["type"] == "number"
    (line,) = [line for line in found.lines if line.name == "amount"]
    assert line.seen.startswith("numbers such as ")


def test_a_decimal_comma_that_the_file_does_not_have_is_kept_with_its_column() -> None:
    found = proposed(table(amount=[value.replace(".", ",") + "1" for value in numbers()]))
    assert feature(found, "amount")["decimal"] == ","
    assert 700 < feature(found, "amount")["minimum"] < 1000


@pytest.mark.parametrize(("text", "misfits"), [("-", 0), ("unknown", 0), ("x1", 1)])
def test_one_cell_does_not_cost_a_column(text: str, misfits: int) -> None:
    amounts = numbers()
    amounts[6] = text
    found = proposed(table(amount=amounts))
    assert feature(found, "amount")["type"] == "number"
    assert feature(found, "amount")["nullable"] is True
    assert found.misfits == [("amount", 7, text)] * misfits
    (line,) = [line for line in found.lines if line.name == "amount"]
    assert (line.misfits, line.gaps) == (misfits, 1 - misfits)


def test_many_misfits_are_a_question_and_without_one_the_column_is_left_out() -> None:
    amounts = [*numbers()[:270], *(f"n{at}" for at in range(30))]
    rows = table(amount=amounts)
    reason = proposed(rows).left_out["amount"]
    assert reason == "10% of its cells are not a number: 'n0', 'n1', 'n2'"
    asked: list[str] = []
    for answer, left_out in ((False, ["amount"]), (True, [])):
        asking = Asking(lambda doubt, said=answer: not asked.append(doubt) and said, str)
        assert [*proposed(rows, asking=asking).left_out] == left_out
    assert asked == [f"amount: {reason}"] * 2


def test_words_among_a_few_numbers_are_categories() -> None:
    rooms = ["1", "2", "3", "4", "5+"] * 60
    assert feature(proposed(table(rooms=rooms)), "rooms")["type"] == "category"


def test_codes_with_leading_zeros_are_categories() -> None:
    zips = [f"{at % 40:05}" for at in range(COUNT)]
    assert feature(proposed(table(zip=zips)), "zip")["categories"][:2] == ["00000", "00001"]


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("instant", range(1, COUNT + 1), "it numbers the rows"),
        ("position", range(COUNT), "it numbers the rows"),
        ("Unnamed: 0", range(5, 5 + COUNT), "an index column"),
        ("column_1", range(5, 5 + 2 * COUNT, 2), "an index column: it has no name of its own"),
        ("order_id", range(9000, 9000 + 7 * COUNT, 7), "it identifies rows"),
        ("trace", [f"{at:08x}-0000-4000-8000-{at:012x}" for at in range(COUNT)], "it identifies"),
    ],
)
def test_what_numbers_or_names_the_rows_is_no_feature(name: str, values: Any, why: str) -> None:
    found = proposed(table(**{"person_id": range(COUNT, 0, -1), name: [*values]}))
    assert found.left_out[name].startswith(why)
    assert found.entry["entity_key"] == ["person_id"]
    assert found.entry["ignored"] == [name]


def test_a_measure_of_which_each_row_has_another_stays() -> None:
    steps = np.random.default_rng(0).permutation(COUNT) * 3
    assert feature(proposed(table(steps=steps)), "steps")["type"] == "integer"


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        ({"customer_id": np.arange(COUNT) // 4}, ["customer_id"]),
        ({"customerID": np.arange(COUNT) * 7}, ["customerID"]),
        ({"order_id": range(COUNT), "customer_id": np.arange(COUNT) // 4}, ["customer_id"]),
        ({"order_id": range(COUNT), "product_id": np.arange(COUNT) // 4}, ["order_id"]),
        ({"store_id": np.arange(COUNT) % 5}, []),
        ({"paid": np.arange(COUNT) // 4}, []),
        ({"user_id": np.arange(COUNT) / 4}, []),
    ],
)
def test_the_key_is_an_id_also_one_that_repeats(ids: dict[str, Any], key: list[str]) -> None:
    assert guess_key(pd.DataFrame(ids), "target")[0] == key


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (["a", "Churn", "b"], "Churn"),
        (["id", "class", "b"], "class"),
        (["a", "b", "y"], "y"),
        (["x", "b", "y"], None),
        (["x", "y", "z", "price"], None),
        (["survived", "class", "alone"], None),
        (["label", "b", "target"], "target"),
        (["label", "b", "y"], None),
        (["a", "b", "species"], None),
    ],
)
def test_the_target_is_the_column_that_says_so(names: list[str], target: str | None) -> None:
    rows = pd.DataFrame({name: [0, 1] * 5 for name in names})
    assert guess_target(rows, "classification").target == target


def test_without_a_name_the_likeliest_are_asked_about() -> None:
    rows = pets().rename(columns={"adopted": "species"})
    with pytest.raises(ProjectError, match="--target, such as species, tame or age"):
        proposed(rows, task="classification")
    asking = Asking(bool, lambda likely: likely[0])
    found = proposed(rows, task="classification", asking=asking)
    assert found.entry["target"]["name"] == "species"
    assert found.lines[0][1:2] + found.lines[0][-2:-1] == (
        "target",
        "your answer; yes is positive",
    )


def test_a_person_answers_by_number_or_name(project: Project, tmp_path: Path) -> None:
    pets().to_csv(tmp_path / "pets.csv", index=False)
    command = ("create-local-datasets", "--from", str(tmp_path / "pets.csv"))
    task = project.config.datasets[0].task
    target = "adopted" if task == "classification" else "weight"
    answers = f"nothing\n{target}\ny\n"
    result = invoke(project, *command, answers=answers)
    assert result.exit_code == 0, result.output
    assert "There is no column 'nothing'; there are id, age, " in result.output
    assert Project(project.root).config.datasets[0].target.name == target


def test_errors_say_how_to_name_a_target() -> None:
    rows = table(empty=[None] * COUNT)
    rows["empty"] = None
    with pytest.raises(ProjectError, match=r"empty holds no value.*--target"):
        proposed(rows, target="empty")
    notes = pd.DataFrame(
        {"note": [f"n {at}" for at in range(60)], "one": "1", "label": ["a", "b"] * 30}
    )
    with pytest.raises(ProjectError) as error:
        proposed(notes)
    assert "note: it holds 60 different texts; one: it holds one value only" in str(error.value)
    assert "--target" in str(error.value)


def test_a_spelled_target_is_a_number_and_a_sign_in_it_a_gap() -> None:
    prices = [f"${value}" for value in numbers()]
    prices[3] = "-"
    found = proposed(table(price=prices), task="regression", target="price")
    assert found.entry["target"] == {"name": "price", "type": "number"}
    labels = table().assign(target=["-", *["0", "1"] * 149, "1"])
    assert proposed(labels).entry["target"]["labels"] == [0, 1]


@pytest.mark.parametrize("target", ["target", None])
def test_a_task_that_is_asked_for_is_not_loaded(
    target: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its libraries are not installed in a project of other tasks."""
    spans = tasks.find("spans")
    assert spans.asked_for
    monkeypatch.setattr(type(spans), "training", property(lambda _: pytest.fail("it was loaded")))
    rows = table()
    rows["target"] = rows["target"].map({"0": "refund", "1": "reply"}).astype(object)
    assert proposed(rows, target=target).entry["task"] == "classification"


def test_columns_may_have_any_name_and_values(project: Project, tmp_path: Path) -> None:
    names = ["a.b[c]", "Übergröße ja/nein", "prediction", "🐕", "a<b", "2nd floor", "it's"]
    rows = table(**{name: np.arange(COUNT) % 7 for name in names}, **{'a "quote"': "x", "": "y"})
    rows.loc[0, ['a "quote"', ""]] = "z"
    rows["lists"] = [[1, 2]] * COUNT
    found = proposed(rows)
    assert [each["name"] for each in found.entry["features"]] == ["size", "kind", *names]
    assert found.left_out == {
        'a "quote"': "its name has a quote, a backslash or a line end: rename it",
        "": "it has no name",
        "lists": "it holds lists or objects: make columns of them",
    }
    rows[[*names[:1], "target"]].to_csv(tmp_path / "own.csv", index=False)
    command = ("create-local-datasets", "--from", str(tmp_path / "own.csv"), "--yes")
    assert "a.b[c]" in invoke(project, *command).stdout
    with pytest.raises(ProjectError, match=r"has a quotation mark.*rename it in the table"):
        proposed(rows, target='a "quote"')


def test_the_columns_left_out_stand_in_model_yaml(project: Project, tmp_path: Path) -> None:
    table(row=range(COUNT)).to_csv(tmp_path / "own.csv", index=False)
    command = ("create-local-datasets", "--from", str(tmp_path / "own.csv"), "--target", "target")
    assert invoke(project, *command, "--yes").exit_code == 0
    assert Project(project.root).config.datasets[0].ignored == ["row"]
    assert "ignored: [row]" in project.config_path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        ([f"${n},000" for n in range(1, COUNT)], "approximately $70"),
        ([f"2024-01-{n % 28 + 1:02}" for n in range(1, COUNT)], "in spring"),
        ([f"{n % 50}:30:00" for n in range(1, COUNT)], "all of the day"),
    ],
)
def test_an_example_is_a_cell_that_fits(cells: list[str], wrong: str) -> None:
    found = proposed(table(own=[wrong, *cells]), asking=Asking(lambda _: True, lambda _: ""))
    (line,) = [line for line in found.lines if line.name == "own"]
    assert line.misfits == 1
    assert wrong not in (line.example, line.seen)
    assert wrong not in line.seen
